import assert from 'node:assert/strict'
import { type JsonRecord, LongDecimal, type Value } from '../../ports/json.ts'
import {
  add,
  type ConformanceCase,
  columnById,
  columnTypes,
  compactJson,
  dataRows,
  merge,
  needing,
  onSession,
  sameDigits,
  TABLE,
  withSession,
  write,
} from './harness.ts'

const LONG = new LongDecimal('0.12345678901234567891')
const FAR = new LongDecimal('123456789012.123456789012345')

/** A column's first value, the one that widens it, the kind that it ends with, and what the first one reads as then. */
const WIDENINGS: readonly {
  readonly first: Value
  readonly next: Value
  readonly kind: string
  readonly reads: Value
  /** How the two are compared; default: as they are. */
  readonly as?: (value: Value | undefined) => Value
}[] = [
  { first: 7, next: 2n ** 60n, kind: 'bigint', reads: 7 },
  { first: 9_007_199_254_740_991, next: 1.5, kind: 'double', reads: 9_007_199_254_740_991 },
  { first: 7, next: LONG, kind: 'decimal', reads: '7', as: sameDigits },
  { first: 2n ** 60n, next: FAR, kind: 'decimal', reads: '1152921504606846976', as: sameDigits },
  { first: 2n ** 60n, next: 10n ** 37n, kind: 'decimal', reads: '1152921504606846976', as: sameDigits },
  { first: LONG, next: FAR, kind: 'decimal', reads: LONG.text, as: sameDigits },
  { first: 7, next: 'x', kind: 'text', reads: '7' },
  { first: -7, next: true, kind: 'text', reads: '-7' },
  { first: 2n ** 60n, next: 1.5, kind: 'text', reads: '1152921504606846976' },
  { first: 1.5, next: 'x', kind: 'text', reads: '1.5' },
  { first: 0.1, next: 'x', kind: 'text', reads: '0.1' },
  { first: LONG, next: 1.5, kind: 'text', reads: LONG.text, as: sameDigits },
  { first: true, next: 'x', kind: 'text', reads: 'true' },
  { first: false, next: 0, kind: 'text', reads: 'false' },
  { first: '2024-01-31', next: '2024-01-31T00:00:00Z', kind: 'text', reads: '2024-01-31' },
  { first: '2024-01-31', next: 'x', kind: 'text', reads: '2024-01-31' },
  { first: '2024-01-31T10:20:30Z', next: 'x', kind: 'text', reads: '2024-01-31T10:20:30Z' },
  { first: '2024-01-31T10:20:30.25+02:00', next: 'x', kind: 'text', reads: '2024-01-31T08:20:30.25Z' },
  { first: '1969-12-31T23:59:59.999999Z', next: 'x', kind: 'text', reads: '1969-12-31T23:59:59.999999Z' },
  { first: '2024-01-31T10:20:30Z', next: 5, kind: 'text', reads: '2024-01-31T10:20:30Z' },
  { first: 7, next: {}, kind: 'json', reads: '7', as: compactJson },
  { first: 1.5, next: {}, kind: 'json', reads: '1.5', as: compactJson },
  { first: 2n ** 60n, next: {}, kind: 'json', reads: '1152921504606846976', as: compactJson },
  { first: LONG, next: [], kind: 'json', reads: LONG.text, as: sameDigits },
  { first: true, next: [], kind: 'json', reads: 'true', as: compactJson },
  { first: 'a "b" \\ \n', next: [], kind: 'json', reads: JSON.stringify('a "b" \\ \n') },
  { first: '2024-01-31', next: [], kind: 'json', reads: '"2024-01-31"' },
  { first: '2024-01-31T10:20:30.5Z', next: {}, kind: 'json', reads: '"2024-01-31T10:20:30.5Z"' },
]

/** Column names that a warehouse might trip over. */
const STRANGE_NAMES = [
  'select',
  'order',
  'group by',
  'table',
  'rowid',
  '5name',
  'with space',
  ' lead and trail ',
  'quote"quote',
  'double""double',
  "apostrophe'",
  'back\\slash',
  'back`tick',
  'dot.ted.name',
  'semi;colon -- comment',
  '[bracket]',
  '{brace}',
  '$1',
  '?',
  '%s',
  'new\nline',
  'tab\t',
  'emoji 🦆',
  'grüße',
  '日本語',
  '\u202eright to left',
  'constructor',
  'hasOwnProperty',
  '',
  `very_long_${'x'.repeat(300)}`,
  '_sluice_load_id',
  '_sluice_other',
]

