import { expect, test } from 'vitest'
import type { JsonRecord } from '../ports/json.ts'
import { AllRejectedError } from './all-rejected.ts'
import { validateKeys } from './record-key.ts'

function messageFor(key: string, ...records: JsonRecord[]): string {
  const [first, ...others] = validateKeys(records, [key]).rejects
  return new AllRejectedError('track.events', records.length, [first!, ...others]).message
}

test('a key that is inside another field is found there', () => {
  expect(messageFor('id', { type: 'Feature', properties: { id: 7 } })).toContain(
    'the one record that was read had to be rejected: key field "id" is missing. ' +
      'The fields that were found are `type`, `properties`; the key `id` is inside `properties`: set `unwrap: properties`.',
  )
})

test('a key that is spelled otherwise is suggested', () => {
  expect(messageFor('event_id', { eventId: 7 }, { eventId: 8, at: null })).toContain(
    'The fields that were found are `eventId`, `at`; did you mean `eventId`?',
  )
})

test('where nothing is alike, the fields alone are told, the first twelve of them', () => {
  const wide = Object.fromEntries(Array.from({ length: 14 }, (_, at) => [`column${at}`, at]))
  expect(messageFor('id', wide)).toMatch(/are `column0`, .*`column11` and 2 more\. The checkpoint/)
  expect(messageFor('id', {})).toContain('They hold no field at all.')
})

test('a key that is null is not suggested to itself', () => {
  expect(messageFor('id', { id: null })).toContain(
    'key field "id" is null. The fields that were found are `id`. The',
  )
})

test('a key that is a path says that it is none, and what to write', () => {
  expect(messageFor('data.id', { type: 'x', data: { id: 7 } })).toContain(
    "a key is a name of the record's own, and no path: set `unwrap: data` and `key: id`.",
  )
})
