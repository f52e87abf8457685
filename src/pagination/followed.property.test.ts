// Properties of the kinds that follow what the API names: cursor, next URL and Link header.
// Against simulated APIs that nobody writes to: whatever the list, the page size and the API's manners, everything is read once and
// reading ends; from any stored position exactly the rest is read.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonRecord, Value } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { checkPaginator } from '../testing/check-paginator.ts'
import { listRequest, pageView, type ReadPage, readPages } from '../testing/pages.ts'
import { cursor } from './cursor.ts'
import { linkHeader } from './link-header.ts'
import { nextUrl } from './next-url.ts'
import { createPaginator } from './options.ts'
import type { PageView } from './paginator.ts'

type Row = { id: number; at: number }
type Api = (request: RequestSpec) => PageView

const sizes = fc.integer({ min: 1, max: 7 })
const lengths = fc.integer({ min: 0, max: 40 })

const list = (length: number): Row[] => Array.from({ length }, (_, id) => ({ id, at: id }))
const ids = (records: readonly JsonRecord[]) => records.map((record) => record['id'])
const idsOf = (pages: readonly ReadPage[]) => pages.flatMap(({ page }) => ids(page.records))

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

  // PEERS: dlt paginator cursor.stop_after_empty_page
  // PEERS: dlt test_paginators cursor and empty page
  // PEERS: dlt test_paginators header cursor
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
          expect(checkPaginator(paginator, api, chain.flat())).toHaveLength(chain.length)
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
          expect(checkPaginator(paginator, api, chain.flat())).toHaveLength(chain.length)
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
        expect(checkPaginator(createPaginator(linkHeader()), api, chain.flat())).toHaveLength(chain.length)
      }),
    )
  })
})
