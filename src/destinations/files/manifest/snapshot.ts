import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { PipelineState } from './state.ts'

const deflate = promisify(gzip)
const inflate = promisify(gunzip)

/** A state as a snapshot holds it: the log up to there need not be read any more. */
export async function encodeSnapshot(state: PipelineState): Promise<Uint8Array> {
  const { tables, staged, checkpoints, loads, ...rest } = state
  const text = JSON.stringify({
    version: 1,
    ...rest,
    tables: [...tables],
    staged: [...staged],
    checkpoints: [...checkpoints],
    loads: [...loads],
  })
  return deflate(text)
}

/** @throws where it can't be read, or is of another layout */
export async function decodeSnapshot(bytes: Uint8Array, sequence: number): Promise<PipelineState> {
  const { version, ...found } = JSON.parse((await inflate(bytes)).toString('utf8'))
  if (version !== 1) throw new Error(`it is of version ${version}, and this Sluice reads version 1`)
  if (found.sequence !== sequence) throw new Error(`it says that it is number ${found.sequence}`)
  return {
    ...found,
    tables: new Map(found.tables),
    staged: new Map(found.staged),
    checkpoints: new Map(found.checkpoints),
    loads: new Map(found.loads),
  }
}
