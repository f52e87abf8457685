// Properties of every kind at once, against an API that nobody writes to: whatever the list, the page size and a filter that empties pages,
// everything is read once, in order, also when it is taken up again at any page; and one paginator serves two lists at once, since it keeps
// no state. Requests reach the API as they are on the wire: encoded into a URL, and taken apart again.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withQuery } from '../http/request-url.ts'
import type { Json, JsonRecord } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { checkPaginator } from '../testing/check-paginator.ts'
import { listRequest, pageView, readPages } from '../testing/pages.ts'
import { auto } from './auto.ts'
import { cursor } from './cursor.ts'
import { customPaginator } from './custom.ts'
import { keyset } from './keyset.ts'
import { linkHeader } from './link-header.ts'
import { nextUrl } from './next-url.ts'
import { offset } from './offset.ts'
import { createPaginator, type PaginatorOptions } from './options.ts'
import { pageNumber } from './page-number.ts'
import type { PageView, Paginator } from './paginator.ts'
import { time } from './time.ts'

interface List {
  /** Which API it is: a paginator that mixed two up would ask the one for what the other named. */
  readonly name: string
  readonly rows: readonly JsonRecord[]
  /** Which rows a caller may see: the API cuts pages first, and filters them then. */
  readonly shown: readonly boolean[]
  readonly size: number
}

type Api = (request: RequestSpec) => PageView

interface Kind {
  readonly name: string
  readonly options: (size: number) => PaginatorOptions
  /** Whether the API filters before it cuts pages: the kind goes on from a record, so an empty page is the last. */
  readonly dense?: boolean
  readonly api: (list: List) => Api
}

/** The request's parameters as an API sees them. */
const parameters = ({ url, query }: RequestSpec) => new URL(withQuery(url, query)).searchParams
const visible = ({ rows, shown }: List) => rows.filter((_, index) => shown[index])

/** A page from `from` on, filtered, and what leads on as `answer` writes it. */
function cut(
  list: List,
  from: number,
  answer: (data: JsonRecord[], next: number | undefined) => PageView,
): PageView {
  const end = from + list.size
  const data = list.rows.slice(from, end).filter((_, index) => list.shown[from + index])
  return answer(data, end < list.rows.length ? end : undefined)
}

/** An opaque token with characters that need encoding; of another list it is refused. */
const tokenOf = (list: List, index: number) => JSON.stringify([list.name, index, 'a+b &=%/?#"é🜁'])
function indexOf(list: List, token: string | null): number {
  if (token === null) return 0
  const [name, index, rest] = JSON.parse(token)
  if (name !== list.name || rest !== 'a+b &=%/?#"é🜁') throw new Error(`${list.name} was asked with ${token}`)
  return index
}
const linkOf = (list: List, index: number) => `/items?at=${encodeURIComponent(tokenOf(list, index))}`

const sized = (size: number) => ({ param: 'limit', value: size })

const kinds: Kind[] = [
  {
    name: 'cursor',
    options: () => cursor({ token: 'next', param: 'at' }),
    api: (list) => (request) =>
      cut(list, indexOf(list, parameters(request).get('at')), (data, next) =>
        pageView({ data, next: next === undefined ? null : tokenOf(list, next) }),
      ),
  },
  {
    name: 'cursor inside a URL, in a header',
    options: () => cursor({ token: { url: 'next', param: 'at' }, param: { header: 'x-at' } }),
    api: (list) => (request) =>
      cut(list, indexOf(list, request.headers['x-at'] ?? null), (data, next) =>
        pageView({ data, ...(next !== undefined && { next: linkOf(list, next) }) }),
      ),
  },
  {
    name: 'cursor in the body',
    options: () => cursor({ token: { header: 'x-next' }, param: { body: 'page.at' } }),
    api: (list) => (request) =>
      cut(list, indexOf(list, (request.body as { page?: { at: string } })?.page?.at ?? null), (data, next) =>
        pageView({ data }, { headers: { 'x-next': next === undefined ? 'null' : tokenOf(list, next) } }),
      ),
  },
  {
    name: 'next URL',
    options: () => nextUrl({ url: 'links.next' }),
    api: (list) => (request) =>
      cut(list, indexOf(list, parameters(request).get('at')), (data, next) =>
        pageView(
          { data, links: { next: next === undefined ? '' : linkOf(list, next) } },
          { url: request.url },
        ),
      ),
  },
  {
    name: 'Link header',
    options: () => linkHeader(),
    api: (list) => (request) =>
      cut(list, indexOf(list, parameters(request).get('at')), (data, next) =>
        pageView(data, {
          url: request.url,
          headers:
            next === undefined ? {} : { link: ['</a,b>; rel=prev', `<${linkOf(list, next)}>; rel="next"`] },
        }),
      ),
  },
  {
    name: 'offset by a total',
    options: (size) => offset({ total: 'total', size: sized(size) }),
    dense: true,
    api: (list) => (request) => {
      const rows = visible(list)
      const from = Number(parameters(request).get('offset'))
      return pageView({ data: rows.slice(from, from + list.size), total: rows.length })
    },
  },
  {
    name: 'page number by a flag',
    options: (size) => pageNumber({ more: 'more', size: sized(size) }),
    api: (list) => (request) =>
      cut(list, (Number(parameters(request).get('page')) - 1) * list.size, (data, next) =>
        pageView({ data, more: next !== undefined }),
      ),
  },
  {
    name: 'page number by a condition',
    options: () => pageNumber({ first: 0, more: '@.page < @.last' }),
    api: (list) => (request) => {
      const page = Number(parameters(request).get('page'))
      return cut(list, page * list.size, (data) =>
        pageView({ data, page, last: Math.ceil(list.rows.length / list.size) - 1 }),
      )
    },
  },
  {
    name: 'keyset',
    options: () => keyset({ param: 'after' }),
    dense: true,
    api: (list) => (request) => {
      const rows = visible(list)
      const after = parameters(request).get('after')
      const from = after === null ? 0 : rows.findIndex(({ id }) => id === after) + 1
      if (after !== null && from === 0) throw new Error(`${list.name} has no ${after}`)
      return pageView({ data: rows.slice(from, from + list.size) })
    },
  },
  {
    name: 'time by a flag',
    options: () => time({ param: 'since', endTime: 'end', more: 'more' }),
    dense: true,
    api: (list) => (request) => {
      const rows = visible(list)
      const from = Number(parameters(request).get('since') ?? 0)
      const end = from + list.size
      return pageView({ data: rows.slice(from, end), end, more: end < rows.length })
    },
  },
  {
    name: 'auto, by a token',
    options: () => auto(),
    api: (list) => (request) =>
      cut(list, indexOf(list, parameters(request).get('cursor')), (data, next) =>
        pageView({
          data,
          meta: {
            next_cursor: next === undefined ? null : tokenOf(list, next),
            has_more: next !== undefined,
          },
        }),
      ),
  },
  {
    name: 'auto, by a URL',
    options: () => auto(),
    api: (list) => (request) =>
      cut(list, indexOf(list, parameters(request).get('at')), (data, next) =>
        pageView(
          { data, next_page_url: next === undefined ? null : linkOf(list, next) },
          { url: request.url },
        ),
      ),
  },
  {
    name: 'a cursor no deeper than the list',
    options: () => cursor({ token: 'next', param: 'at', depth: { pages: 100 } }),
    api: (list) => (request) =>
      cut(list, indexOf(list, parameters(request).get('at')), (data, next) =>
        pageView({ data, ...(next !== undefined && { next: tokenOf(list, next) }) }),
      ),
  },
  {
    name: 'custom',
    options: () =>
      customPaginator<{ read: number }>({
        request: (base, at) => ({ ...base, query: { skip: at?.read ?? 0 } }),
        next: (page, at) => {
          const { step, end } = page.body as { step: number; end: boolean }
          return end ? undefined : { read: (at?.read ?? 0) + step }
        },
      }),
    api: (list) => (request) =>
      cut(list, Number(parameters(request).get('skip')), (data, next) =>
        pageView({ data, step: list.size, end: next === undefined }),
      ),
  },
]

