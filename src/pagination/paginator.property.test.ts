// Every kind against simulated APIs that nobody writes to: whatever the list, the page size and the API's manners, everything is
// read once and reading ends; from any stored position exactly the rest is read; side by side the same is read.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonRecord, Value } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { listRequest, pageView, type ReadPage, readPages } from '../testing/pages.ts'
import { cursor } from './cursor.ts'
import { keyset } from './keyset.ts'
import { linkHeader } from './link-header.ts'
import { nextUrl } from './next-url.ts'
import { offset } from './offset.ts'
import { createPaginator, type PaginatorOptions } from './options.ts'
import { pageNumber } from './page-number.ts'
import { type PageView, PaginationStuckError, type Paginator } from './paginator.ts'
import { time } from './time.ts'

type Row = { id: number; at: number }
type Api = (request: RequestSpec) => PageView

const sizes = fc.integer({ min: 1, max: 7 })
const lengths = fc.integer({ min: 0, max: 40 })
/** How many records of a page an API leaves out at its end, page by page, over and over. */
const cuts = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 5 })

const list = (length: number): Row[] => Array.from({ length }, (_, id) => ({ id, at: id }))
const ids = (records: readonly JsonRecord[]) => records.map((record) => record['id'])
const idsOf = (pages: readonly ReadPage[]) => pages.flatMap(({ page }) => ids(page.records))
const parameter = (request: RequestSpec, name: string) => Number(request.query[name])

/** Reading ends, everything is read once, in order; from any stored position exactly the rest is read. */
function readsEverythingOnce(paginator: Paginator, api: Api, expected: readonly unknown[]): ReadPage[] {
  const pages = readPages(paginator, api)
  expect(idsOf(pages)).toEqual(expected)
  pages.forEach(({ position }, index) => {
    if (position === undefined) return
    expect(idsOf(readPages(paginator, api, { from: position }))).toEqual(idsOf(pages.slice(index)))
  })
  return pages
}

/** What `all` names is what `next` leads to, but for an empty page by which `next` may learn of the end. */
function readsTheSameSideBySide(paginator: Paginator, api: Api, pages: readonly ReadPage[]): void {
  const positions = [...paginator.all!(pages[0]!.page)!]
  const rest = pages.slice(1)
  if (rest.length > positions.length) expect(rest.pop()?.page.records).toEqual([])
  expect(positions).toEqual(rest.map(({ position }) => position))
  expect(idsOf(rest)).toEqual(positions.flatMap((at) => ids(api(paginator.request(listRequest, at)).records)))
}

/** A total as an API may send it. */
const totals = fc.constantFrom('none', 'number', 'text', 'header')
function withTotal(form: string, data: Row[], total: number): PageView {
  if (form === 'header') return pageView(data, { headers: { 'x-total': String(total) } })
  return pageView(form === 'none' ? { data } : { data, total: form === 'text' ? String(total) : total })
}
const totalPlace = (form: string) => (form === 'header' ? { header: 'X-Total' } : 'total')

