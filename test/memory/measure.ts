// One run of `sluice run` over so many records, and the most memory that its process held.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pageSize } from '../../bench/records.ts'
import { destinationAt } from '../../src/destinations/duckdb/test-warehouse.ts'
import { startSluice } from '../kill/sluice-process.ts'

const MIB = 1024 * 1024
/** What a run may hold, whatever the number of records. */
export const LIMIT_MIB = 350

export interface Measured {
  /** Rows in the warehouse afterwards, and how many different ids they have. */
  readonly rows: number
  readonly ids: number
  readonly seconds: number
  /** The most memory that was resident at once (VmHWM), in MiB. */
  readonly peakMiB: number
}

export async function measure(records: number): Promise<Measured> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-memory-'))
  const server = fork(fileURLToPath(new URL('./server.ts', import.meta.url)), [String(records / pageSize)], {
    execArgv: ['--import', 'jiti/register'],
  })
  try {
    const [{ port }] = (await once(server, 'message')) as [{ port: number }]
    const file = join(directory, 'pipeline.json')
    await writeFile(file, pipeline(`http://127.0.0.1:${port}`))
    const started = performance.now()
    const run = startSluice(['run', file, '--json'], { peakMemory: join(directory, 'peak') })
    const end = await run.ended
    const seconds = (performance.now() - started) / 1000
    if (end.code !== 0) throw new Error(`sluice run ended with ${end.code ?? end.signal}:\n${end.stderr}`)
    const [counted] = await destinationAt(join(directory, 'warehouse.duckdb')).query(
      'SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM bench_rows',
    )
    return {
      rows: counted!['rows'] as number,
      ids: counted!['ids'] as number,
      seconds,
      peakMiB: Number(await readFile(join(directory, 'peak'), 'utf8')) / MIB,
    }
  } finally {
    server.disconnect()
    await rm(directory, { recursive: true, force: true })
  }
}

function pipeline(baseUrl: string): string {
  return JSON.stringify({
    name: 'memory',
    destination: { type: 'duckdb', path: 'warehouse.duckdb' },
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
            write: 'merge',
          },
        },
      },
    },
  })
}
