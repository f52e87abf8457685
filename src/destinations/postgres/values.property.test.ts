import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import { type JsonRecord, LongDecimal, type Value } from '../../ports/json.ts'
import type { ColumnType, TableSchema } from '../../ports/schema.ts'
import { columnTypes, widen } from '../../records/column-type.ts'
import { type Encoded, encodeValue, widenEncoded } from '../../records/encode-value.ts'
import { inferType } from '../../records/infer.ts'
import { observeRecords } from '../../records/observe.ts'
import { values } from '../../records/values.arbitrary.ts'
import type { PostgresSession } from './session.ts'
import { destinationAt } from './test-database.ts'

let server: PostgresServer
let session: PostgresSession
let tables = 0
beforeAll(async () => {
  server = await postgresServer()
  session = await destinationAt(server.url, 'property').open('property')
}, 60_000)
afterAll(async () => {
  await session[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
}, 60_000)

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

async function stored(table: string, columns: readonly string[]) {
  const rows: JsonRecord[] = []
  for await (const part of session.readRows(table, columns)) rows.push(...(part as JsonRecord[]))
  return rows
}

/** What no text of PostgreSQL's can hold is stored with U+FFFD in its place. */
const storable = (text: string) => text.replaceAll('\0', '\ufffd').replace(/\p{Surrogate}/gu, '\ufffd')

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('\\', '\n', '\r', '\t', '\\N', '\\.', 'N', '.', '\0', '\ud83d', 'é'),
    maxLength: 8,
  }),
)

// PEERS: dlt #1354
test('any strings of one column come back as they went in, whatever COPY makes of their characters', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(texts), { minLength: 1, maxLength: 40 }), async (strings) => {
      const table = newTable()
      const columns = [
        { field: 'at', name: 'at', type: columnTypes.integer },
        { field: 'v', name: 'v', type: columnTypes.text },
      ]
      await append(
        table,
        strings.map((v, at) => ({ at, v })),
        { columns },
      )
      const rows = await stored(table, ['at', 'v'])
      expect(rows.sort((a, b) => Number(a['at']) - Number(b['at'])).map(({ v }) => v)).toEqual(
        strings.map((text) => (text === null ? null : storable(text))),
      )
    }),
    { numRuns: 60 },
  )
})

/** A value as `readRows` gives it, in the column's one form. */
function readBack(value: Value, type: ColumnType): Encoded {
  if (value === null || type.kind !== 'decimal') return value as Encoded
  return encodeValue(new LongDecimal(String(value)), type, 'v')
}

function expected(value: Value | undefined, type: ColumnType): unknown {
  const encoded = encodeValue(value, type, 'v')
  if (type.kind === 'text' && encoded !== null) return storable(encoded as string)
  if (type.kind !== 'bigint' || encoded === null) return encoded
  return Number.isSafeInteger(Number(encoded)) ? Number(encoded) : String(encoded)
}

test('R4: records of any values come back as their columns hold them, digit by digit', async () => {
  const record = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), values, { noNullPrototype: true })
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 10 }), async (records) => {
      const numbered = records.map((one, at) => ({ ...one, at }))
      const { schema } = observeRecords(null, numbered)
      const table = newTable()
      await append(table, numbered, schema)
      const rows = await stored(
        table,
        schema.columns.map(({ name }) => name),
      )
      rows.sort((a, b) => Number(a['at']) - Number(b['at']))
      for (const { field, name, type } of schema.columns)
        for (const [at, row] of rows.entries()) {
          // Numbers inside JSON are looked at below.
          if (type.kind === 'json') continue
          expect(readBack(row[name]!, type), `${name} of ${JSON.stringify(type)}`).toEqual(
            expected((numbered[at] as JsonRecord)[field], type),
          )
        }
    }),
    { numRuns: 150 },
  )
})

test('R4: jsonb keeps every digit of a number, and what is beyond its bounds as the text of its digits', async () => {
  const list: Value[] = [
    0.1,
    5e-324,
    1.7976931348623157e308,
    2n ** 200n,
    new LongDecimal('1.50000000000000000000000000000000001'),
    new LongDecimal('1.25e-400'),
    new LongDecimal('1.25e-20000'),
    new LongDecimal('1e200000'),
    10n ** 20_000n,
  ]
  const table = newTable()
  const record = { v: list }
  await append(table, [record], observeRecords(null, [record]).schema)
  const [row] =
    await session.query(`SELECT v->>0 AS a, v->>1 AS b, v->>2 AS c, v->>3 AS d, v->>4 AS e, v->>5 AS f,
    v->6 AS g, v->7 AS h, length(v->>8) AS i FROM property."${table}"`)
  expect(row).toMatchObject({
    a: '0.1',
    d: String(2n ** 200n),
    e: '1.50000000000000000000000000000000001',
    f: `0.${'0'.repeat(399)}125`,
    g: '"1.25e-20000"',
    h: '"1e200000"',
    i: 20_001,
  })
  expect([Number(row!['b']), Number(row!['c'])]).toEqual([5e-324, 1.7976931348623157e308])
})

test('a value that is nested deeper than the server reads is stored as the text that it is in JSON', async () => {
  let deep: Value = 'bottom'
  for (let level = 0; level < 20_000; level++) deep = [deep]
  const table = newTable()
  const records = [{ v: deep }, { v: ['shallow'] }]
  await append(table, records, observeRecords(null, records).schema)
  const rows = await session.query(
    `SELECT jsonb_typeof(v) AS type, length(v #>> '{}') AS length FROM property."${table}"`,
  )
  expect(rows).toEqual([
    { type: 'string', length: 40_008 },
    { type: 'array', length: 11 },
  ])
})

const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0.00001, 0.000001, 1e-7, 123e-9, 1e15 + 0.5, 1e16, 1.5e20, 1e21, 1.25e22, -0, -1e-6, 4),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.boolean(),
  fc
    .date({
      min: new Date('0001-01-02T00:00:00Z'),
      max: new Date('9999-12-30T00:00:00Z'),
      noInvalidDate: true,
    })
    .chain((date) => fc.constantFrom(date.toISOString(), date.toISOString().slice(0, 10))),
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
        const [row] = await stored(table, ['v'])
        const wide = widenEncoded(encodeValue(value, from, 'v'), from, to, 'v')
        const found = readBack(row!['v']!, to)
        // PostgreSQL may give a double more digits than it needs.
        if (from.kind === 'double' && digitsOf(String(found)) > digitsOf(String(wide))) {
          expect(Number(found)).toBe(Number(wide))
          return
        }
        if (to.kind === 'json')
          expect(Number(JSON.parse(String(found)))).toEqual(Number(JSON.parse(String(wide))))
        else expect(String(found)).toBe(String(to.kind === 'double' && wide === 0 ? 0 : wide))
      },
    ),
    { numRuns: 200 },
  )
})

function digitsOf(number: string): number {
  return number
    .replace(/e.*$/, '')
    .replace(/\D/g, '')
    .replace(/^0+|0+$/g, '').length
}
