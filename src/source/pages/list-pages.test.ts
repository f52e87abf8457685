import { expect, test } from 'vitest'
import { openClient } from '../../config/open-client.ts'
import { cursorPaginator } from '../../pagination/cursor.ts'
import { offsetPaginator } from '../../pagination/offset.ts'
import type { Runtime } from '../../ports/runtime.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../../testing/scripted-transport.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import { listPages } from './list-pages.ts'

function api(replies: readonly ScriptedReply[]) {
  const transport = scriptedTransport(replies)
  const runtime: Runtime = { transport, clock: fakeClock({ auto: true }), random: seededRandom(1) }
  return { transport, client: openClient('api', { baseUrl: 'https://api.example.com/v1' }, { runtime }) }
}
const byCursor = cursorPaginator({ type: 'cursor', token: 'next', param: 'after' })

async function collect<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages) all.push(page)
  return all
}

// PEERS: dlt fault 9 the page shows the next request
// PEERS: dlt test_client paginate default, auto, explicit
// PEERS: dlt test_client page exposes its request
// PEERS: dlt test_requests_paginate
test('a list is read page by page, and each page says where the next one starts', async () => {
  const { client, transport } = api([
    { body: { items: [{ id: 1 }], next: 'b' } },
    { body: { items: [{ id: 2 }] } },
  ])
  expect(await collect(listPages(client, byCursor, { url: 'items' }, { records: 'items' }))).toEqual([
    { records: [{ id: 1 }], next: 'b' },
    { records: [{ id: 2 }], next: undefined },
  ])
  expect(transport.requests.map(({ url }) => url)).toEqual([
    'https://api.example.com/v1/items',
    'https://api.example.com/v1/items?after=b',
  ])
})

test('reading goes on from a position that was kept', async () => {
  const { client, transport } = api([{ body: [] }])
  await collect(listPages(client, byCursor, { url: 'items', query: { limit: 5 } }, { from: 'kept' }))
  expect(transport.requests[0]?.url).toBe('https://api.example.com/v1/items?limit=5&after=kept')
})

test('the next page is not asked for before it is wanted', async () => {
  const { client, transport } = api([{ body: { items: [{ id: 1 }], next: 'b' } }])
  for await (const page of listPages(client, byCursor, { url: 'items' }, { records: 'items' })) {
    expect(page.next).toBe('b')
    break
  }
  expect(transport.requests).toHaveLength(1)
})

test('a page that repeats stops the list (R1)', async () => {
  const { client } = api([{ body: [{ id: 1 }] }, { body: [{ id: 1 }] }])
  const pages = listPages(client, offsetPaginator({ type: 'offset' }), { url: 'items' })
  await expect(collect(pages)).rejects.toThrow('this page holds the one record of the one before it')
})

test('records that are not where they should be are an error (R2)', async () => {
  const { client } = api([{ body: { results: [] } }])
  const pages = listPages(client, byCursor, { url: 'items' }, { records: 'result' })
  await expect(collect(pages)).rejects.toMatchObject({
    code: 'SELECTOR_EMPTY',
    message: expect.stringContaining('did you mean `results`?'),
  })
})

test('an aborted list stops with the reason it was given', async () => {
  const { client } = api([{ body: [{ id: 1 }] }])
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(collect(listPages(client, byCursor, { url: 'items' }, { signal }))).rejects.toThrow('enough')
})
