import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type JsonRecord, LongDecimal, type Value } from '../../ports/json.ts'
import type { ColumnType, TableSchema } from '../../ports/schema.ts'
import { columnTypes, widen } from '../../records/column-type.ts'
import { encodeValue, widenEncoded } from '../../records/encode-value.ts'
import { inferType } from '../../records/infer.ts'
import { observeRecords } from '../../records/observe.ts'
import type { DuckdbSession } from './session.ts'
import { destinationAt, temporaryDirectory } from './test-warehouse.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let session: DuckdbSession
let tables = 0
beforeAll(async () => {
  directory = await temporaryDirectory()
  session = await destinationAt(join(directory.path, 'values.duckdb')).open('property')
})
afterAll(async () => {
  await session[Symbol.asyncDispose]()
  await directory.remove()
})

async function append(table: string, records: readonly JsonRecord[], schema: TableSchema): Promise<void> {
  await session.commit({
    id: `load ${++tables}`,
    runId: 'run',
    at: 0,
    stream: table,
    table,
    mode: 'append',
    key: [],
    schema,
    records,
    rejects: [],
    checkpoints: [],
  })
}

const newTable = () => `t${++tables}`

/** A year that ISO 8601 writes with four digits. */
const time = fc
  .date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString())
const timestamp = fc
  .tuple(time, fc.integer({ min: 0, max: 999 }), fc.constantFrom('Z', '+00:00', '-08:00', '+0530'))
  .map(([iso, micros, zone]) => `${iso.slice(0, -1)}${String(micros).padStart(3, '0')}${zone}`)

const texts = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !text.startsWith('\ufeff'))

test('any strings of one column come back as they went in, short and long, in any script', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(texts), { minLength: 1, maxLength: 40 }), async (values) => {
      const table = newTable()
      const columns = [
        { field: 'at', name: 'at', type: columnTypes.integer },
        { field: 'v', name: 'v', type: columnTypes.text },
      ]
      await append(
        table,
        values.map((v, at) => ({ at, v })),
        { columns },
      )
      const rows = await session.query(`SELECT v FROM ${table} ORDER BY "at"`)
      expect(rows.map(({ v }) => v)).toEqual(values)
    }),
    { numRuns: 100 },
  )
})

test('thousands of long strings, beyond what is packed into one, come back as they went in', async () => {
  const values = Array.from({ length: 2100 }, (_, at) => (at % 7 === 0 ? null : `${at}:${'äx'.repeat(2000)}`))
  const table = newTable()
  const records = values.map((v, at) => ({ at, v }))
  await append(table, records, observeRecords(null, records).schema)
  const rows = await session.query(`SELECT v FROM ${table} ORDER BY "at"`)
  expect(rows.map(({ v }) => v)).toEqual(values)
})

const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.boolean(),
  timestamp,
  time.map((iso) => iso.slice(0, 10)),
  fc
    .tuple(fc.integer(), fc.stringMatching(/^[0-9]{18,24}$/))
    .map(([whole, fraction]) => new LongDecimal(`${whole}.${fraction}`)),
)

// PEERS: dlt #3916
test('a column that is widened in the table holds what it would hold had it been wide from the start (R4)', async () => {
  await fc.assert(
    fc.asyncProperty(
      scalar,
      fc.constantFrom<ColumnType>(columnTypes.text, columnTypes.json, columnTypes.double),
      async (value, target) => {
        const from = inferType(value)!
        const to = widen(from, target)
        const table = newTable()
        const schemaOf = (type: ColumnType): TableSchema => ({ columns: [{ field: 'v', name: 'v', type }] })
        await append(table, [{ v: value }], schemaOf(from))
        await append(table, [], schemaOf(to))
        const [row] = await session.query(`SELECT v FROM ${table}`)
        const expected = widenEncoded(encodeValue(value, from, 'v'), from, to, 'v')
        const plain = typeof expected === 'bigint' ? String(expected) : expected
        // The query gives long integers as text, and decimals with the zeros of their scale.
        const found =
          to.kind === 'decimal' ? encodeValue(new LongDecimal(String(row!['v'])), to, 'v') : row!['v']
        expect(typeof plain === 'string' ? String(found) : found).toEqual(
          plain === 0 ? expect.closeTo(0) : plain,
        )
      },
    ),
    { numRuns: 150 },
  )
})
