import { describe, expect, test } from 'vitest'
import { LongDecimal, type Value } from '../ports/json.ts'
import { listRequest, pageView, readPages } from '../testing/pages.ts'
import { type KeysetOptions, keyset, keysetPaginator } from './keyset.ts'
import { PaginationInvalidError, PaginationLoopError, PaginationStuckError } from './paginator.ts'

const rows = (...ids: Value[]) => ids.map((id) => ({ id }))
const size = { param: 'limit', value: 2 }

/** Reads pages of the given bodies, one after the other; gives the values that were asked for. */
function values(options: Partial<KeysetOptions>, bodies: readonly Value[]): unknown[] {
  const script = bodies.values()
  const read = readPages(keysetPaginator(keyset({ param: 'after', ...options })), () => {
    const { value, done } = script.next()
    if (done) throw new Error(`asked for more than ${bodies.length} pages`)
    return pageView(value)
  })
  return read.map(({ request }) => request.query['after'])
}

describe('a keyset list', () => {
  test.each<[string, Partial<KeysetOptions>, Value[], unknown[]]>([
    ['ends at an empty page (GitLab)', {}, [rows(1, 2), rows(3), rows()], [undefined, 2, 3]],
    [
      'ends at a short page where the config says so (Discord)',
      { size, lastPage: 'short' },
      [rows('a', 'b'), rows('c')],
      [undefined, 'b'],
    ],
    [
      'ends where has_more is false (Stripe)',
      { more: 'has_more' },
      [
        { data: rows('ch_9', 'ch_8'), has_more: true },
        { data: rows('ch_7'), has_more: false },
      ],
      [undefined, 'ch_8'],
    ],
    [
      'goes on past a short page whose flag says so',
      { more: 'has_more', size, lastPage: 'short' },
      [
        { data: rows('b'), has_more: true },
        { data: rows('a'), has_more: false },
      ],
      [undefined, 'b'],
    ],
    [
      'leaves it to the page where the flag is missing',
      { more: 'has_more' },
      [{ data: rows('b') }, { data: [] }],
      [undefined, 'b'],
    ],
    [
      'goes on behind the greatest value (Discord after)',
      { pick: 'max' },
      [rows('999', '1000', '998'), rows('1001'), []],
      [undefined, '1000', '1001'],
    ],
    [
      'goes on below the least value (Discord before)',
      { pick: 'min' },
      [rows('1000', '999', '1001'), rows('98'), []],
      [undefined, '999', '98'],
    ],
    ['reads the field at a path', { field: 'node.key' }, [[{ node: { key: 'x' } }], []], [undefined, 'x']],
    [
      'goes on behind a time (Discord archived threads)',
      { field: 'at', pick: 'min' },
      [[{ at: '2024-01-02T00:00:00+00:00' }, { at: '2024-01-01T00:00:00.5+00:00' }], []],
      [undefined, '2024-01-01T00:00:00.5+00:00'],
    ],
    [
      'keeps the digits of a long id (R4)',
      {},
      [rows(12345678901234567890n), rows(new LongDecimal('1.00000000000000000001')), []],
      [undefined, '12345678901234567890', '1.00000000000000000001'],
    ],
  ])('%s', (_name, options, bodies, asked) => {
    expect(values(options, bodies)).toEqual(asked)
  })

  test('whose last record repeats stops with an error (R1)', () => {
    expect(() => values({}, [rows(1, 2), rows(1, 2)])).toThrow(PaginationLoopError)
    expect(() => values({}, [rows(1, 2), rows(1, 2)])).toThrow(
      'https://api.example.com/items: the page behind id = 2 leads on to id = 2; reading on would never end.',
    )
  })

  test('that moves against its direction stops with an error (R1)', () => {
    expect(() => values({ pick: 'max' }, [rows(9), rows(8)])).toThrow(
      'the page behind id = 9 leads on to id = 8',
    )
    expect(() => values({ pick: 'min' }, [rows('8'), rows('10')])).toThrow(
      'the page behind id = "8" leads on to id = "10"',
    )
  })

  test.each(['max', 'min'] as const)('that stands still at its %s stops with an error (R1)', (pick) => {
    expect(() => values({ pick }, [rows('9'), rows('9')])).toThrow(PaginationLoopError)
    expect(() => values({ pick }, [rows('9'), rows('9')])).toThrow(
      'the page behind id = "9" leads on to id = "9"',
    )
  })

  test('whose last record lacks the field stops with an error', () => {
    const read = () => values({ field: 'uid' }, [[{ uid: 1 }, { id: 2, name: 'x' }]])
    expect(read).toThrow(PaginationInvalidError)
    expect(read).toThrow(
      `the last record has no text or number at uid, so the next page can't be asked for; the last record has the fields ["id","name"]`,
    )
    expect(() => values({ field: 'uid', pick: 'max' }, [[{ id: 2 }]])).toThrow(
      'no record has a text or number at uid',
    )
  })

  test('that says more under an empty page stops with an error (R5)', () => {
    const read = () => values({ more: 'has_more' }, [{ data: [], has_more: true }])
    expect(read).toThrow(PaginationStuckError)
    expect(read).toThrow(
      'has_more says that there are more pages, but this one has no record to go on from; leave `more` out, to end at the first empty page, or use the paginator "cursor" if the API names the next page',
    )
  })
})

test('a keyset request carries the page size, and the value from the second page on', () => {
  const { request } = keysetPaginator(keyset({ param: 'starting_after', size }))
  expect(request(listRequest, undefined).query).toEqual({ limit: 2 })
  expect(request(listRequest, 'ch_8').query).toEqual({ limit: 2, starting_after: 'ch_8' })
  expect(() => request(listRequest, [] as never)).toThrow(
    'the stored position [] is none of the paginator "keyset", which stores text or a number',
  )
})

test('a number stays a number in a JSON body', () => {
  const { request } = keysetPaginator(keyset({ param: { body: 'after' } }))
  expect(request(listRequest, 7).body).toEqual({ after: 7 })
})

test('reading against the order of the pages goes on from the first record (Stripe ending_before)', () => {
  const api: Record<string, Value> = {
    undefined: { data: rows('ch_2', 'ch_1'), has_more: true },
    ch_2: { data: rows('ch_4', 'ch_3'), has_more: true },
    ch_4: { data: rows('ch_5'), has_more: false },
  }
  const paginator = keysetPaginator(keyset({ param: 'ending_before', pick: 'first', more: 'has_more' }))
  const pages = readPages(paginator, ({ query }) => pageView(api[String(query['ending_before'])]))
  expect(pages.map(({ position }) => position)).toEqual([undefined, 'ch_2', 'ch_4'])
  const stuck = pageView({ data: rows('ch_4'), has_more: true })
  expect(() => paginator.next(stuck, 'ch_4')).toThrow(PaginationLoopError)
  expect(() => paginator.next(pageView({ data: [{ a: 1 }], has_more: true }), 'ch_4')).toThrow(
    'the first record has no text or number at id',
  )
})
