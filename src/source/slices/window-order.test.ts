import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { offset } from '../../pagination/offset.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import type { RestOptions } from '../rest-options.ts'
import { Crash, runOnce, scriptedClient, streamsOf, Warehouse } from '../testing/scripted-client.ts'

type Slicing = Extract<NonNullable<RestOptions['streams'][string]['slices']>, readonly unknown[]>[number]

const day = 86_400_000
const hour = 3_600_000
const at = (text: string) => Date.parse(text)

interface Setup {
  readonly start: string
  readonly now: string
  readonly lookback: string
  /** Requests that a run may send. */
  readonly budget: number
  /** Of records, the times in milliseconds. May grow. */
  readonly times?: number[]
  readonly pageSize?: number
  readonly outer?: readonly Slicing[]
}

/** A list by time, read by runs that are stopped as soon as they have sent so many requests. */
function budgeted({ start, now, lookback, budget, times = [], pageSize = 10, outer = [] }: Setup) {
  const clock = fakeClock({ start: at(now) })
  let left = budget
  const client = scriptedClient(({ query }) => {
    if (left-- === 0) return new Crash('the budget is spent')
    const ids = times.flatMap((time, id) =>
      time >= at(String(query['from'])) && time < at(String(query['to'])) ? [{ id }] : [],
    )
    const first = Number(query['offset'] ?? 0)
    return { body: ids.slice(first, first + pageSize) }
  })
  const { events: stream } = streamsOf(
    'web',
    {
      events: {
        path: 'events',
        query: outer.length === 0 ? {} : { site: '{slice.site}' },
        key: 'id',
        paginate: offset({ param: 'offset', size: { param: 'limit', value: pageSize }, lastPage: 'short' }),
        slices: [
          ...outer,
          {
            by: 'time',
            size: '1d',
            start,
            lookback,
            from: { param: 'from' },
            to: { param: 'to', inclusive: false },
          },
        ],
      },
    },
    client,
    clock,
  )
  const warehouse = new Warehouse()
  /** The windows that a run came to, as the days that they begin on. */
  async function run(requests = budget): Promise<readonly string[]> {
    left = requests
    const before = client.requests.length
    await runOnce(stream, warehouse).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error
    })
    const answered = client.requests.slice(before, before + requests)
    return answered.map(({ query }) =>
      [query['site'], String(query['from']).slice(5, 10)].filter(Boolean).join(' '),
    )
  }
  return { clock, client, warehouse, times, run }
}

const sites: Slicing = { by: 'list', name: 'site', values: ['a', 'b', 'c'] }

/** As `01-05`, for five days from there on. */
const days = (from: string, count: number) =>
  Array.from({ length: count }, (_, index) =>
    new Date(at(`2026-${from}`) + index * day).toISOString().slice(5, 10),
  )

describe('runs of ten requests a day', () => {
  test('read a list of 60 days to its end, although all but 30 of them are read again by each run', async () => {
    const { clock, run } = budgeted({ start: '2026-01-01', now: '2026-03-02', lookback: '30d', budget: 10 })
    for (const from of ['01-01', '01-11', '01-21', '01-31', '02-10', '02-20']) {
      expect(await run()).toEqual(days(from, 10))
      await clock.advance(day)
    }
    // What came meanwhile, and then what was read longest ago and can have got late records.
    expect(await run()).toEqual([...days('03-02', 6), ...days('02-03', 4)])
  })

  test('come to each day of the look-back in turn, the one that was read longest ago first, and are done with it one day', async () => {
    const { clock, run, warehouse, times } = budgeted({
      start: '2026-01-01',
      now: '2026-02-10',
      lookback: '20d',
      budget: 6,
    })
    for (let index = 0; index < 12; index++) {
      await run()
      await clock.advance(day)
    }
    const turns: string[] = []
    for (let index = 0; index < 12; index++) {
      const read = await run()
      // Yesterday, which is new, and five days of the look-back.
      const now = clock.now()
      const today = new Date(now).toISOString().slice(5, 10)
      const yesterday = new Date(now - day).toISOString().slice(5, 10)
      expect(read.slice(0, 1)).toEqual([yesterday])
      expect(read).not.toContain(today)
      turns.push(...read.slice(1))
      await clock.advance(day)
    }
    // Five turns a day for more than twenty days: none has its turn more often than every fourth day.
    const counts = [...new Set(turns)].map((one) => turns.filter((other) => other === one).length)
    expect(Math.max(...counts)).toBeLessThanOrEqual(3)
    expect(new Set(turns).size).toBeGreaterThan(20)
    // A record that comes late is found by the next turn.
    times.push(clock.now() - 5 * day)
    for (let index = 0; index < 6; index++) {
      await run()
      await clock.advance(day)
    }
    expect(warehouse.rows.size).toBe(1)
    const settled = [...warehouse.progress].filter(
      ([key, { highWater }]) => at(String(highWater)) === at(key) + day,
    )
    expect(settled.length).toBeGreaterThan(20)
  })

  test('come to each value of a list, although the first one has enough to read again for the whole budget', async () => {
    const { clock, run } = budgeted({
      start: '2026-01-01',
      now: '2026-01-11',
      lookback: '30d',
      budget: 10,
      outer: [sites],
    })
    const first = await run()
    expect(first).toEqual(days('01-01', 10).map((each) => `a ${each}`))
    expect(await run()).toEqual(days('01-01', 10).map((each) => `b ${each}`))
    expect(await run()).toEqual(days('01-01', 10).map((each) => `c ${each}`))
    await clock.advance(day)
    // A new day of each, then what was read again longest ago: of every value as old.
    expect(await run()).toEqual([
      'a 01-11',
      'b 01-11',
      'c 01-11',
      ...days('01-01', 7).map((each) => `a ${each}`),
    ])
    expect((await run()).slice(0, 4)).toEqual([...days('01-08', 3).map((each) => `a ${each}`), 'b 01-01'])
  })
})