describe('offset', () => {
  test('reads everything once, whatever the API allows and cuts short', () => {
    fc.assert(
      fc.property(
        lengths,
        sizes,
        sizes,
        cuts,
        totals,
        fc.constantFrom(0 as const, 1 as const),
        fc.boolean(),
        (length, value, allowed, cut, form, first, sized) => {
          const rows = list(length)
          const api: Api = (request) => {
            const from = parameter(request, 'offset') - first
            const most = sized ? Math.min(parameter(request, 'limit'), allowed) : allowed
            return withTotal(
              form,
              rows.slice(from, from + Math.max(1, most - cut[from % cut.length]!)),
              length,
            )
          }
          const paginator = createPaginator(
            offset({
              first,
              ...(sized ? { size: { param: 'limit', value } } : {}),
              ...(form === 'none' ? {} : { total: totalPlace(form) }),
            }),
          )
          const pages = readsEverythingOnce(paginator, api, ids(rows))
          // Side by side nothing is lost unseen: where a page is short, its `next` is not the position that follows.
          const positions = paginator.all?.(pages[0]!.page)
          if (positions === undefined) return
          const named = [...positions]
          const read = [pages[0]!.page, ...named.map((at) => api(paginator.request(listRequest, at)))]
          const whole = read.every(
            (page, index) =>
              paginator.next(page, index === 0 ? undefined : named[index - 1]!) === named[index],
          )
          if (whole) expect(ids(read.flatMap((page) => page.records))).toEqual(ids(rows))
        },
      ),
    )
  })

  test('reads the same side by side where pages are full', () => {
    fc.assert(
      fc.property(lengths, sizes, fc.constantFrom('number', 'text', 'header'), (length, value, form) => {
        const rows = list(length)
        const api: Api = (request) => {
          const from = parameter(request, 'offset')
          return withTotal(form, rows.slice(from, from + parameter(request, 'limit')), length)
        }
        const paginator = createPaginator(
          offset({ size: { param: 'limit', value }, total: totalPlace(form) }),
        )
        readsTheSameSideBySide(paginator, api, readsEverythingOnce(paginator, api, ids(rows)))
      }),
    )
  })

  test('loses nothing where the API counts records that it does not show', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), sizes, fc.boolean(), (shown, value, flagged) => {
        const rows = list(shown.length)
        const api: Api = (request) => {
          const from = parameter(request, 'offset')
          const data = rows.slice(from, from + value).filter(({ id }) => shown[id])
          return pageView({ data, total: shown.length, more: from + value < shown.length })
        }
        const size = { param: 'limit', value }
        const pages = readPages(
          createPaginator(offset(flagged ? { size, more: 'more' } : { size, total: 'total' })),
          api,
        )
        expect([...new Set(idsOf(pages))]).toEqual(ids(rows.filter(({ id }) => shown[id])))
      }),
    )
  })

  test('may end at a short page where pages are full', () => {
    fc.assert(
      fc.property(lengths, sizes, (length, value) => {
        const rows = list(length)
        const api: Api = (request) => {
          const from = parameter(request, 'offset')
          return pageView(rows.slice(from, from + value))
        }
        const paginator = createPaginator(offset({ size: { param: 'limit', value }, lastPage: 'short' }))
        const pages = readsEverythingOnce(paginator, api, ids(rows))
        expect(pages).toHaveLength(Math.floor(length / value) + 1)
      }),
    )
  })
})

describe('page number', () => {
  test('reads everything once, also where the API allows fewer records than asked for', () => {
    fc.assert(
      fc.property(
        lengths,
        sizes,
        sizes,
        fc.constantFrom(0 as const, 1 as const),
        fc.constantFrom('none', 'totalPages', 'totalRecords', 'more'),
        fc.boolean(),
        (length, value, allowed, first, ends, sized) => {
          const rows = list(length)
          const api: Api = (request) => {
            const most = sized ? Math.min(parameter(request, 'per_page'), allowed) : allowed
            const from = (parameter(request, 'page') - first) * most
            return pageView({
              data: rows.slice(from, from + most),
              totalPages: Math.ceil(length / most),
              totalRecords: String(length),
              more: from + most < length,
            })
          }
          const paginator = createPaginator(
            pageNumber({
              first,
              ...(sized ? { size: { param: 'per_page', value } } : {}),
              ...(ends === 'none' ? {} : { [ends]: ends }),
            }),
          )
          const pages = readsEverythingOnce(paginator, api, ids(rows))
          if (paginator.all?.(pages[0]!.page)) readsTheSameSideBySide(paginator, api, pages)
        },
      ),
    )
  })

  test('reads everything once where pages are filtered, even to nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 40 }),
        sizes,
        fc.constantFrom('totalPages', 'totalRecords', 'more'),
        (shown, value, ends) => {
          const rows = list(shown.length)
          const api: Api = (request) => {
            const from = (parameter(request, 'page') - 1) * value
            return pageView({
              data: rows.slice(from, from + value).filter(({ id }) => shown[id]),
              totalPages: Math.ceil(shown.length / value),
              totalRecords: shown.length,
              more: from + value < shown.length,
            })
          }
          const paginator = createPaginator(pageNumber({ size: { param: 'per_page', value }, [ends]: ends }))
          const pages = readPages(paginator, api)
          expect(idsOf(pages)).toEqual(ids(rows.filter(({ id }) => shown[id])))
          const positions = paginator.all?.(pages[0]!.page)
          if (positions === undefined) return
          const rest = [...positions].flatMap((at) => ids(api(paginator.request(listRequest, at)).records))
          expect([...ids(pages[0]!.page.records), ...rest]).toEqual(idsOf(pages))
        },
      ),
    )
  })
})

