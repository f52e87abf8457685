// Of lists that nobody writes to: whatever the API's manners, each record is handed on once, in order, and reading ends.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PaginatorOptions } from '../../pagination/options.ts'
import type { JsonRecord } from '../../ports/json.ts'
import { runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'

type Page = (skipped: number, length: number) => object

async function read(paginate: PaginatorOptions, page: Page, crashAfterPages?: number) {
  const client = scriptedClient(({ query }) => {
    const length = Number(query['limit'] ?? 100)
    const skipped =
      query['page'] === undefined ? Number(query['offset']) : (Number(query['page']) - 1) * length
    return { body: page(skipped, length) }
  })
  const stream = streamOf('api', 'items', { path: 'items', records: 'items', key: 'id', paginate }, client)
  const warehouse = new Warehouse()
  if (crashAfterPages !== undefined) await runOnce(stream, warehouse, { crashAfterPages }).catch(() => {})
  await runOnce(stream, warehouse)
  return {
    ids: warehouse.pages.flatMap(({ records }) => records.map(({ id }) => id)),
    requests: client.requests.length,
  }
}

const list = (length: number): JsonRecord[] => Array.from({ length }, (_, id) => ({ id }))
const ids = (length: number) => Array.from({ length }, (_, id) => id)
const lengths = fc.integer({ min: 0, max: 60 })
const sizes = fc.integer({ min: 1, max: 8 })
const cuts = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 5 })
const says = fc.constantFrom('nothing', 'total', 'more')

test('by offset, at an API that allows smaller pages and cuts them short, down to one record', async () => {
  await fc.assert(
    fc.asyncProperty(
      lengths,
      sizes,
      sizes,
      cuts,
      says,
      fc.boolean(),
      async (length, value, allowed, cut, told, sized) => {
        const rows = list(length)
        const page: Page = (skipped, asked) => {
          const most = Math.max(1, Math.min(asked, allowed) - cut[skipped % cut.length]!)
          const items = rows.slice(skipped, skipped + most)
          return { items, total: length, more: skipped + items.length < length }
        }
        const { ids: read_ } = await read(
          {
            type: 'offset',
            overlap: 'anchor',
            ...(sized && { size: { param: 'limit', value } }),
            ...(told === 'total' && { total: 'total' }),
            ...(told === 'more' && { more: 'more' }),
          },
          page,
        )
        expect(read_).toEqual(ids(length))
      },
    ),
  )
})

test('by offset, at an API that counts records which it does not show', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 50 }),
      fc.integer({ min: 2, max: 8 }),
      fc.boolean(),
      async (shown, value, flagged) => {
        const rows = list(shown.length)
        const page: Page = (skipped, asked) => ({
          items: rows.slice(skipped, skipped + asked).filter(({ id }) => shown[id as number]),
          total: shown.length,
          more: skipped + asked < shown.length,
        })
        const size = { param: 'limit', value }
        const { ids: read_ } = await read(
          { type: 'offset', overlap: 'anchor', size, ...(flagged ? { more: 'more' } : { total: 'total' }) },
          page,
        )
        expect(read_).toEqual(ids(shown.length).filter((id) => shown[id]))
      },
    ),
  )
})

test('by page number, at an API that allows smaller pages than asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 20, max: 40 }),
      fc.integer({ min: 20, max: 40 }),
      fc.constantFrom('nothing', 'totalRecords', 'totalPages', 'more'),
      async (length, value, allowed, told) => {
        const rows = list(length)
        const page: Page = (skipped, asked) => {
          const most = Math.min(asked, allowed)
          const from = (skipped / asked) * most
          return {
            items: rows.slice(from, from + most),
            totalRecords: length,
            totalPages: Math.ceil(length / most),
            more: from + most < length,
          }
        }
        const { ids: read_ } = await read(
          {
            type: 'page-number',
            overlap: 'anchor',
            size: { param: 'limit', value },
            ...(told !== 'nothing' && { [told]: told }),
          },
          page,
        )
        expect(read_).toEqual(ids(length))
      },
    ),
  )
})

test('C4: from any stored position the rest is read, and nothing of what was', async () => {
  await fc.assert(
    fc.asyncProperty(
      lengths,
      fc.integer({ min: 2, max: 8 }),
      fc.integer({ min: 1, max: 9 }),
      says,
      async (length, value, crash, told) => {
        const rows = list(length)
        const page: Page = (skipped, asked) => ({
          items: rows.slice(skipped, skipped + asked),
          total: length,
          more: skipped + asked < length,
        })
        const { ids: read_ } = await read(
          {
            type: 'offset',
            overlap: 'anchor',
            size: { param: 'limit', value },
            ...(told === 'total' && { total: 'total' }),
            ...(told === 'more' && { more: 'more' }),
          },
          page,
          crash,
        )
        // A run that died behind the last page reads the whole list once more.
        expect([...new Set(read_)]).toEqual(ids(length))
        expect([length, 2 * length]).toContain(read_.length)
      },
    ),
  )
})

test('the cost without change is one record a page, and of pages by number a share that falls with their size', async () => {
  const requests = async (paginate: PaginatorOptions, length: number) => {
    const rows = list(length)
    const page: Page = (skipped, asked) => ({ items: rows.slice(skipped, skipped + asked), total: length })
    return (await read(paginate, page)).requests
  }
  const offset = (value: number) =>
    ({ type: 'offset', size: { param: 'limit', value }, total: 'total' }) as const
  const numbered = (value: number, overlap: 'anchor' | 'none') =>
    ({ type: 'page-number', size: { param: 'limit', value }, totalRecords: 'total', overlap }) as const
  expect(await requests(offset(100), 9901)).toBe(100)
  expect(await requests({ ...offset(100), overlap: 'none' }, 9901)).toBe(100)
  expect(await requests(numbered(100, 'none'), 10_000)).toBe(100)
  expect(await requests(numbered(100, 'anchor'), 10_000)).toBeLessThanOrEqual(115)
  expect(await requests(numbered(1000, 'none'), 100_000)).toBe(100)
  expect(await requests(numbered(1000, 'anchor'), 100_000)).toBeLessThanOrEqual(106)
})
