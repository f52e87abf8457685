// What PostgreSQL itself takes for the rows: one COPY of text that was made beforehand, into a table as Sluice makes it.
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import copyStreams from 'pg-copy-streams'
import { benchRecord, pageSize } from './records.ts'

const types = {
  id: 'bigint',
  uuid: 'text',
  created_at: 'timestamptz',
  updated_at: 'timestamptz',
  status: 'text',
  priority: 'bigint',
  amount: 'double precision',
  active: 'boolean',
  subject: 'text',
  requester: 'jsonb',
  tags: 'jsonb',
  parent_id: 'bigint',
  description: 'text',
}

function cell(value: unknown): string {
  if (value === null) return '\\N'
  return String(typeof value === 'object' ? JSON.stringify(value) : value).replaceAll('\\', '\\\\')
}

/** Some pages to a buffer. */
function encode(pages: number): Buffer[] {
  return Array.from({ length: pages }, (_, page) => {
    const lines = Array.from({ length: pageSize }, (_, index) => {
      const record = JSON.parse(benchRecord(page * pageSize + index + 1))
      return `${Object.keys(types)
        .map((name) => cell(record[name]))
        .join('\t')}\n`
    })
    return Buffer.from(lines.join(''))
  })
}

let encoded: Buffer[] = []

/** The first time, the rows are made, too. */
export async function copyRows(url: string, pages: number, folder: string): Promise<void> {
  if (encoded.length !== pages) encoded = encode(pages)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const table = `"${basename(folder)}".bench_rows`
    const columns = Object.entries(types).map(([name, type]) => `${name} ${type}`)
    await client.query(
      `CREATE SCHEMA "${basename(folder)}"; CREATE TABLE ${table} (${columns.join(', ')}, _sluice_load_id text DEFAULT 'a load');
       CREATE INDEX ON ${table} (id)`,
    )
    const copy = client.query(copyStreams.from(`COPY ${table} (${Object.keys(types).join(', ')}) FROM STDIN`))
    await pipeline(Readable.from(encoded), copy)
  } finally {
    await client.end()
  }
}