/** Lists of records whose ids hold any characters. */
const lists = (name: string, size: number) =>
  fc
    .uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }), { maxLength: 30 })
    .chain((ids) =>
      fc.record({
        name: fc.constant(name),
        rows: fc.constant(ids.map((id, at) => ({ id, at }))),
        shown: fc.array(fc.boolean(), { minLength: ids.length, maxLength: ids.length }),
        size: fc.constant(size),
      }),
    )

const sizes = fc.integer({ min: 1, max: 6 })

describe.each(kinds)('$name', ({ options, api }) => {
  // PEERS: dlt #1530
  test('reads everything once, in order, from its beginning and from any page', () => {
    fc.assert(
      fc.property(
        sizes.chain((size) => lists('first', size)),
        (list) => {
          checkPaginator(createPaginator(options(list.size)), api(list), visible(list))
        },
      ),
    )
  })

  // PEERS: dlt fault 1 shared paginator
  // PEERS: dlt not tested shared paginator
  test('serves two lists that take turns, and loses nothing', () => {
    fc.assert(
      fc.property(
        sizes.chain((size) => fc.tuple(lists('first', size), lists('second', size))),
        fc.array(fc.boolean(), { maxLength: 60 }),
        ([first, second], turns) => {
          const paginator = createPaginator(options(first.size))
          const readers = [reader(paginator, api(first)), reader(paginator, api(second))] as const
          for (const turn of turns) readers[turn ? 0 : 1].next()
          for (const each of readers) while (!each.next().done);
          expect(readers[0].read).toEqual(visible(first))
          expect(readers[1].read).toEqual(visible(second))
        },
      ),
    )
  })
})

/** A reading that goes on by one page with each step. */
function reader(paginator: Paginator, answer: Api) {
  const read: JsonRecord[] = []
  function* pages() {
    let position: Json | undefined
    do {
      const page = answer(paginator.request(listRequest, position))
      read.push(...page.records)
      position = paginator.next(page, position)
      yield read
    } while (position !== undefined)
  }
  return Object.assign(pages(), { read })
}

describe('a sync token', () => {
  test('reads every change once, whatever the runs and their pages', () => {
    const paginator = createPaginator(
      cursor({
        token: 'nextPageToken',
        param: 'pageToken',
        persist: { token: 'nextSyncToken', param: 'syncToken' },
      }),
    )
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 }),
        sizes,
        (written, size) => {
          const rows: JsonRecord[] = []
          const read: unknown[] = []
          let kept: Json | undefined
          for (const more of written) {
            for (let count = 0; count < more; count++) rows.push({ id: rows.length })
            const pages = readPages(
              paginator,
              ({ query }) => {
                const since = Number(query['syncToken'] ?? 0)
                const from = Number(query['pageToken'] ?? since)
                const data = rows.slice(from, from + size)
                const end = from + size >= rows.length
                return pageView({
                  data,
                  [end ? 'nextSyncToken' : 'nextPageToken']: String(end ? rows.length : from + size),
                })
              },
              { from: kept },
            )
            read.push(...pages.flatMap(({ page }) => page.records.map(({ id }) => id)))
            const { page, position } = pages.at(-1)!
            kept = paginator.resume?.(page, position)
          }
          expect(read).toEqual(rows.map(({ id }) => id))
        },
      ),
    )
  })
})
