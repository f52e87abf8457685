import { describe, expect, test } from 'vitest'
import type { Value } from '../ports/json.ts'
import { listRequest, pageView, readPages } from '../testing/pages.ts'
import { PaginationInvalidError, PaginationLoopError, PaginationStuckError } from './paginator.ts'
import { type TimeOptions, time, timePaginator } from './time.ts'

const rows = (...times: Value[]) => times.map((at, id) => ({ id, at }))
const size = { param: 'limit', value: 2 }
const byField = { field: 'at', size }
const byEnd = { endTime: 'end_time', more: '!end_of_stream' }

/** Reads pages of the given bodies, one after the other; gives the times that were asked for. */
function times(options: Omit<TimeOptions, 'type' | 'param'>, bodies: readonly Value[]): unknown[] {
  const script = bodies.values()
  const read = readPages(timePaginator(time({ param: 'since', ...options })), () => {
    const { value, done } = script.next()
    if (done) throw new Error(`asked for more than ${bodies.length} pages`)
    return pageView(value)
  })
  return read.map(({ request }) => request.query['since'])
}

describe('a list by time', () => {
  test.each<[string, Omit<TimeOptions, 'type' | 'param'>, Value[], unknown[]]>([
    [
      'starts each page at the greatest time of the one before, inclusive',
      byField,
      [rows(1, 5), rows(5, 7), rows(7)],
      [undefined, 5, 7],
    ],
    ['takes the greatest time, not the last', byField, [rows(5, 1), rows(5)], [undefined, 5]],
    [
      'compares times by instant',
      byField,
      [rows('2024-01-01T02:00:00+02:00', '2024-01-01T00:30:00Z'), rows('2024-01-01T00:30:00Z')],
      [undefined, '2024-01-01T00:30:00Z'],
    ],
    ['ends at an empty page', byField, [rows()], [undefined]],
    ['ends at a page with nothing later that has room left', byField, [rows(1, 5), rows(5)], [undefined, 5]],
    ['reads on past short pages by itself', byField, [rows(1), rows(1, 2), rows(2)], [undefined, 1, 2]],
    [
      'ends at a short page where the config says so',
      { ...byField, lastPage: 'short' },
      [rows(1, 2), rows(2)],
      [undefined, 2],
    ],
    ['passes over records without a time', byField, [[{ at: null }, { at: 3 }, {}], rows(3)], [undefined, 3]],
    [
      'starts at the end time that the page names (Zendesk)',
      byEnd,
      [
        { end_time: 5, end_of_stream: false },
        { end_time: 9, end_of_stream: true },
      ],
      [undefined, 5],
    ],
    [
      'goes on past an empty page with an end time',
      byEnd,
      [
        { data: [], end_time: 5, end_of_stream: false },
        { data: [], end_time: 6, end_of_stream: false },
        { end_of_stream: true },
      ],
      [undefined, 5, 6],
    ],
    [
      'ends where the flag says so, though the page is full of its own start',
      { ...byField, more: 'more' },
      [
        { data: rows(5, 5), more: true },
        { data: rows(5, 5), more: false },
      ],
      [undefined, 5],
    ],
  ])('%s', (_name, options, bodies, asked) => {
    expect(times(options, bodies)).toEqual(asked)
  })

  test('is stuck at a full page of its own start (R5)', () => {
    const read = () => times(byField, [rows(1, 5), rows(5, 5)])
    expect(read).toThrow(PaginationStuckError)
    expect(read).toThrow(
      'https://api.example.com/items: all 2 records of the page share the time 5, at which it starts, and more may follow; raise `size.value` until one page holds all records of one time, or use another paginator ("cursor", "keyset"), which needs no times',
    )
  })

  test('is stuck at a page that says more but names its own start (R5)', () => {
    expect(() =>
      times(byEnd, [
        { data: rows(5), end_time: 5, end_of_stream: false },
        { data: rows(5), end_time: 5, end_of_stream: false },
      ]),
    ).toThrow(
      'end_time is 5, at which this page of 1 records starts itself, and more may follow; raise `size.value`',
    )
  })

  test('is stuck at an empty page that says more (R5)', () => {
    const read = () => times({ field: 'at', more: 'more' }, [{ data: [], more: true }])
    expect(read).toThrow(PaginationStuckError)
    expect(read).toThrow(
      'more says that there are more pages, but this one is empty, so there is no time to go on from; raise',
    )
  })

  test('that goes back in time stops with an error (R1)', () => {
    expect(() => times(byField, [rows(5), rows(4)])).toThrow(PaginationLoopError)
    expect(() => times(byField, [rows(5), rows(4)])).toThrow('the page that starts at 5 leads back to at = 4')
  })

  test('whose records hold no time stops with an error', () => {
    expect(() => times({ field: 'when', size }, [rows(1, 2)])).toThrow(PaginationInvalidError)
    expect(() => times({ field: 'when', size }, [rows(1, 2)])).toThrow(
      'no record has a text or number at when, so the next page can\'t be asked for; the last record has the fields ["id","at"]',
    )
    expect(() => times(byEnd, [{ data: rows(1), end_of_stream: false }])).toThrow(
      'the page has no text or number at end_time',
    )
  })
})

test('the position persists where the config says so', () => {
  const paginator = timePaginator(time({ ...byEnd, param: 'start_time', persist: true }))
  const last = pageView({ data: rows(9), end_time: 9, end_of_stream: true })
  expect(paginator.next(last, 5)).toBeUndefined()
  expect(paginator.resume?.(last, 5)).toBe(9)
  expect(paginator.resume?.(pageView({ data: [], end_time: null, end_of_stream: true }), 5)).toBe(5)
  expect(timePaginator(time({ ...byEnd, param: 'start_time' })).resume).toBeUndefined()
})

test('a time request leaves the first start to the stream', () => {
  const { request } = timePaginator(time({ ...byField, param: 'since' }))
  expect(request({ ...listRequest, query: { since: 0 } }, undefined).query).toEqual({ since: 0, limit: 2 })
  expect(request({ ...listRequest, query: { since: 0 } }, 5).query).toEqual({ since: 5, limit: 2 })
})