/** Pages of any lengths, empty ones too, and what leads to each: how cursors, next URLs and Link headers chain. */
const chains = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 12 }).map((counts) => {
  const rows = list(counts.reduce((sum, count) => sum + count, 0))
  let from = 0
  return counts.map((count) => {
    from += count
    return rows.slice(from - count, from)
  })
})

describe('cursor', () => {
  /** The end, as APIs write it. */
  const ends = fc.constantFrom<Value | undefined>(undefined, null, '')
  const flags = fc.constantFrom<[string, (more: boolean) => Value]>(
    ['flag', (more) => more],
    ['flag', (more) => String(more)],
    ['flag', (more) => Number(more)],
    ['!flag', (more) => !more],
    ['!flag', (more) => String(!more)],
  )

  test('reads every page once, in any place, with any end and flag, also past empty pages', () => {
    fc.assert(
      fc.property(
        chains,
        ends,
        fc.option(flags),
        fc.constantFrom<'query' | 'header' | 'body'>('query', 'header', 'body'),
        fc.boolean(),
        (chain, end, flag, place, tokenInHeader) => {
          const api: Api = (request) => {
            const body = request.body as { page?: { after?: string } } | undefined
            const token = {
              query: request.query['cursor'],
              header: request.headers['x-cursor'],
              body: body?.page?.after,
            }[place]
            const index = token === undefined ? 0 : Number(token)
            const isLast = index === chain.length - 1
            const next = isLast ? end : String(index + 1)
            return pageView(
              {
                data: chain[index]!,
                ...(tokenInHeader || next === undefined ? {} : { next }),
                ...(flag ? { flag: flag[1](!isLast) } : {}),
              },
              tokenInHeader && typeof next === 'string' ? { headers: { 'x-next': next } } : {},
            )
          }
          const paginator = createPaginator(
            cursor({
              token: tokenInHeader ? { header: 'X-Next' } : 'next',
              param: { query: 'cursor', header: { header: 'X-Cursor' }, body: { body: 'page.after' } }[place],
              ...(flag ? { more: flag[0] } : {}),
            }),
          )
          expect(readsEverythingOnce(paginator, api, ids(chain.flat()))).toHaveLength(chain.length)
        },
      ),
    )
  })

  test('goes on in the next run behind what was read, where the position persists', () => {
    fc.assert(
      fc.property(lengths, lengths, sizes, (before, after, value) => {
        let rows = list(before)
        const api: Api = (request) => {
          const from = Number(request.query['cursor'] ?? 0)
          const data = rows.slice(from, from + value)
          return pageView({ data, after: String(from + data.length), end: from + value >= rows.length })
        }
        const paginator = createPaginator(
          cursor({ token: 'after', param: 'cursor', more: '!end', persist: true }),
        )
        const first = readPages(paginator, api)
        const { page, position } = first.at(-1)!
        rows = list(before + after)
        const second = readPages(paginator, api, { from: paginator.resume?.(page, position) })
        expect([...idsOf(first), ...idsOf(second)]).toEqual(ids(rows))
      }),
    )
  })

  test('sends any token so that the API sees it as it meant it, URL-encoded before or not', () => {
    // What an API makes of a token: base64, JSON, or text of which it encodes everything that needs it.
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    const tokens = fc.oneof(
      text.map((raw) => ({
        sent: Buffer.from(raw).toString('base64'),
        meant: Buffer.from(raw).toString('base64'),
      })),
      text.map((raw) => ({ sent: JSON.stringify({ after: raw }), meant: JSON.stringify({ after: raw }) })),
      text.map((raw) => `${raw}=`).map((meant) => ({ sent: encodeURIComponent(meant), meant })),
    )
    const paginator = createPaginator(cursor({ token: 'next', param: 'cursor' }))
    fc.assert(
      fc.property(tokens, ({ sent, meant }) => {
        const position = paginator.next(pageView({ next: sent }), undefined)
        const onTheWire = new URLSearchParams(
          paginator.request(listRequest, position).query as Record<string, string>,
        )
        expect(new URLSearchParams(onTheWire.toString()).get('cursor')).toBe(meant)
      }),
    )
  })
})

