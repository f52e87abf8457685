// One run of `sluice run` over so many records, and the most memory that its process held.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pageSize } from '../../bench/records.ts'
import { startSluice } from '../kill/sluice-process.ts'
import { type Counted, duckdbTarget, type Target } from './targets.ts'

const MIB = 1024 * 1024

export interface Measured extends Counted {
  /** Of the whole process, its start included. */
  readonly seconds: number
  /** That the process was at work, in its own and in the system's code: not that of a server it loads into. */
  readonly cpuSeconds: number
  /** The most memory that was resident at once (VmHWM), in MiB. */
  readonly peakMiB: number
}

/** When a batch is committed, as a pipeline's `batch` says it. */
export type BatchOptions = Readonly<Record<string, string | number>>

/**
 * Loads records from a server in a process of its own, on loopback.
 * @throws Error where a record is missing or there twice
 */
export async function measure(
  records: number,
  target: Target = duckdbTarget,
  batch?: BatchOptions,
): Promise<Measured> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-memory-'))
  const server = fork(fileURLToPath(new URL('./server.ts', import.meta.url)), [String(records / pageSize)], {
    execArgv: ['--import', 'jiti/register'],
  })
  try {
    const [{ port }] = (await once(server, 'message')) as [{ port: number }]
    const file = join(directory, 'pipeline.json')
    await writeFile(file, pipeline(`http://127.0.0.1:${port}`, target, directory, batch))
    const started = performance.now()
    const run = startSluice(['run', file, '--json'], { peakMemory: join(directory, 'peak') })
    const end = await run.ended
    const seconds = (performance.now() - started) / 1000
    if (end.code !== 0) throw new Error(`sluice run ended with ${end.code ?? end.signal}:\n${end.stderr}`)
    const { peakBytes, cpuSeconds } = JSON.parse(await readFile(join(directory, 'peak'), 'utf8'))
    const { rows, ids } = await target.count(directory)
    if (rows !== records || ids !== records)
      throw new Error(`${target.name} holds ${rows} rows with ${ids} different ids instead of ${records}`)
    return { rows, ids, seconds, cpuSeconds, peakMiB: peakBytes / MIB }
  } finally {
    server.disconnect()
    await rm(directory, { recursive: true, force: true })
  }
}

function pipeline(
  baseUrl: string,
  target: Target,
  directory: string,
  batch: BatchOptions | undefined,
): string {
  return JSON.stringify({
    name: 'memory',
    destination: target.destination(directory),
    ...(batch && { batch }),
    sources: {
      bench: {
        type: 'rest',
        baseUrl,
        streams: {
          rows: {
            path: 'rows',
            records: 'data',
            paginate: { type: 'cursor', token: 'next', param: 'cursor' },
            key: 'id',
            write: target.write,
          },
        },
      },
    },
  })
}
