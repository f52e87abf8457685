// Properties of the kinds that go on from a record's value: keyset and time.
// Against simulated APIs that nobody writes to: whatever the list, the page size and the API's manners, everything is read once and
// reading ends; from any stored position exactly the rest is read.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonRecord, Value } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { checkPaginator } from '../testing/check-paginator.ts'
import { pageView, type ReadPage, readPages } from '../testing/pages.ts'
import { keyset } from './keyset.ts'
import { createPaginator, type PaginatorOptions } from './options.ts'
import { type PageView, PaginationStuckError } from './paginator.ts'
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
          checkPaginator(
            paginator,
            api,
            pages.flatMap(({ page }) => page.records),
          )
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
        const pages = checkPaginator(createPaginator(options), api, rows)
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
