import { expect, test } from 'vitest'
import type { Column } from '../ports/schema.ts'
import { schemaChange } from './schema-change.ts'

const column = (name: string, kind: 'integer' | 'double' | 'text'): Column => ({
  field: name,
  name,
  type: { kind },
})
const id = column('id', 'integer')

test('a change lists the new columns and those that widen', () => {
  const [from, to, added] = [column('n', 'integer'), column('n', 'double'), column('note', 'text')]
  expect(schemaChange('t', { columns: [id, from] }, { columns: [id, to, added] })).toEqual({
    added: [added],
    widened: [{ index: 1, from, to }],
  })
  expect(schemaChange('t', null, { columns: [id] })).toEqual({ added: [id], widened: [] })
  expect(schemaChange('t', { columns: [id] }, { columns: [id] })).toEqual({ added: [], widened: [] })
})

test('a schema that narrows, drops or renames a column is refused with its name', () => {
  const present = { columns: [id, column('n', 'text')] }
  expect(() => schemaChange('t', present, { columns: [id, column('n', 'integer')] })).toThrow(
    'table t: the load would narrow its column n from text to integer. Nothing was written',
  )
  expect(() => schemaChange('t', present, { columns: [id] })).toThrow('the load does not know its column n')
  expect(() => schemaChange('t', present, { columns: [column('n', 'text'), id] })).toThrow(
    'the load does not know its column id',
  )
})

test('a schema with two columns of one name is refused, whatever their case', () => {
  expect(() => schemaChange('t', null, { columns: [id, column('ID', 'text')] })).toThrow(
    'table t: the load has two columns called ID',
  )
  expect(() => schemaChange('t', null, { columns: [column('_sluice_load_id', 'text')] })).toThrow(
    'two columns called _sluice_load_id',
  )
})
