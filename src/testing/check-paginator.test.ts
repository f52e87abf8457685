import { describe, expect, test } from 'vitest'
import { offset, offsetPaginator } from '../pagination/offset.ts'
import type { Paginator } from '../pagination/paginator.ts'
import type { RequestSpec } from '../ports/request.ts'
import { checkPaginator } from './check-paginator.ts'
import { pageView } from './pages.ts'

const rows = [1, 2, 3, 4, 5].map((id) => ({ id }))
const api = (request: RequestSpec) => {
  const from = Number(request.query['offset'])
  return pageView({ data: rows.slice(from, from + 2), total: rows.length })
}
const sound: Paginator<number> = offsetPaginator(
  offset({ size: { param: 'limit', value: 2 }, total: 'total' }),
)
const check = (paginator: Paginator) => checkPaginator(paginator, api, rows)

describe('the check of a paginator', () => {
  test('gives the pages of a sound one', () => {
    expect(check(sound).map(({ position }) => position)).toEqual([undefined, 2, 4])
  })

  test('finds one that skips', () => {
    const skips: Paginator<number> = { ...sound, next: (page, at) => sound.next(page, (at ?? 0) + 1) }
    expect(() => check(skips)).toThrow('the list is not read once, in order')
  })

  test('finds one that does not end', () => {
    const endless: Paginator<number> = { ...sound, next: (_page, at = 0) => at + 2 }
    expect(() => check(endless)).toThrow('the paginator asks for more than 1000 pages')
  })

  test('finds one that holds state', () => {
    let pages = 0
    const stateful: Paginator<number> = {
      request: sound.request,
      next: () => (++pages * 2 < rows.length ? pages * 2 : undefined),
    }
    expect(() => check(stateful)).toThrow('page 0 leads elsewhere when asked again')
  })

  test('finds one whose stored position leads elsewhere', () => {
    const drifts: Paginator<{ from: number; seen: number }> = {
      request: (base, at) => ({ ...base, query: { offset: at?.from ?? 0 } }),
      // NaN becomes null in JSON.
      next: (page, at) => {
        const from = (at?.from ?? 0) + page.records.length
        return from < rows.length ? { from, seen: Number.NaN } : undefined
      },
    }
    expect(() => check(drifts as Paginator)).toThrow('page 0 leads elsewhere when asked again')
  })

  test('finds one that names wrong pages side by side', () => {
    const wrong = (all: Paginator<number>['all']) => () =>
      checkPaginator({ ...sound, all: all! }, api, rows, { sideBySide: true })
    expect(wrong(sound.all)).not.toThrow()
    expect(wrong(() => [2])).toThrow('the pages to read side by side are not those that follow')
    expect(wrong(() => [2, 5])).toThrow('the pages to read side by side are not those that follow')
    expect(wrong(() => [2, 4, 6])).toThrow('the pages to read side by side are not those that follow')
    expect(wrong(() => undefined)).toThrow('the pages to read side by side are not those that follow')
  })
})
