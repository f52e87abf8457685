import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonRecord } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import { typeName } from './column-type.ts'
import { fieldReader } from './field.ts'
import { fitsType } from './infer.ts'
import { observeRecords } from './observe.ts'
import { values } from './values.arbitrary.ts'

const typesOf = (schema: TableSchema) =>
  Object.fromEntries(schema.columns.map(({ name, type }) => [name, typeName(type)]))
const fieldsOf = (schema: TableSchema) => schema.columns.map(({ field, name }) => [field, name])

test('columns come in order of first appearance, with the type that holds every value', () => {
  const { schema, changes } = observeRecords(null, [
    { id: 1, note: null, amount: 5 },
    { id: 2, amount: 1.5, at: '2024-01-31T00:00:00Z' },
    { tags: [], id: 3, note: 'x' },
  ])
  expect(schema.columns.map(({ name }) => name)).toEqual(['id', 'amount', 'at', 'tags', 'note'])
  expect(typesOf(schema)).toEqual({
    id: 'integer',
    amount: 'double',
    at: 'timestamp',
    tags: 'json',
    note: 'text',
  })
  expect(changes).toEqual([
    'added column id (integer)',
    'added column amount (double)',
    'added column at (timestamp)',
    'added column tags (json)',
    'added column note (text)',
  ])
})

// PEERS: dlt test_json_item_inference
test('a field that was only ever null has no column, and appears with its first value', () => {
  const first = observeRecords(null, [{ id: 1, late: null }])
  expect(typesOf(first.schema)).toEqual({ id: 'integer' })
  const second = observeRecords(first.schema, [{ id: 2, late: true }])
  expect(typesOf(second.schema)).toEqual({ id: 'integer', late: 'boolean' })
})

// PEERS: airbyte#37780
test('changes say what was widened, from what to what, and then what was added', () => {
  const { schema } = observeRecords(null, [{ id: 1, amount: 5 }])
  const { changes } = observeRecords(schema, [{ id: 2, amount: 1.5, priority: 'high' }, { id: 3n ** 38n }])
  expect(changes).toEqual(['widened amount from integer to double', 'added column priority (text)'])
})

test('a batch that changes nothing gives back the very schema', () => {
  const { schema } = observeRecords(null, [{ id: 1, note: 'x' }])
  const again = observeRecords(schema, [{ note: null, id: 2 }, {}, { id: null }])
  expect(again.schema).toBe(schema)
  expect(again.changes).toEqual([])
  expect(observeRecords(null, []).schema).toEqual({ columns: [] })
})

test('fields that differ only in case, or are called like a column of Sluice, get a name of their own and keep it', () => {
  const { schema } = observeRecords(null, [
    { ID: 1, id: 2, Id: 3, id_2: 4, _sluice_load_id: 'x', _SLUICE_LOAD_ID: 'y' },
  ])
  const named = [
    ['ID', 'ID'],
    ['id', 'id_2'],
    ['Id', 'Id_3'],
    ['id_2', 'id_2_2'],
    ['_sluice_load_id', '_sluice_load_id_2'],
    ['_SLUICE_LOAD_ID', '_SLUICE_LOAD_ID_3'],
  ]
  expect(fieldsOf(schema)).toEqual(named)
  const later = observeRecords(schema, [{ iD: 1, id: 'text', ID: 2 }])
  expect(fieldsOf(later.schema)).toEqual([...named, ['iD', 'iD_4']])
})

test('any string names a field', () => {
  const names = [
    '',
    'with "quotes"',
    'dot.ted',
    '5name',
    '7',
    '🦆',
    'constructor',
    'toString',
    '__proto__',
    'a\0b',
    '\ud800',
  ]
  const record: JsonRecord = JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}: 1`).join(',')}}`)
  const { schema } = observeRecords(null, [record, {}])
  expect(new Set(schema.columns.map(({ field }) => field))).toEqual(new Set(names))
  const nameOf = new Map(schema.columns.map(({ field, name }) => [field, name]))
  expect(nameOf.get('')).toBe('_empty')
  expect(nameOf.get('__proto__')).toBe('__proto__')
  expect(nameOf.get('a\0b')).toBe('a\ufffdb')
  expect(nameOf.get('\ud800')).toBe('\ufffd')
})

const records = fc.array(
  fc.dictionary(fc.constantFrom('a', 'b', 'A', 'c d', '__proto__', 'valueOf', ''), values, {
    noNullPrototype: true,
  }),
  { maxLength: 8 },
)

test('two batches in any order end in a schema of the same types, which holds every value', () => {
  fc.assert(
    fc.property(records, records, (first, second) => {
      const forth = observeRecords(observeRecords(null, first).schema, second).schema
      const back = observeRecords(observeRecords(null, second).schema, first).schema
      const whole = observeRecords(null, [...first, ...second]).schema
      expect(whole).toEqual(forth)
      const byField = (schema: TableSchema) => new Map(schema.columns.map(({ field, type }) => [field, type]))
      expect(byField(back)).toEqual(byField(forth))
      expect(new Set(forth.columns.map(({ name }) => name.toLowerCase())).size).toBe(forth.columns.length)
      for (const { field, type } of forth.columns)
        for (const record of [...first, ...second])
          expect(fitsType(type, fieldReader(field)(record))).toBe(true)
    }),
    { numRuns: 300 },
  )
})
