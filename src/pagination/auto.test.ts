import { describe, expect, test } from 'vitest'
import { logLine } from '../observe/log-line.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { Value } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { restOptions } from '../source/rest-options.ts'
import { createRestStream } from '../source/stream.ts'
import { runOnce, scriptedClient, Warehouse } from '../source/testing/scripted-client.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { listRequest, pageView, readPages } from '../testing/pages.ts'
import { auto, describeFound } from './auto.ts'
import { createPaginator } from './options.ts'
import { PaginationInvalidError, PaginationLoopError } from './paginator.ts'

const paginator = createPaginator(auto({ size: { param: 'limit', value: 2 } }))
const rows = (...ids: number[]) => ids.map((id) => ({ id }))

describe('a list whose kind is found out', () => {
  // PEERS: dlt paginator auto
  // PEERS: dlt test_client paginate default, auto, explicit
  test('goes on by what its first page says, which is a part of the position', () => {
    const bodies: Value[] = [
      { data: rows(1, 2), next_cursor: 'b' },
      { data: rows(3), next_cursor: null },
    ]
    const script = bodies.values()
    const pages = readPages(paginator, () => pageView(script.next().value!))
    expect(pages.map(({ request }) => request.query)).toEqual([{ limit: 2 }, { limit: 2, cursor: 'b' }])
    expect(pages[1]!.position).toEqual({
      found: { type: 'cursor', token: 'next_cursor', param: 'cursor' },
      at: 'b',
    })
    expect(describeFound(pages[1]!.position)).toBe('cursor at next_cursor')
  })

  test('keeps to it, though a later page would say something else', () => {
    const position = paginator.next(pageView({ data: rows(1), next_cursor: 'b' }), undefined)
    const later = pageView({ data: rows(2), next: 'https://api.example.com/other', next_cursor: 'c' })
    expect(paginator.next(later, position)).toMatchObject({ found: { type: 'cursor' }, at: 'c' })
  })

  test('of a search takes the token in the body, beside what is there', () => {
    const position = paginator.next(pageView({ data: rows(1), next_cursor: 'b' }), undefined)
    const base: RequestSpec = { ...listRequest, method: 'POST', body: { query: 'all' } }
    expect(paginator.request(base, position)).toMatchObject({
      body: { query: 'all', cursor: 'b' },
      query: { limit: 2 },
    })
  })

  test('that says that there is more, and not how to ask for it, is an error (R5)', () => {
    const next = () => paginator.next(pageView({ data: rows(1, 2), total: 50 }), undefined)
    expect(next).toThrow(PaginationInvalidError)
    expect(next).toThrow(
      "https://api.example.com/items: `paginate: { type: auto }` can't tell how this list goes on: total counts 50 records, of which the page has 2, and nothing that is known says how to ask for the others. Name its kind in `paginate`",
    )
  })

  test('refuses a position of another kind', () => {
    expect(() => paginator.request(listRequest, 'b')).toThrow(
      'the stored position "b" is none of the paginator "auto"',
    )
  })
})

function readAll(answer: (cursor: unknown) => Value, warehouse = new Warehouse(), options: object = {}) {
  const events: SluiceEvent[] = []
  const client = scriptedClient(({ query }) => ({ body: answer(query['cursor']) }))
  const { streams, limits } = restOptions.parse({
    type: 'rest',
    baseUrl: 'https://api.test',
    streams: { items: { path: 'items', records: 'data', paginate: auto(), key: 'id' } },
  })
  const stream = createRestStream('api', 'items', streams['items']!, {
    client,
    clock: fakeClock(),
    limits,
    onEvent: (event) => events.push(event),
  })
  return { events, client, stream, warehouse, done: runOnce(stream, warehouse, options) }
}

const twoPages = (cursor: unknown): Value =>
  cursor === undefined ? { data: rows(1, 2), next_cursor: 'b' } : { data: rows(3), next_cursor: null }

describe('what was found is told', () => {
  // PEERS: dlt paginator auto
  test('as an event, once, and in what preview shows', async () => {
    const { events, stream, done, warehouse } = readAll(twoPages)
    await done
    expect([...warehouse.rows.keys()]).toEqual(['1', '2', '3'])
    expect(events).toEqual([
      expect.objectContaining({
        type: 'pagination.detected',
        stream: 'api.items',
        kind: 'cursor',
        place: 'next_cursor',
        doubt: null,
      }),
    ])
    expect(logLine(events[0]!)).toBe('api.items found its pagination: cursor at `next_cursor`')
    expect(stream.preview({ key: 'all', progress: null }).paging).toBe('auto: found cursor at next_cursor')
  })

  test('in plan by what the last run stored, and as not known before', async () => {
    const warehouse = new Warehouse()
    const { stream } = readAll(twoPages)
    expect(stream.preview({ key: 'all', progress: null }).paging).toBe(
      'auto: how the list goes on is not known before its first page',
    )
    await expect(readAll(twoPages, warehouse, { crashAfterPages: 1 }).done).rejects.toThrow()
    const progress = warehouse.progress.get('all')!
    const planned = readAll(twoPages).stream.preview({ key: 'all', progress })
    expect(planned.paging).toBe('auto: the last run found cursor at next_cursor')
    // A run that resumes asks for the second page at once.
    const resumed = readAll(twoPages, warehouse)
    await resumed.done
    expect(resumed.client.requests.map(({ query }) => query)).toEqual([{ cursor: 'b' }])
    expect([...warehouse.rows.keys()]).toEqual(['1', '2', '3'])
  })

  test('with a warning where the first page looks full and says nothing', async () => {
    const many = rows(...Array(50).keys())
    const { events, done } = readAll(() => ({ data: many }))
    await done
    expect(logLine(events[0]!)).toBe(
      "api.items warning: `paginate: { type: auto }` took the list for one page, and may be wrong: the page has 50 records, as if it were full, and nothing in it says whether there are more. Look at the API's documentation, and name the kind in `paginate`",
    )
  })

  test('and a parameter that the API does not know stops the stream instead of reading the first page for ever (R1)', async () => {
    const { done } = readAll(() => ({ data: rows(1, 2), next_cursor: 'b' }))
    await expect(done).rejects.toThrow(PaginationLoopError)
  })
})
