import { createReadStream } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import {
  cursor,
  definePipeline,
  duckdb,
  duckdbDestination,
  files,
  filesDestination,
  openSource,
  type PipelineInput,
  postgres,
  rest,
  run,
  streamToFile,
} from 'sluice'
import { Pool } from 'undici'
import { copyRows } from './copy-rows.ts'

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

const source = (origin: string, write: 'append' | 'merge' = 'merge') =>
  rest({
    baseUrl: origin,
    streams: {
      rows: {
        path: 'rows',
        records: 'data',
        paginate: cursor({ token: 'next', param: 'cursor' }),
        key: 'id',
        write,
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

const parquet = (folder: string) => join(folder, 'files')
/** Each round has a schema of its own. */
const schema = (folder: string) => basename(folder)

const counts = 'SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM'

function storedRows(counted: Readonly<Record<string, unknown>> | undefined): Stored {
  return { rows: Number(counted?.['rows']), distinctIds: Number(counted?.['ids']) }
}

async function countTable(path: string): Promise<Stored> {
  const [counted] = await duckdbDestination({ path }).query(`${counts} bench_rows`)
  return storedRows(counted)
}

async function countFiles(folder: string): Promise<Stored> {
  const listed = await filesDestination({ path: parquet(folder) }).list('bench')
  const table = listed.find((one) => one.table === 'bench_rows')
  const [counted] = await duckdbDestination({ path: warehouse(folder) }).query(`${counts} (${table!.sql})`)
  return storedRows(counted)
}

/** Counts a round's rows and drops its schema. */
async function takeSchema(url: string, name: string): Promise<Stored> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(`${counts} "${name}".bench_rows`)
    await client.query(`DROP SCHEMA "${name}" CASCADE`)
    return storedRows(rows[0])
  } finally {
    await client.end()
  }
}

async function load(
  origin: string,
  destination: PipelineInput['destination'],
  write: 'append' | 'merge',
): Promise<void> {
  const pipeline = definePipeline({ name: 'bench', destination, sources: { bench: source(origin, write) } })
  const { outcome, streams } = await run(pipeline)
  if (outcome !== 'done') throw new Error(`the run is ${outcome}: ${streams[0]?.error?.message}`)
}

/** @param postgresUrl a server whose only load this is */
export function benchCases(postgresUrl: string): readonly BenchCase[] {
  return [
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
      name: 'copy',
      what: 'rows made beforehand, by one COPY into PostgreSQL, with an index: nothing is read',
      run: (_origin, pages, folder) => copyRows(postgresUrl, pages, folder),
      stored: (folder) => takeSchema(postgresUrl, schema(folder)),
    },
    {
      name: 'sluice-jsonl',
      what: 'Sluice into a file of JSON Lines, without checkpoints',
      async run(origin, _pages, folder) {
        await using bench = await openSource('bench', source(origin))
        await streamToFile(bench.streams[0]!, file(folder))
      },
      stored: (folder) => countLines(file(folder)),
    },
    {
      name: 'sluice-duckdb',
      what: 'Sluice into DuckDB, merged by key',
      run: (origin, _pages, folder) => load(origin, duckdb({ path: warehouse(folder) }), 'merge'),
      stored: (folder) => countTable(warehouse(folder)),
    },
    {
      name: 'sluice-postgres',
      what: 'Sluice into PostgreSQL, merged by key; its server runs on the same cores',
      run: (origin, _pages, folder) =>
        load(origin, postgres({ url: postgresUrl, schema: schema(folder) }), 'merge'),
      stored: (folder) => takeSchema(postgresUrl, schema(folder)),
    },
    {
      name: 'sluice-parquet',
      what: 'Sluice into Parquet files, appended',
      run: (origin, _pages, folder) => load(origin, files({ path: parquet(folder) }), 'append'),
      stored: countFiles,
    },
  ]
}