/** How an API may write a link to the page `index`. */
const links = fc.constantFrom<(index: number) => string>(
  (index) => `https://api.example.com/items?page=${index}`,
  (index) => `?page=${index}`,
  (index) => `/items?ids=1,2;3&page=${index}`,
  (index) => `//api.example.com/items?q=a%20b&page=${index}#top`,
)
const pageOf = (request: RequestSpec) => Number(new URL(request.url).searchParams.get('page'))

describe('next URL', () => {
  test('reads every page once, by absolute and relative URLs, also past empty pages', () => {
    fc.assert(
      fc.property(
        chains,
        links,
        fc.constantFrom<Value | undefined>(undefined, null, ''),
        fc.boolean(),
        (chain, link, end, flagged) => {
          const api: Api = (request) => {
            const index = pageOf(request)
            const isLast = index === chain.length - 1
            const next = isLast ? end : link(index + 1)
            return pageView(
              { data: chain[index]!, more: !isLast, ...(next === undefined ? {} : { links: { next } }) },
              { url: request.url },
            )
          }
          const paginator = createPaginator(
            nextUrl({ url: 'links.next', ...(flagged ? { more: 'more' } : {}) }),
          )
          expect(readsEverythingOnce(paginator, api, ids(chain.flat()))).toHaveLength(chain.length)
        },
      ),
    )
  })
})

describe('Link header', () => {
  /** How an API may write the header, with a link to the next page among others. */
  const fields = fc.constantFrom<(next: string) => string | string[]>(
    (next) => `<${next}>; rel="next"`,
    (next) => `<?page=99>; rel="last", <${next}>; rel=next`,
    (next) => `<${next}>; title="a, b; rel=last"; REL="Next prefetch", <?page=99>; rel="last"`,
    (next) => ['<?page=0>; rel="self"', `<${next}>;rel="next"`],
  )

  test('reads every page once, however the header is written, also past empty pages', () => {
    fc.assert(
      fc.property(chains, links, fields, (chain, link, field) => {
        const api: Api = (request) => {
          const index = pageOf(request)
          const header = index === chain.length - 1 ? '<?page=0>; rel="first"' : field(link(index + 1))
          return pageView(chain[index]!, { url: request.url, headers: { link: header } })
        }
        expect(readsEverythingOnce(createPaginator(linkHeader()), api, ids(chain.flat()))).toHaveLength(
          chain.length,
        )
      }),
    )
  })
})