/** How a table's columns are added, widened and named. */
export const columnCases: readonly ConformanceCase[] = [
  onSession(
    'schema',
    'schema: a new column is null in the rows before it',
    async (session, harness, destination) => {
      await add(destination, session, [{ id: 1, a: 'x' }])
      await add(destination, session, [{ id: 2, b: 5, a: null }])
      await add(destination, session, [{ id: 3, c: { deep: true } }])
      assert.deepEqual(await columnTypes(session), { id: 'integer', a: 'text', b: 'integer', c: 'json' })
      assert.deepEqual(await columnById(harness, 'b'), { 1: null, 2: 5, 3: null })
      assert.deepEqual(await columnById(harness, 'a'), { 1: 'x', 2: null, 3: null })
    },
  ),

  ...WIDENINGS.map(({ first, next, kind, reads, as = (value) => value ?? null }) =>
    onSession(
      'schema',
      `schema: ${shown(first)} keeps its value when its column widens for ${shown(next)}`,
      async (session, harness, destination) => {
        await add(destination, session, [
          { id: 1, v: first },
          { id: 2, v: null },
        ])
        await add(destination, session, [{ id: 3, v: next }])
        assert.equal((await columnTypes(session))['v'], kind)
        const values = await columnById(harness, 'v')
        assert.equal(as(values['1']), as(reads))
        assert.equal(values['2'], null)
        assert.notEqual(values['3'], null)
        // The other order ends the same.
        await add(destination, session, [{ id: 3, v: next }], { table: 'reversed', stream: 'desk.reversed' })
        await add(destination, session, [{ id: 1, v: first }], { table: 'reversed', stream: 'desk.reversed' })
        assert.equal((await columnTypes(session, 'reversed'))['v'], kind)
        assert.notEqual((await columnById(harness, 'v', 'reversed'))['1'], null)
      },
    ),
  ),

  onSession(
    'schema',
    'schema: a column widens step by step, from integer to double to text to json',
    async (session, harness, destination) => {
      await add(destination, session, [{ id: 1, v: 5 }])
      await add(destination, session, [{ id: 2, v: 1.5 }])
      await add(destination, session, [{ id: 3, v: 'x' }])
      assert.deepEqual(await columnById(harness, 'v'), { 1: '5', 2: '1.5', 3: 'x' })
      await add(destination, session, [{ id: 4, v: { a: 1 } }])
      const values = await columnById(harness, 'v')
      assert.deepEqual(
        Object.values(values).map((value) => JSON.parse(String(value))),
        ['5', '1.5', 'x', { a: 1 }],
      )
    },
  ),

  onSession(
    'schema',
    'schema: several columns are added and widened in one commit',
    async (session, harness, destination) => {
      await add(destination, session, [{ id: 1, a: 1, b: true, c: '2024-01-31' }])
      await add(destination, session, [{ id: 2, a: 1.5, b: 'x', c: 'y', d: 1, e: 'z' }])
      assert.deepEqual(await dataRows(harness).then((rows) => rows.find((row) => row['id'] === 1)), {
        id: 1,
        a: 1,
        b: 'true',
        c: '2024-01-31',
        d: null,
        e: null,
      })
      assert.deepEqual(Object.keys(await columnTypes(session)), ['id', 'a', 'b', 'c', 'd', 'e'])
    },
  ),

  {
    promise: 'schema',
    name: 'schema: fields, names, types and order are read back as they were committed, also after a reopen',
    async run(harness) {
      const record: JsonRecord = {
        id: 1,
        ID: 2n ** 60n,
        price: LONG,
        ratio: 0.5,
        day: '2024-01-31',
        at: '2024-01-31T00:00:00Z',
        note: 'x',
        nested: {},
        flag: true,
      }
      const before = await withSession(await harness.open(), async (session) => {
        assert.equal(await session.readSchema(TABLE), null)
        assert.equal(await session.readSchema(TABLE, { staged: true }), null)
        await write(session, [record])
        return session.readSchema(TABLE)
      })
      assert.deepEqual(
        before?.columns.map(({ field, name, type }) => [field, name, type.kind]),
        [
          ['id', 'id', 'integer'],
          ['ID', 'ID_2', 'bigint'],
          ['price', 'price', 'decimal'],
          ['ratio', 'ratio', 'double'],
          ['day', 'day', 'date'],
          ['at', 'at', 'timestamp'],
          ['note', 'note', 'text'],
          ['nested', 'nested', 'json'],
          ['flag', 'flag', 'boolean'],
        ],
      )
      await withSession(await harness.reopen(), async (session) => {
        assert.deepEqual(await session.readSchema(TABLE), before)
        await write(session, [{ ...record, Id: 'third', nested: [] }])
        const after = await session.readSchema(TABLE)
        assert.deepEqual(after?.columns.slice(0, 9), before?.columns)
        assert.deepEqual(after?.columns[9], { field: 'Id', name: 'Id_3', type: { kind: 'text' } })
        assert.equal((await dataRows(harness)).length, 2)
      })
    },
  },

  onSession(
    'schema',
    'schema: fields that differ only in case have columns of their own',
    async (session, harness, destination) => {
      await add(destination, session, [{ id: 1, Name: 'a', name: 'b', NAME: 'c' }])
      await add(destination, session, [{ id: 2, NAME: 'z', name: 'y', Name: 'x' }])
      const schema = await session.readSchema(TABLE)
      const nameOf = (field: string) => schema?.columns.find((column) => column.field === field)?.name ?? ''
      assert.deepEqual(await columnById(harness, nameOf('Name')), { 1: 'a', 2: 'x' })
      assert.deepEqual(await columnById(harness, nameOf('name')), { 1: 'b', 2: 'y' })
      assert.deepEqual(await columnById(harness, nameOf('NAME')), { 1: 'c', 2: 'z' })
    },
  ),

  onSession(
    'schema',
    'schema: any string names a field: reserved words, quotes, emoji, nothing at all',
    async (session, harness, destination) => {
      const record = (id: number, value: Value) =>
        Object.fromEntries<Value>([
          ['id', id],
          ...STRANGE_NAMES.map((name): [string, Value] => [name, value]),
        ])
      const { merge: canMerge } = destination.capabilities
      await add(destination, session, [record(1, 5), { id: 2 }])
      await add(destination, session, [record(3, 'widened'), ...(canMerge ? [record(1, 6)] : [])])
      const schema = await session.readSchema(TABLE)
      assert.deepEqual(
        schema?.columns.map(({ field }) => field),
        ['id', ...STRANGE_NAMES],
      )
      for (const { field, name } of schema?.columns.slice(1) ?? [])
        assert.deepEqual(
          await columnById(harness, name),
          { 1: canMerge ? '6' : '5', 2: null, 3: 'widened' },
          `field ${JSON.stringify(field)}`,
        )
    },
  ),

  ...needing('merge', [
    onSession(
      'schema',
      'schema: a key and a version of any name, and a table too',
      async (session, harness) => {
        const table = 'Order "Items" 🦆.v2'
        const options = { table, stream: 'desk.order items', key: ['the "key"'], version: 'select' }
        await merge(session, [{ id: 1, 'the "key"': 'a', select: 1 }], options)
        await merge(session, [{ id: 2, 'the "key"': 'a', select: 2 }], options)
        assert.deepEqual(await dataRows(harness, table), [{ id: 2, 'the "key"': 'a', select: 2 }])
        await write(session, [{ id: 3 }], { ...options, mode: 'append', key: [], begin: true, publish: true })
        assert.deepEqual(await dataRows(harness, table), [{ id: 3 }])
      },
    ),
  ]),

  onSession(
    'schema',
    'schema: a table may have hundreds of columns',
    async (session, harness, destination) => {
      const wide = (count: number, value: number) =>
        Object.fromEntries(
          Array.from({ length: count }, (_, index) => [index === 0 ? 'id' : `c${index}`, value]),
        )
      await add(destination, session, [wide(300, 1)])
      await add(destination, session, [wide(400, 2)])
      const rows = await dataRows(harness)
      assert.equal(Object.keys(rows[0] ?? {}).length, 400)
      assert.deepEqual(await columnById(harness, 'c399'), { 1: null, 2: 2 })
    },
  ),
]

function shown(value: Value): string {
  if (value instanceof LongDecimal) return value.text
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}
