import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cursor, definePipeline, duckdb, openSource, rest, run, streamToFile } from 'sluice'
import { Pool } from 'undici'
import { pageSize } from './records.ts'

/** Reads every page of the server once. */
export interface BenchCase {
  readonly name: string
  readonly what: string
  run(origin: string, pages: number): Promise<void>
}

const source = (origin: string) =>
  rest({
    baseUrl: origin,
    streams: {
      rows: {
        path: 'rows',
        records: 'data',
        paginate: cursor({ token: 'next', param: 'cursor' }),
        key: 'id',
      },
    },
  })

async function readPages(origin: string, pages: number, use: (text: string) => unknown): Promise<void> {
  const pool = new Pool(origin)
  for (let page = 0; page < pages; page++) {
    const { body } = await pool.request({ method: 'GET', path: `/rows?cursor=${page}` })
    use(await body.text())
  }
  await pool.close()
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const cases: readonly BenchCase[] = [
  {
    name: 'fetch',
    what: 'the pages as text, one after the other',
    run: (origin, pages) => readPages(origin, pages, (text) => text.length),
  },
  {
    name: 'fetch-parse',
    what: 'the same, and JSON.parse: the ceiling',
    run: (origin, pages) => readPages(origin, pages, (text) => JSON.parse(text)),
  },
  {
    name: 'sluice-jsonl',
    what: 'Sluice into a file of JSON Lines',
    run: (origin, pages) =>
      inFolder(async (folder) => {
        await using bench = await openSource('bench', source(origin))
        const file = await streamToFile(bench.streams[0]!, join(folder, 'rows.jsonl'))
        expectRows(file.records, pages)
      }),
  },
  {
    name: 'sluice-duckdb',
    what: 'Sluice into DuckDB, merged by key',
    run: (origin, pages) =>
      inFolder(async (folder) => {
        const path = join(folder, 'bench.duckdb')
        const pipeline = definePipeline({
          name: 'bench',
          destination: duckdb({ path }),
          sources: { bench: source(origin) },
        })
        const report = await run(pipeline)
        expectRows(report.streams[0]!.inserted, pages)
        if ((await stat(path)).size === 0) throw new Error('the warehouse is empty')
      }),
  },
]

function expectRows(found: number, pages: number): void {
  if (found !== pages * pageSize) throw new Error(`${found} rows arrived instead of ${pages * pageSize}`)
}