describe('keyset', () => {
  test('reads everything once in either direction, with pages in either order, cut short or not', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.bigInt({ min: 0n, max: 10n ** 21n }), { maxLength: 40 }),
        sizes,
        cuts,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (keys, value, cut, ascending, sorted, flagged) => {
          const direction = ascending ? 1 : -1
          const ordered = keys.sort((a, b) => (a < b ? -direction : direction))
          const api: Api = (request) => {
            const at = request.query['after']
            const from = at === undefined ? 0 : ordered.indexOf(BigInt(String(at))) + 1
            const until = from + Math.max(1, value - cut[from % cut.length]!)
            const page = ordered.slice(from, until)
            return pageView({
              data: (sorted ? page : page.reverse()).map((id) => ({ id: String(id) })),
              has_more: until < ordered.length,
            })
          }
          const pick = sorted ? 'last' : ascending ? 'max' : 'min'
          const paginator = createPaginator(
            keyset({ param: 'after', pick, ...(flagged ? { more: 'has_more' } : {}) }),
          )
          const pages = readPages(paginator, api)
          expect(idsOf(pages).sort()).toEqual(ordered.map(String).sort())
          readsEverythingOnce(paginator, api, idsOf(pages))
        },
      ),
    )
  })

  test('may end at a short page where pages are full', () => {
    fc.assert(
      fc.property(lengths, sizes, (length, value) => {
        const rows = list(length)
        const api: Api = (request) => {
          const from = request.query['after'] === undefined ? 0 : parameter(request, 'after') + 1
          return pageView(rows.slice(from, from + parameter(request, 'limit')))
        }
        const options = keyset({ param: 'after', size: { param: 'limit', value }, lastPage: 'short' })
        const pages = readsEverythingOnce(createPaginator(options), api, ids(rows))
        expect(pages).toHaveLength(Math.floor(length / value) + 1)
      }),
    )
  })
})

describe('time', () => {
  const epochs = (second: number): Value => second
  const isoTimes = (second: number): Value => new Date(second * 1000).toISOString()
  const timelines = fc
    .array(fc.integer({ min: 0, max: 12 }), { maxLength: 40 })
    .map((times) => times.sort((a, b) => a - b).map((at, id) => ({ id, at })))

  /** Everything is read, or reading stops at more records of one time than a page holds (R5): it never skips. */
  function readsEverythingOrIsStuck(
    options: PaginatorOptions,
    api: Api,
    rows: readonly Row[],
    value: number,
  ): void {
    const paginator = createPaginator(options)
    const most = Math.max(0, ...rows.map(({ at }) => rows.filter((row) => row.at === at).length))
    let pages: ReadPage[]
    try {
      pages = readPages(paginator, api)
    } catch (error) {
      expect(error).toBeInstanceOf(PaginationStuckError)
      expect(most).toBeGreaterThanOrEqual(value)
      return
    }
    expect([...new Set(idsOf(pages))].sort()).toEqual(ids(rows as Row[]).sort())
    pages.forEach(({ position }, index) => {
      if (position === undefined) return
      expect(idsOf(readPages(paginator, api, { from: position }))).toEqual(idsOf(pages.slice(index)))
    })
  }

  test('reads everything by the greatest time of the page, or is stuck (R5)', () => {
    fc.assert(
      fc.property(
        timelines,
        sizes,
        fc.constantFrom(epochs, isoTimes),
        fc.constantFrom<object>({}, { lastPage: 'short' }, { more: 'more' }),
        (rows, value, write, ends) => {
          const api: Api = (request) => {
            const since = request.query['since']
            const all = rows.filter(
              ({ at }) =>
                since === undefined ||
                at >= (typeof since === 'string' ? Date.parse(since) / 1000 : Number(since)),
            )
            return pageView({
              data: all.slice(0, value).map(({ id, at }) => ({ id, at: write(at) })),
              more: all.length > value,
            })
          }
          readsEverythingOrIsStuck(
            time({ param: 'since', field: 'at', size: { param: 'limit', value }, ...ends }),
            api,
            rows,
            value,
          )
        },
      ),
    )
  })

  test('reads everything by the end time of the page, or is stuck (R5)', () => {
    fc.assert(
      fc.property(timelines, sizes, (rows, value) => {
        const api: Api = (request) => {
          const since = request.query['start_time'] === undefined ? 0 : parameter(request, 'start_time')
          const all = rows.filter(({ at }) => at >= since)
          const data = all.slice(0, value)
          return pageView({ data, end_time: data.at(-1)?.at ?? null, end_of_stream: all.length <= value })
        }
        readsEverythingOrIsStuck(
          time({ param: 'start_time', endTime: 'end_time', more: '!end_of_stream' }),
          api,
          rows,
          value,
        )
      }),
    )
  })
})
