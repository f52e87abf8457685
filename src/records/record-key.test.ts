import { expect, test } from 'vitest'
import { LongDecimal } from '../ports/json.ts'
import { observeRecords } from './observe.ts'
import { KeyInvalidError, recordKey, validateKeys } from './record-key.ts'

test('records whose keys are all there are given back as they are, uncopied', () => {
  const records = [
    { id: 1 },
    { id: 'x' },
    { id: false },
    { id: 2n ** 60n },
    { id: new LongDecimal('1.5') },
    { id: '' },
  ]
  const { valid, rejects } = validateKeys(records, ['id'])
  expect(valid).toBe(records)
  expect(rejects).toEqual([])
  expect(validateKeys(records, []).valid).toBe(records)
})

test('a missing, null or nested key is a reject that names the field and what was found', () => {
  const records = [{ id: 1 }, { id: null }, { name: 'x' }, { id: [1] }, { id: { a: 1 } }, { id: 2 }]
  const { valid, rejects } = validateKeys(records, ['id'])
  expect(valid).toEqual([{ id: 1 }, { id: 2 }])
  expect(rejects.map(({ record, reason }) => [record, reason])).toEqual([
    [{ id: null }, 'key field "id" is null'],
    [{ name: 'x' }, 'key field "id" is missing'],
    [{ id: [1] }, 'key field "id" is an array, not a string, a number or a boolean'],
    [{ id: { a: 1 } }, 'key field "id" is an object, not a string, a number or a boolean'],
  ])
})

test('a key with NUL or half a surrogate pair is a reject: two of them could become one where they are stored', () => {
  const records = [{ id: 'a\0' }, { id: 'a\ud800' }, { id: 'a\udc00b' }, { id: 'a\ufffd' }, { id: '🦆' }]
  const { valid, rejects } = validateKeys(records, ['id'])
  expect(valid).toEqual([{ id: 'a\ufffd' }, { id: '🦆' }])
  const half =
    'key field "id" holds half a surrogate pair, which not every table can store, so that two keys could become one'
  expect(rejects.map(({ reason }) => reason)).toEqual([
    half.replace('half a surrogate pair', 'NUL'),
    half,
    half,
  ])
})

// PEERS: dlt hint primary_key
test('each field of a key is checked, and one that every object inherits is missing all the same', () => {
  const { rejects } = validateKeys([{ id: 1 }, { id: 1, constructor: 'x' }], ['id', 'constructor'])
  expect(rejects.map(({ field, reason }) => [field, reason])).toEqual([
    ['constructor', 'key field "constructor" is missing'],
  ])
})

test('the error of an invalid key quotes the stream, the field, the start of the record and what to do', () => {
  const record = { id: null, note: 'x'.repeat(500), big: 2n ** 60n }
  const { rejects } = validateKeys([record], ['id'])
  const error = new KeyInvalidError('desk.tickets', rejects[0]!)
  expect(error.code).toBe('KEY_INVALID')
  expect(error.recovery).toBe('stop-stream')
  expect(error.message).toMatch(
    /^desk\.tickets: key field "id" is null, so the record can't be told from others: \{"id":null/,
  )
  expect(error.message).toMatch(/x…\. Name the right field in key, or set onReject: 'keep'/)
  expect(error.message.length).toBeLessThan(450)
})

test('the column decides which keys are equal', () => {
  const same = (a: unknown, b: unknown, ...others: unknown[]) => {
    const records = [a, b, ...others].map((id) => ({ id: id as string }))
    const keyOf = recordKey(['id'], observeRecords(null, records).schema)
    return keyOf(records[0]!) === keyOf(records[1]!)
  }
  expect(same(1, '1')).toBe(true)
  expect(same(1, 2)).toBe(false)
  expect(same(1, 1, 2n ** 60n)).toBe(true)
  expect(same('2024-01-31T10:00:00Z', '2024-01-31T12:00:00+02:00')).toBe(true)
  expect(same('2024-01-31T10:00:00Z', '2024-01-31T12:00:00+02:00', 'x')).toBe(false)
  expect(same(new LongDecimal('1.50000000000000000000'), new LongDecimal('1.5'))).toBe(true)
})

test('a key of several fields does not run its fields together', () => {
  const records = [
    { a: 'x', b: 'yz' },
    { a: 'xy', b: 'z' },
    { a: '1:x', b: '' },
  ]
  const keyOf = recordKey(['a', 'b'], observeRecords(null, records).schema)
  expect(new Set(records.map(keyOf)).size).toBe(3)
})
