// A 202 without records: the API has taken the request and has no answer yet.
import { describe, expect, test } from 'vitest'
import { bench, done } from '../../../test/source/reaction-bench.ts'
import type { RestOptions } from '../rest-options.ts'

type StreamOptions = Partial<RestOptions['streams'][string]>

const pending = { status: 202, body: { status: 'pending', poll_after: null } }
const rows = [{ id: 1 }, { id: 2 }]
/** The bench's stream reads `items`: here nothing is declared. */
const wholeBody = { records: undefined, paginate: { type: 'none' } } as unknown as StreamOptions
const listed: StreamOptions = { paginate: { type: 'none' } }

describe('a 202 that holds no records is waited for', () => {
  test.each<[string, object, StreamOptions]>([
    ['an object where the body is to be the list', pending.body, wholeBody],
    ['an object without what `records` names', pending.body, listed],
    ['the same, where it may be absent', pending.body, { ...listed, optionalRecords: true }],
    ['an empty list', { status: 'pending', items: [] }, listed],
    ['no body', Buffer.alloc(0), listed],
    [
      'one line without the key',
      pending.body,
      { format: 'jsonl', records: undefined } as unknown as StreamOptions,
    ],
    ['an object in a stream', pending.body, { format: { type: 'json', stream: true } }],
  ])('%s', async (_, body, options) => {
    const streams = options.format !== undefined
    const answer = options.records === undefined && 'records' in options && !streams ? rows : { items: rows }
    const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
    const ready = options.format === 'jsonl' ? lines : answer
    const { run, warehouse, transport } = bench(
      [{ status: 202, body: body as never }, { status: 202, body: body as never }, { body: ready }],
      [],
      streams ? { ...options, paginate: { type: 'none' } } : options,
    )
    await run()
    expect(transport.requests).toHaveLength(3)
    expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
    expect(warehouse.progress.get('all')).toEqual(done)
  })
})

test('a 202 that never comes to an end is an error that names it, and nothing is loaded (R6)', async () => {
  function* forever() {
    for (;;) yield pending
  }
  const { run, warehouse, waited } = bench(forever(), [], wholeBody)
  await expect(run()).rejects.toThrow(
    /gave up after \d+ attempts .*GET https:\/\/api\.test\/items answered 202: .*pending.*the API is still at work on the answer; where this is one, say in `responses` what it means/,
  )
  expect(warehouse.received).toBe(0)
  expect(warehouse.progress.size).toBe(0)
  expect(waited()).toBeLessThanOrEqual(2 * 3_600_000)
})

test('a 202 with records is a success like any other', async () => {
  const { run, warehouse, transport } = bench([{ status: 202, body: { items: rows } }], [], listed)
  await run()
  expect(transport.requests).toHaveLength(1)
  expect(warehouse.rows.size).toBe(2)
})

test('one object that `records` declares is a record, under 202 as well', async () => {
  const { run, warehouse } = bench([{ status: 202, body: { id: 7 } }], [], {
    records: '',
    paginate: { type: 'none' },
  })
  await run()
  expect([...warehouse.rows.keys()]).toEqual(['7'])
})

test('what `responses` says of a 202 holds', async () => {
  const { run, warehouse, transport } = bench([pending], [{ status: 202, action: 'ignore' }], wholeBody)
  await run()
  expect(transport.requests).toHaveLength(1)
  expect(warehouse.progress.get('all')).toEqual(done)
})

test('a POST is not repeated for its 202, since it may start the work again', async () => {
  const { run, transport } = bench([pending], [], { ...listed, method: 'POST' })
  await expect(run()).rejects.toMatchObject({ code: 'SELECTOR_EMPTY' })
  expect(transport.requests).toHaveLength(1)
})