test('a window that takes more requests than a run may send is read by several, and then gives way to those never read', async () => {
  const times = [1, 2, 3, 4, 5, 6, 7].map((minute) => at('2026-01-01') + minute * 60_000)
  const { run, warehouse } = budgeted({
    start: '2026-01-01',
    now: '2026-01-04',
    lookback: '30d',
    budget: 3,
    times,
    pageSize: 2,
  })
  expect(await run()).toEqual(['01-01', '01-01', '01-01'])
  // The rest of it. What may have come since the first run is read at once, as far as the budget goes …
  expect(await run()).toEqual(['01-01', '01-01', '01-01'])
  expect(warehouse.rows.size).toBe(7)
  // … and otherwise when all else was read.
  expect((await run()).slice(0, 2)).toEqual(['01-02', '01-03'])
})

test('property: C5, C6: under any budget each run reads something new if there is any, and nothing that comes within the look-back is lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ ofHour: fc.integer({ min: 0, max: 240 }), lateBy: fc.integer({ min: 0, max: 48 }) }),
        { maxLength: 30 },
      ),
      fc.array(fc.record({ wait: fc.integer({ min: 0, max: 30 }), budget: fc.integer({ min: 1, max: 5 }) }), {
        maxLength: 25,
      }),
      fc.constantFrom('0s', '1d', '4d'),
      fc.boolean(),
      async (records, runs, lookback, inLists) => {
        const start = at('2026-01-01')
        const lateness = lookback === '0s' ? 0 : Math.min(48, 24 * Number(lookback[0]))
        const waiting = records.map(({ ofHour, lateBy }) => {
          const time = start + ofHour * hour
          return { time, visible: time + Math.min(lateBy, lateness) * hour }
        })
        const times: number[] = []
        const { clock, run, warehouse } = budgeted({
          start: '2026-01-01',
          now: '2026-01-06',
          lookback,
          budget: 1,
          times,
          // A page has room for all: a window is one request.
          pageSize: 100,
          outer: inLists ? [sites] : [],
        })
        const show = () => {
          for (const one of waiting.splice(0)) {
            if (one.visible <= clock.now()) times.push(one.time)
            else waiting.push(one)
          }
        }
        const marks = new Map<string, number>()
        for (const { wait, budget } of [...runs, { wait: 400, budget: 1000 }]) {
          await clock.advance(wait * hour)
          show()
          const known = new Set(warehouse.progress.keys())
          const unread = (inLists ? 3 : 1) * Math.ceil((clock.now() - start) / day) - known.size
          await run(budget)
          const fresh = [...warehouse.progress.keys()].filter((key) => !known.has(key)).length
          // The last window of each list, that was read in part, may come before.
          expect(fresh).toBeGreaterThanOrEqual(Math.min(unread, budget - (inLists ? 3 : 1)))
          for (const [key, { highWater }] of warehouse.progress) {
            const mark = highWater === null ? Number.NEGATIVE_INFINITY : at(String(highWater))
            expect(mark).toBeGreaterThanOrEqual(marks.get(key) ?? Number.NEGATIVE_INFINITY)
            marks.set(key, mark)
          }
        }
        expect(warehouse.rows.size).toBe(records.length)
        expect(warehouse.progress.size).toBe((inLists ? 3 : 1) * Math.ceil((clock.now() - start) / day))
      },
    ),
    { numRuns: 100 },
  )
})
