import { describe, expect, test } from 'vitest'
import { HttpStatusError } from '../http/errors.ts'
import { cursor } from '../pagination/cursor.ts'
import type { SluiceEvent } from '../ports/events.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { restOptions } from './rest-options.ts'
import { createRestStream } from './stream.ts'
import { Crash, runOnce, scriptedClient, Warehouse } from './testing/scripted-client.ts'

/** A list with a sync token, as at Google: the tokens of `expired` are refused. */
function calendar(events: { id: number }[], expired: Set<string>) {
  let version = 1
  const client = scriptedClient(({ url, query }) => {
    const token = String(query['pageToken'] ?? query['syncToken'] ?? '')
    if (expired.has(token)) {
      return new HttpStatusError({
        method: 'GET',
        url,
        status: 410,
        detail: 'Sync token is no longer valid',
        excerpt: '',
        retryAfterMs: undefined,
        kind: 'expired',
      })
    }
    const at = token.startsWith('page') ? Number(token.slice(4)) : token === '' ? 0 : events.length
    const items = events.slice(at, at + 2)
    return at + 2 < events.length
      ? { body: { items, nextPageToken: `page${at + 2}` } }
      : { body: { items, nextSyncToken: `sync${version++}` } }
  })
  return client
}

const paginate = cursor({
  token: 'nextPageToken',
  param: 'pageToken',
  persist: { token: 'nextSyncToken', param: 'syncToken' },
})

function streamOf(client: ReturnType<typeof calendar>, options: object = {}) {
  const events: SluiceEvent[] = []
  const settings = restOptions.parse({
    type: 'rest',
    baseUrl: 'https://api.test',
    streams: {
      items: {
        path: 'events',
        records: 'items',
        paginate,
        key: 'id',
        incremental: { by: 'position' },
        ...options,
      },
    },
  })
  const stream = createRestStream('cal', 'items', settings.streams['items']!, {
    client,
    clock: fakeClock(),
    limits: settings.limits,
    onEvent: (event) => events.push(event),
  })
  return { stream, events }
}

const five = () => [1, 2, 3, 4, 5].map((id) => ({ id }))

describe('a position that has expired', () => {
  // PEERS: Airbyte PaginationReset
  // PEERS: Airbyte HttpResponseFilter RESET_PAGINATION
  test('is given up, and the list is read from its beginning, once', async () => {
    const expired = new Set<string>()
    const items = five()
    const client = calendar(items, expired)
    const { stream, events } = streamOf(client)
    const warehouse = new Warehouse()
    await runOnce(stream, warehouse)
    expired.add('sync1')
    items.push({ id: 6 })
    await runOnce(stream, warehouse)
    expect([...warehouse.rows.keys()]).toEqual(['1', '2', '3', '4', '5', '6'])
    expect(events.filter(({ type }) => type === 'position.expired')).toEqual([
      {
        type: 'position.expired',
        at: expect.any(Number),
        stream: 'cal.items',
        slice: 'all',
        action: 'resync',
      },
    ])
    client.requests.length = 0
    await runOnce(stream, warehouse)
    expect(client.requests.map(({ query }) => query['syncToken'])).toEqual(['sync2'])
  })

  test('in the middle of a list, too, by an interrupted run or by this one', async () => {
    const expired = new Set<string>(['page4'])
    const client = calendar(five(), expired)
    const { stream } = streamOf(client)
    const warehouse = new Warehouse()
    await expect(runOnce(stream, warehouse, { crashAfterPages: 2 })).rejects.toThrow(Crash)
    const reading = runOnce(stream, warehouse)
    await expect(reading).rejects.toThrow(
      /^cal\.items: the API no longer knows the position that reading was at: it was read from the beginning 3 times, and expired each time before the end; ask for larger pages, or let other streams wait, so that it is read faster \(GET events answered 410/,
    )
    expired.clear()
    await runOnce(stream, warehouse)
    expect(warehouse.rows.size).toBe(5)
  })

  test('stops the stream where the config says so, or where nothing tells the records apart', async () => {
    const expired = new Set<string>()
    for (const [options, message] of [
      [
        { incremental: { by: 'position', expired: 'fail' } },
        /`incremental\.expired: fail` stops the stream here; run it with --full-refresh/,
      ],
      [{ key: undefined }, /without a `key` its records would be there twice .*; run it with --full-refresh/],
    ] as const) {
      const { stream } = streamOf(calendar(five(), expired), options)
      const warehouse = new Warehouse()
      expired.clear()
      await runOnce(stream, warehouse)
      expired.add('sync1')
      await expect(runOnce(stream, warehouse)).rejects.toThrow(message)
    }
  })

  // PEERS: Airbyte StateDelegatingStream
  test('asks for a new table where the config says so', async () => {
    const expired = new Set<string>()
    const { stream } = streamOf(calendar(five(), expired), {
      incremental: { by: 'position', expired: 'refresh' },
    })
    const warehouse = new Warehouse()
    await runOnce(stream, warehouse)
    expired.add('sync1')
    await expect(runOnce(stream, warehouse)).rejects.toMatchObject({
      code: 'POSITION_EXPIRED',
      refresh: true,
    })
  })
})

test('a first page that answers 410 is no expired position: the address is gone', async () => {
  const { stream } = streamOf(calendar(five(), new Set([''])))
  await expect(runOnce(stream, new Warehouse())).rejects.toBeInstanceOf(HttpStatusError)
})
