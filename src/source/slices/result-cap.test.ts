import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pageNumber } from '../../pagination/page-number.ts'
import type { Value } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import type { RestOptions } from '../rest-options.ts'
import { Crash, runOnce, scriptedClient, streamsOf, Warehouse } from '../testing/scripted-client.ts'
import { resultCount } from './result-cap.ts'

type StreamInput = RestOptions['streams'][string]

const second = 1000
const start = Date.parse('2026-01-01T00:00:00Z')

interface SearchOptions {
  /** Seconds after the start, one for each record. */
  readonly times: readonly number[]
  readonly cap: number
  readonly size: number
  /** What the API does past its cap. */
  readonly past: 'stops' | 'refuses'
  readonly counts?: boolean
  readonly window?: string
}

/** Search: pages by number, a range of seconds `from` (inclusive) `to` (exclusive), and never more than `cap` results. */
function search({ times, cap, size, past, counts = false, window = '1d' }: SearchOptions) {
  const client = scriptedClient((request) => {
    const { query } = request
    const within = times
      .map((at, id) => ({ id, at: start / second + at }))
      .filter(({ at }) => at >= Number(query['from']) && at < Number(query['to']))
    const first = (Number(query['page'] ?? 1) - 1) * size
    if (past === 'refuses' && first >= cap) return tooDeep(request)
    const items = within.slice(first, Math.min(first + size, cap))
    return { body: { items, ...(counts && { total_count: within.length }) } }
  })
  const clock = fakeClock({ start: start + 2 * 86_400_000 })
  const tickets: StreamInput = {
    path: 'search',
    records: 'items',
    query: { from: '{slice.from}', to: '{slice.to}' },
    paginate: pageNumber({
      param: 'page',
      first: 1,
      size: { param: 'per_page', value: size },
      // A page past the cap is refused, so that none is asked for to see that it is empty.
      lastPage: past === 'refuses' ? 'short' : 'empty',
    }),
    key: 'id',
    slices: {
      by: 'time',
      size: window,
      start: '2026-01-01',
      from: { format: 'epoch' },
      to: { format: 'epoch', inclusive: false },
      cap,
      ...(counts && { total: 'total_count' }),
    },
  }
  const { tickets: stream } = streamsOf('desk', { tickets }, client, clock)
  return { client, stream, warehouse: new Warehouse() }
}

function tooDeep({ url }: RequestSpec): Error {
  return new Error(`${url} answered 422: the result window is too deep`)
}

/** `count` times, spread evenly over a day. */
const spread = (count: number) =>
  Array.from({ length: count }, (_, index) => Math.floor((index * 86_400) / count))

