// Rejects of a load are in a file of their own, which the manifest names. They are put together when they are read.
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Reject } from '../../ports/destination.ts'
import { encodeJson } from '../../records/encode-json.ts'
import type { HeldReject } from '../conformance.ts'
import type { PipelineState } from './manifest/state.ts'
import type { ObjectStore } from './store/object-store.ts'

const deflate = promisify(gzip)
const inflate = promisify(gunzip)

export async function encodeRejects(stream: string, rejects: readonly Reject[]): Promise<Uint8Array> {
  const lines = rejects.map(({ id, record, reason }) =>
    JSON.stringify({ stream, id, reason, record: encodeJson(record) }),
  )
  return deflate(`${lines.join('\n')}\n`)
}

/** A pipeline's rejects, each once. */
export async function readRejects(
  store: ObjectStore,
  base: string,
  state: PipelineState,
): Promise<HeldReject[]> {
  const held = new Map<string, HeldReject>()
  for (const { path, loadId } of state.rejects) {
    const body = await store.get(`${base}${path}`)
    if (body === null) continue
    for (const line of (await inflate(body)).toString('utf8').trimEnd().split('\n')) {
      const { stream, id, reason, record } = JSON.parse(line) as Record<string, string>
      const name = JSON.stringify([stream, id])
      const known = held.get(name)
      held.set(name, {
        stream: stream!,
        record: known?.record ?? record!,
        reason: reason!,
        times: (known?.times ?? 0) + 1,
        firstLoadId: known?.firstLoadId ?? loadId,
        lastLoadId: loadId,
      })
    }
  }
  return [...held.values()]
}
