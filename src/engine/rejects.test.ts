import { expect, test } from 'vitest'
import type { JsonRecord } from '../ports/json.ts'
import { listStream, records } from './testing/list-stream.ts'
import { streamLoads } from './testing/stream-loads.ts'

const desk = streamLoads()
const { load, checkpoints, ids } = desk

// PEERS: dlt #1980
test('records without a usable key are kept as rejects, with their reason, and counted', async () => {
  const stream = listStream({
    slices: { all: [[{ id: 1 }, { id: null, note: 'lost?' }, { note: 'no id' }]] },
  })
  expect(await load(stream)).toMatchObject({ outcome: 'done' })
  expect(ids()).toEqual([1])
  expect(desk.destination.rejects('support').map(({ record }) => record)).toEqual([
    '{"id":null,"note":"lost?"}',
    '{"note":"no id"}',
  ])
  expect(desk.events).toContainEqual(expect.objectContaining({ type: 'record.reject', count: 2 }))
  expect(desk.events).toContainEqual(
    expect.objectContaining({ type: 'load.commit', records: 3, inserted: 1, rejected: 2 }),
  )
})

test('records that were rejected for several reasons are told by the most frequent ones, counted', async () => {
  const reasonsOf = async (...page: JsonRecord[]) => {
    const before = desk.events.length
    await load(listStream({ slices: { all: [[{ id: 1 }, ...page]] } }))
    return desk.events.slice(before).find(({ type }) => type === 'record.reject')
  }
  const [missing, nothing, list, object] = [{}, { id: null }, { id: [] }, { id: {} }]
  expect(await reasonsOf(missing, { a: 1 })).toMatchObject({ count: 2, reason: 'key field "id" is missing' })
  expect(await reasonsOf(missing, nothing, { id: null, a: 1 })).toMatchObject({
    count: 3,
    reason: 'key field "id" is null (2); key field "id" is missing (1)',
  })
  expect(await reasonsOf(nothing, missing, list, { id: [1] }, object)).toMatchObject({
    count: 5,
    reason:
      'key field "id" is an array, not a string, a number or a boolean (2); key field "id" is null (1); key field "id" is missing (1); 1 other reason (1)',
  })
})

test('a stream that must not reject fails at the first record without a key, and quotes it', async () => {
  const stream = listStream({ onReject: 'fail', slices: { all: [[{ id: 1 }, { name: 'Ada' }]] } })
  const { error } = await load(stream)
  expect((error as Error).message).toContain('desk.tickets')
  expect((error as Error).message).toContain('{"name":"Ada"}')
  expect(ids()).toEqual([])
})

test('a stream whose records were all rejected fails, and the run with the right key reads them again', async () => {
  const pages = { first: [records(1, 6), records(7, 12)], second: [records(13, 14)] }
  const wrong = await load(listStream({ key: ['Id'], rereadsFinished: false, slices: pages }))
  expect(wrong).toMatchObject({ outcome: 'failed', error: { code: 'ALL_REJECTED', recovery: 'fix-config' } })
  expect((wrong.error as Error).message).toBe(
    'desk.tickets: all 14 records that were read had to be rejected: key field "Id" is missing. ' +
      'The fields that were found are `id`; did you mean `id`? ' +
      'The checkpoint stays where it was: correct `key` and run again, and they are read once more',
  )
  expect(await checkpoints()).toEqual([])
  expect(desk.destination.rejects('support')).toHaveLength(14)

  expect(await load(listStream({ rereadsFinished: false, slices: pages }))).toMatchObject({ outcome: 'done' })
  expect(ids()).toHaveLength(14)
})

test('progress that was withheld behind rejects is stored with the first record that has a key', async () => {
  const bad = Array.from({ length: 10 }, () => ({ name: 'no key' }))
  const pages = { first: [bad, bad], second: [records(1, 10)] }
  expect(await load(listStream({ slices: pages }))).toMatchObject({ outcome: 'done' })
  expect(await checkpoints()).toMatchObject([
    { slice: 'first', position: null, version: 1 },
    { slice: 'second', position: null, version: 1 },
  ])
})

test('a stream that reads nothing is done: there was nothing to reject', async () => {
  expect(await load(listStream({ slices: { all: [[]] } }))).toMatchObject({ outcome: 'done' })
})

test('a record that is rejected again with each run is kept once, and counted', async () => {
  const pages = { all: [[{ id: 1 }, { name: 'Ada', tags: ['a'] }]] }
  await load(listStream({ slices: pages }))
  await load(listStream({ slices: { all: [[{ id: 1 }, { tags: ['a'], name: 'Ada' }]] } }))
  expect(desk.destination.rejects('support')).toMatchObject([
    { record: '{"name":"Ada","tags":["a"]}', times: 2, reason: 'key field "id" is missing' },
  ])
})
