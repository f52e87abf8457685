import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  cursor,
  definePipeline,
  duckdb,
  duckdbDestination,
  openSource,
  rest,
  run,
  streamToFile,
} from 'sluice'
import { Pool } from 'undici'

/** Reads every page of the server once. */
export interface BenchCase {
  readonly name: string
  readonly what: string
  /** `folder` is empty, and holds what is stored. */
  run(origin: string, pages: number, folder: string): Promise<void>
  /** Counts what was stored, outside of the time that is measured. Absent where nothing is. */
  stored?(folder: string): Promise<Stored>
}

export interface Stored {
  readonly rows: number
  readonly distinctIds: number
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

const file = (folder: string) => join(folder, 'rows.jsonl')
const warehouse = (folder: string) => join(folder, 'bench.duckdb')

async function countLines(path: string): Promise<Stored> {
  const ids = new Set<unknown>()
  let rows = 0
  for await (const line of createInterface({ input: createReadStream(path) })) {
    rows++
    ids.add(JSON.parse(line).id)
  }
  return { rows, distinctIds: ids.size }
}

async function countTable(path: string): Promise<Stored> {
  const [counts] = await duckdbDestination({ path }).query(
    'SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM bench_rows',
  )
  return { rows: Number(counts!['rows']), distinctIds: Number(counts!['ids']) }
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
    async run(origin, _pages, folder) {
      await using bench = await openSource('bench', source(origin))
      await streamToFile(bench.streams[0]!, file(folder))
    },
    stored: (folder) => countLines(file(folder)),
  },
  {
    name: 'sluice-duckdb',
    what: 'Sluice into DuckDB, merged by key',
    async run(origin, _pages, folder) {
      const pipeline = definePipeline({
        name: 'bench',
        destination: duckdb({ path: warehouse(folder) }),
        sources: { bench: source(origin) },
      })
      const { outcome, streams } = await run(pipeline)
      if (outcome !== 'done') throw new Error(`the run is ${outcome}: ${streams[0]?.error?.message}`)
    },
    stored: (folder) => countTable(warehouse(folder)),
  },
]