describe('lists that stop at a number of results', () => {
  // PEERS: Airbyte PaginationReset
  test('Zendesk: search at 1,000, refused past that; every window is halved until it fits', async () => {
    const { stream, warehouse, client } = search({
      times: spread(3500),
      cap: 1000,
      size: 100,
      past: 'refuses',
    })
    await runOnce(stream, warehouse)
    expect(warehouse.rows.size).toBe(3500)
    expect(client.requests.length).toBeLessThan(100)
    expect(warehouse.progress.size).toBe(2)
  })

  test('GitHub: with a total in the body a window that is too full is known by its first page, and nothing is loaded twice', async () => {
    const { stream, warehouse, client } = search({
      times: spread(3500),
      cap: 1000,
      size: 100,
      past: 'stops',
      counts: true,
    })
    await runOnce(stream, warehouse)
    expect(warehouse.rows.size).toBe(3500)
    expect(warehouse.received).toBe(3500)
    // 35 full pages, those at the end of each part, and one look at each part that was too full.
    expect(client.requests.length).toBeLessThan(55)
  })

  test('HubSpot and Notion: at 10,000 the list just ends', async () => {
    const { stream, warehouse } = search({ times: spread(25_000), cap: 10_000, size: 1000, past: 'stops' })
    await runOnce(stream, warehouse)
    expect(warehouse.rows.size).toBe(25_000)
  })

  // PEERS: Airbyte PaginationResetLimits
  test('a window with fewer results is read as it is, with as many requests as without a cap', async () => {
    const { stream, warehouse, client } = search({ times: spread(50), cap: 1000, size: 100, past: 'stops' })
    await runOnce(stream, warehouse)
    expect(client.requests.filter(({ query }) => query['page'] === 1)).toHaveLength(2)
    expect(warehouse.received).toBe(50)
  })

  test('R5: a window that can’t shrink stops with an error that says what to change', async () => {
    const times = [...spread(20), ...Array.from({ length: 15 }, () => 40_000)]
    const { stream, warehouse } = search({ times, cap: 10, size: 5, past: 'stops' })
    await expect(runOnce(stream, warehouse)).rejects.toThrow(
      'desk.tickets: from 2026-01-01T11:06:40Z to 2026-01-01T11:06:41Z there are 10 results or more, at which the API stops, and the formats of `slices.from` and `slices.to` can say no shorter time; reading on would skip records. Use a finer `format`, or cut the stream by something else first, as in `slices: [{ by: list, … }, { by: time, … }]`',
    )
    // What lies before is there, and the window is not done.
    expect(warehouse.progress.get('2026-01-01T00:00:00Z')!.position).not.toBeNull()
  })

  test('the window keeps its key, and its position says how far the halving went', async () => {
    const { stream, warehouse } = search({ times: spread(25), cap: 10, size: 5, past: 'stops' })
    await expect(runOnce(stream, warehouse, { crashAfterPages: 3 })).rejects.toThrow(Crash)
    const stored = warehouse.progress.get('2026-01-01T00:00:00Z')!
    expect(stored.highWater).toBeNull()
    expect(stored.position).toMatchObject({
      since: expect.any(Number),
      end: expect.any(Number),
      read: expect.any(Number),
    })
    expect(await runOnce(stream, warehouse)).toEqual(['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'])
    expect(warehouse.rows.size).toBe(25)
  })

  test('what was read before an interruption counts towards the cap', async () => {
    // The list ends without a word at 10: a run that goes on after 8 must not take two more for all there is.
    const { stream, warehouse } = search({ times: spread(14), cap: 10, size: 4, past: 'stops' })
    await expect(runOnce(stream, warehouse, { crashAfterPages: 2 })).rejects.toThrow(Crash)
    await runOnce(stream, warehouse)
    expect(warehouse.rows.size).toBe(14)
  })

  // PEERS: Airbyte PaginationReset
  test('any times, cap and page size: everything is read, whatever was cut short; with a total each record once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 2 * 86_400 - 1 }), { maxLength: 60 }),
        fc.integer({ min: 4, max: 15 }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom<'stops' | 'refuses'>('stops', 'refuses'),
        fc.boolean(),
        fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
        async (times, cap, size, past, counts, crashAfterPages) => {
          const perSecond = new Map<number, number>()
          for (const at of times) perSecond.set(at, (perSecond.get(at) ?? 0) + 1)
          fc.pre([...perSecond.values()].every((count) => count < cap))
          const { stream, warehouse } = search({ times, cap: Math.max(cap, size), size, past, counts })
          await runOnce(stream, warehouse, crashAfterPages === undefined ? {} : { crashAfterPages }).catch(
            (error) => {
              if (!(error instanceof Crash)) throw error
            },
          )
          await runOnce(stream, warehouse)
          expect(warehouse.rows.size).toBe(times.length)
          if (counts && crashAfterPages === undefined) expect(warehouse.received).toBe(times.length)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a total that is none', () => {
  const told = (body: Value, seen: number[] = [2]) => {
    const warnings: string[] = []
    const count = resultCount('total_count', (message) => warnings.push(message))
    return { counts: seen.map((each) => count(body, each)), warnings }
  }
  const rest =
    ': windows are cut by the records that come alone. Name the place of the number of all results, or leave `total` out'

  test.each<[string, Value, string]>([
    ['an object', { total_count: { value: 5 } }, 'holds {"value":5}, which is no count'],
    ['nothing', { total: 5 }, 'leads to nothing'],
    ['a text that is no number', { total_count: '5+' }, 'holds "5+", which is no count'],
    ["a page's own count", { total_count: 1 }, 'holds 1, and 2 records were read'],
  ])('is warned of once: %s', (_, body, problem) => {
    expect(told(body, [2, 2]).warnings).toEqual([`\`slices.total: total_count\` ${problem}${rest}`])
  })

  test('is not what a number, a number in a text or an empty list without one is', () => {
    expect(told({ total_count: 5 })).toEqual({ counts: [5], warnings: [] })
    expect(told({ total_count: '5' })).toEqual({ counts: [5], warnings: [] })
    expect(told({}, [0])).toEqual({ counts: [0], warnings: [] })
  })
})
