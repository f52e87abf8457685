import { expect, test } from 'vitest'
import { LongDecimal } from '../ports/json.ts'
import { previewNote } from './format-preview.ts'
import { shortJson, shortPosition } from './format-progress.ts'
import { formatRecord } from './format-record.ts'

test('a record takes one line a field, cut to the terminal, with every digit', () => {
  const record = {
    id: 12345678901234567890n,
    amount: new LongDecimal('0.1234567890123456789'),
    tags: ['a', 'b'],
    note: 'x'.repeat(99),
  }
  const lines = formatRecord(record, 40)
  expect(lines.slice(0, 3)).toEqual([
    '  id      12345678901234567890',
    '  amount  0.1234567890123456789',
    '  tags    ["a","b"]',
  ])
  expect(lines[3]).toHaveLength(40)
  expect(lines[3]).toMatch(/^ {2}note {4}"x+…$/)
})

test('a record without fields has no lines', () => {
  expect(formatRecord({}, 80)).toEqual([])
})

test('a position is shown as where the paginator stands, in a few characters', () => {
  expect(shortPosition({ at: 'abc=', since: '2024-01-01T00:00:00Z' })).toBe('abc=')
  expect(shortPosition({ at: 300 })).toBe('300')
  expect(shortPosition({ at: { at: 103, probe: 102, known: ['0JEtf', 'x'] } })).toBe('103')
  expect(shortPosition({ at: null, since: '2024-01-01T00:00:00Z' })).toBe('its first page')
  expect(shortPosition('https://api.test/items?page=2')).toBe('https://api.test/items?page=2')
  expect(shortJson('x'.repeat(100))).toHaveLength(60)
})

test('a preview says that it found nothing, and that it did not look everywhere', () => {
  const one = { read: 1, all: 1 }
  const many = { read: 10, all: 700 }
  expect(previewNote({ records: [], slices: one, gaveUp: false })).toBe('no records\n')
  expect(previewNote({ records: [{ id: 1 }], slices: many, gaveUp: false })).toBe('')
  expect(previewNote({ records: [], slices: many, gaveUp: true })).toBe(
    'no records in the newest 10 of 700 slices; a preview looks no further\n',
  )
  expect(previewNote({ records: [{ id: 1 }], slices: one, gaveUp: true })).toBe(
    'no more records on the first pages; a preview looks no further\n',
  )
})
