// What a record says and what its row says are the same text, however the API, the table and a file spell it; what differs, differs.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withSession, write } from '../destinations/conformance/harness.ts'
import { duckdbDestination } from '../destinations/duckdb/duckdb.ts'
import { filesAt, temporaryFolder } from '../destinations/files/test-files.ts'
import { parseKeepingLongNumbers } from '../http/decode/long-numbers.ts'
import type { Destination } from '../ports/destination.ts'
import type { JsonRecord } from '../ports/json.ts'
import { observeRecords } from '../records/observe.ts'
import { canonicalForm } from './canonical.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

/** Records as they come from the API. */
const parsed = (...texts: string[]) => texts.map((text) => parseKeepingLongNumbers(text) as JsonRecord)

const sent = parsed(
  '{"id":1,"whole":1,"amount":1.50,"long":9007199254740993,"exact":0.12345678901234567891,"code":"1","day":"2024-02-29","at":"2024-01-31T08:00:00+02:00","deep":{"b":{"y":1,"x":[1.0,"1",null]},"a":null},"flag":true}',
  '{"id":2,"whole":2.0,"amount":2,"long":9223372036854775807,"exact":1e-7,"code":"1.0","day":"0001-01-01","at":"2024-01-31T06:00:00.250Z","deep":[{"z":9007199254740993,"a":1e2}],"flag":false}',
  '{"id":3,"whole":-0,"amount":1e3,"long":-9007199254740993,"exact":12.300,"code":"","day":null,"at":"2024-01-31","deep":["text","\\ud800"],"flag":null}',
  // Nothing is there, and null.
  '{"id":4}',
  '{"id":5,"whole":null,"amount":null,"long":null,"exact":null,"code":null,"day":null,"at":null,"deep":null,"flag":null}',
  '{"id":6,"long":123456789012345678901234567890,"code":"null","deep":{"n":null,"long":0.12345678901234567891}}',
)

const destinations: [string, () => Destination][] = [
  ['DuckDB', () => duckdbDestination({ path: join(folder.path, 'rows.duckdb') })],
  ['JSON Lines', () => filesAt(join(folder.path, 'jsonl'), { format: 'jsonl' })],
  ['CSV', () => filesAt(join(folder.path, 'csv'), { format: 'csv' })],
  ['Parquet', () => filesAt(join(folder.path, 'parquet'), { format: 'parquet' })],
]

test.each(destinations)('a row that is read back says what its record said: %s', async (_name, open) => {
  await withSession(open(), async (session) => {
    await write(session, sent)
    const schema = (await session.readSchema('tickets'))!
    const form = canonicalForm(schema, ['id'], [])
    const records = sent.map((record) => form.ofRecord(record))
    const rows: typeof records = []
    const names = schema.columns.map(({ name }) => name)
    for await (const part of session.readRows!('tickets', names))
      rows.push(...part.map((row) => form.ofRow(row)))
    const byKey = (list: typeof records) => [...list].sort((a, b) => (a.key < b.key ? -1 : 1))
    expect(byKey(rows)).toEqual(byKey(records))
    expect(new Set(rows.map(({ key }) => key)).size).toBe(sent.length)
    // The one that has nothing and the one that says so.
    const contents = byKey(rows).map(({ content }) => content)
    expect(contents[3]!.replace('"4"', '"5"')).toBe(contents[4])
  })
})

/** What the records of a table say, whose columns are those of `table`. */
function contents(table: string, ...texts: string[]): string[] {
  const { schema } = observeRecords(null, parsed(table))
  const form = canonicalForm(schema, [], [])
  return parsed(...texts).map((record) => form.ofRecord(record).content)
}

const same: [string, string, string[]][] = [
  [
    'a number with zeros that say nothing',
    '{"n":1.5}',
    ['{"n":1}', '{"n":1.0}', '{"n":1.00e0}', '{"n":10e-1}'],
  ],
  ['a long integer', '{"n":9007199254740993}', ['{"n":9007199254740993}', '{"n":9007199254740993.0}']],
  ['zero', '{"n":1}', ['{"n":0}', '{"n":-0}', '{"n":0.0}']],
  [
    'an instant in another zone',
    '{"n":"2024-01-31T06:00:00Z"}',
    [
      '{"n":"2024-01-31T06:00:00Z"}',
      '{"n":"2024-01-31T08:00:00.000+02:00"}',
      '{"n":"2024-01-31T03:30:00-0230"}',
    ],
  ],
  [
    'midnight, and its date in a column of times',
    '{"n":"2024-01-31T06:00:00Z"}',
    ['{"n":"2024-01-31"}', '{"n":"2024-01-31T00:00:00Z"}'],
  ],
  [
    'members in another order, at any depth',
    '{"n":{}}',
    ['{"n":{"a":1,"b":{"c":[1,{"e":2,"d":3}],"f":4}}}', '{"n":{"b":{"f":4.0,"c":[1,{"d":3,"e":2}]},"a":1}}'],
  ],
  ['null, and nothing', '{"n":1,"m":1}', ['{"n":1,"m":null}', '{"n":1}']],
]

test.each(same)('%s is the same', (_name, table, texts) => {
  expect(new Set(contents(table, ...texts)).size).toBe(1)
})

const different: [string, string, string[]][] = [
  ['a number, and its digits as a text, in a column of numbers', '{"n":1}', ['{"n":1}', '{"n":"1"}']],
  ['texts of one number', '{"n":"a"}', ['{"n":"1"}', '{"n":"1.0"}']],
  ['a number, and its digits as a text, in a nested value', '{"n":{}}', ['{"n":{"a":1}}', '{"n":{"a":"1"}}']],
  [
    'long integers that one double holds',
    '{"n":9007199254740993}',
    ['{"n":9007199254740993}', '{"n":9007199254740992}'],
  ],
  [
    'long decimals',
    '{"n":0.12345678901234567891}',
    ['{"n":0.12345678901234567891}', '{"n":0.12345678901234567892}'],
  ],
  [
    'one time of day in two zones',
    '{"n":"2024-01-31T06:00:00Z"}',
    ['{"n":"2024-01-31T06:00:00Z"}', '{"n":"2024-01-31T06:00:00+01:00"}'],
  ],
  [
    'microseconds',
    '{"n":"2024-01-31T06:00:00Z"}',
    ['{"n":"2024-01-31T06:00:00.000001Z"}', '{"n":"2024-01-31T06:00:00.000002Z"}'],
  ],
  ['items of a list in another order', '{"n":[]}', ['{"n":[1,2]}', '{"n":[2,1]}']],
  ['null and nothing inside a nested value', '{"n":{}}', ['{"n":{"a":null}}', '{"n":{}}']],
  [
    'null, an empty text, and the text null',
    '{"n":"a"}',
    ['{"n":null}', '{"n":""}', '{"n":"null"}', '{"n":"-"}'],
  ],
  ['a field that the table lacks', '{"n":1}', ['{"n":1}', '{"n":1,"more":0}']],
]

test.each(different)('%s: they differ', (_name, table, texts) => {
  expect(new Set(contents(table, ...texts)).size).toBe(texts.length)
})
