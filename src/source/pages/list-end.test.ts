import { expect, test } from 'vitest'
import { cursor } from '../../pagination/cursor.ts'
import { nextUrl } from '../../pagination/next-url.ts'
import { offset } from '../../pagination/offset.ts'
import type { SluiceEvent } from '../../ports/events.ts'
import type { JsonRecord, Value } from '../../ports/json.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { restOptions } from '../rest-options.ts'
import { createRestStream } from '../stream.ts'
import { runOnce, scriptedClient, streamsOf, Warehouse } from '../testing/scripted-client.ts'
import { endCheck, flagCheck } from './list-end.ts'

const items = (count: number): JsonRecord[] => Array.from({ length: count }, (_, id) => ({ id, next: 'x' }))
const page = (body: { [key: string]: Value }, records = items(200)) => ({
  url: 'https://api.test/items',
  status: 200,
  headers: {},
  body: { items: records, ...body },
  records,
})
const byToken = (token: string, more: object = {}) => endCheck(cursor({ token, param: 'cursor', ...more }))

test('a misspelt token is doubted, with what the body has, the likeliest first', () => {
  const body = { meta: { has_more: true, prev_cursor: null, next_cursor: 'b', total: 1250 } }
  expect(byToken('meta.next_cursr')(page(body))).toEqual({
    option: 'token',
    path: 'meta.next_cursr',
    records: 200,
    found: ['meta.next_cursor', 'meta.has_more'],
  })
  // Its parent is not there either.
  expect(byToken('next_cursor')(page(body))?.found).toEqual(['meta.next_cursor', 'meta.has_more'])
  expect(byToken('after')(page(body))?.found).toEqual(['meta.next_cursor', 'meta.has_more'])
})

test('a misspelt next URL is doubted, and a key that needs quotes is quoted', () => {
  const check = endCheck(nextUrl({ url: 'links.nxt' }))
  expect(check(page({ '@odata.nextLink': 'https://api.test/items?page=2' }))).toEqual({
    option: 'url',
    path: 'links.nxt',
    records: 200,
    found: ["['@odata.nextLink']"],
  })
})

test('a full page without a token is doubted though nothing of the body looks like one', () => {
  const sized = byToken('next', { size: { param: 'limit', value: 200 } })
  expect(sized(page({ kind: 'list' }))).toMatchObject({ path: 'next', found: [] })
  expect(sized(page({ kind: 'list' }, items(199)))).toBeUndefined()
  expect(byToken('next')(page({ kind: 'list' }))).toBeUndefined()
})

test('a null or empty token, an empty page, and an API that says that there is no more are ends like any other', () => {
  expect(byToken('next')(page({ next: null, next_page: 2 }))).toBeUndefined()
  expect(byToken('next')(page({ next: '', next_page: 2 }))).toBeUndefined()
  expect(byToken('next')(page({ next_page: 2 }, []))).toBeUndefined()
  expect(byToken('next')(page({ next_page: 2, has_more: false }))).toBeUndefined()
  expect(byToken('next', { more: 'has_more' })(page({ next_page: 2, has_more: false }))).toBeUndefined()
  expect(byToken('next')(page({ next_page: null, offset: 0, has_more: '' }))).toBeUndefined()
})

test('what records hold is no hint, and kinds that follow nothing of the body are not asked', () => {
  expect(byToken('next')(page({}))).toBeUndefined()
  const record = { id: 1, next_step: 'call' }
  expect(byToken('next')({ ...page({}), body: record, records: [record] })).toBeUndefined()
  expect(endCheck(offset({}))(page({ next: 'b' }))).toBeUndefined()
  expect(endCheck(cursor({ token: { header: 'x-next' }, param: 'c' }))(page({ next: 'b' }))).toBeUndefined()
})

test('a stream says so once, and only where its first page is its last', async () => {
  const events: SluiceEvent[] = []
  const read = async (token: string) => {
    const client = scriptedClient(({ query }) => ({
      body: { items: [{ id: query.cursor ?? 1 }], next_cursor: query.cursor === undefined ? '2' : undefined },
    }))
    const settings = restOptions.parse({
      type: 'rest',
      baseUrl: 'https://api.test',
      streams: {
        items: {
          path: 'items',
          records: 'items',
          paginate: { type: 'cursor', token, param: 'cursor' },
          key: 'id',
        },
      },
    })
    const stream = createRestStream('api', 'items', settings.streams['items']!, {
      client,
      clock: fakeClock({ start: 7 }),
      limits: settings.limits,
      onEvent: (event) => events.push(event),
    })
    for (let time = 1; time <= 2; time++)
      await stream.read(
        { key: 'all', progress: null },
        { signal: new AbortController().signal, async emit() {} },
      )
  }
  await read('next_cursor')
  expect(events).toEqual([])
  await read('next_cursr')
  expect(events).toEqual([
    {
      type: 'list.doubt',
      at: 7,
      stream: 'api.items',
      option: 'token',
      path: 'next_cursr',
      records: 1,
      found: ['next_cursor'],
    },
  ])
})

test('a last page that says that there are more is doubted, with the flag to name', () => {
  const byCursor = flagCheck(cursor({ token: 'next', param: 'cursor' }))
  expect(byCursor(page({ next: null, meta: { has_more: true } }))).toBe(
    'the list may go on: the page that was taken for the last says `meta.has_more: true`. Write `more: meta.has_more`, so that such a page that names no next one is an error',
  )
  expect(flagCheck(offset({ total: 'total' }))(page({ total: 200, hasNextPage: true }))).toContain(
    'Write `more: hasNextPage`, so that the list is read on until it says otherwise',
  )
  expect(flagCheck({ type: 'none' })(page({ more: true }))).toContain(
    'say in `paginate` how the list goes on',
  )
  expect(byCursor(page({ has_more: false, more_info: true, next: true, title: 'more' }))).toContain(
    '`next: true`',
  )
  expect(byCursor(page({ has_more: false, more_info: true }))).toBeUndefined()
})

test('a last page is none to doubt where the list is left before its end, or the flag is named', () => {
  const more = page({ has_more: true })
  const by = (options: object, slices?: object[]) =>
    flagCheck(cursor({ token: 'next', param: 'cursor', ...options }), slices as never)(more)
  expect(by({ more: 'has_more' })).toBeUndefined()
  expect(by({ persist: true })).toBeUndefined()
  expect(by({ depth: { pages: 1, beyond: 'end' } })).toBeUndefined()
  expect(by({}, [{ by: 'time', cap: 1000 }])).toBeUndefined()
  expect(by({}, [{ by: 'time' }])).toContain('has_more')
})

test('a later page that ends a list against its own flag is warned of, once a stream', async () => {
  const events: SluiceEvent[] = []
  const { items: stream } = streamsOf(
    'api',
    {
      items: { path: 'items', records: 'v', key: 'id', paginate: cursor({ token: 'next', param: 'cursor' }) },
    },
    scriptedClient(({ query }) =>
      query['cursor'] === undefined
        ? { body: { v: [{ id: 1 }], next: 'b', has_more: true } }
        : { body: { v: [{ id: 2 }], has_more: true } },
    ),
    fakeClock(),
    (event) => events.push(event),
  )
  for (let time = 1; time <= 2; time++) await runOnce(stream, new Warehouse())
  expect(events.flatMap((event) => (event.type === 'stream.warning' ? [event.message] : []))).toEqual([
    expect.stringContaining('`has_more: true`'),
  ])
})
