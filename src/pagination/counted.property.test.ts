// Properties of the kinds that count: offset and page number.
// Against simulated APIs that nobody writes to: whatever the list, the page size and the API's manners, everything is read once and
// reading ends; from any stored position exactly the rest is read; side by side the same is read.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonRecord } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { checkPaginator } from '../testing/check-paginator.ts'
import { listRequest, pageView, type ReadPage, readPages } from '../testing/pages.ts'
import { offset } from './offset.ts'
import { createPaginator } from './options.ts'
import { pageNumber } from './page-number.ts'
import type { PageView } from './paginator.ts'

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
          checkPaginator(paginator, api, rows)
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
        checkPaginator(paginator, api, rows, { sideBySide: true })
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
        const pages = checkPaginator(paginator, api, rows)
        expect(pages).toHaveLength(Math.floor(length / value) + 1)
      }),
    )
  })
})

describe('page number', () => {
  // PEERS: dlt paginator page_number.stop_after_empty_page
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
          const named = paginator.all?.(api(paginator.request(listRequest, undefined)))
          checkPaginator(paginator, api, rows, { sideBySide: named !== undefined })
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
