import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RequestSpec } from '../../ports/request.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { Crash, runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'

const second = 1000
const day = 86_400_000

interface Setup {
  readonly times: number[]
  readonly slices?: Record<string, unknown>
  readonly now: string
  readonly size?: number
}

/** Stripe's manners: newest first, by `starting_after`, with `created[gte]` and `created[lt]` in seconds. Times are milliseconds. */
function setup({ times, slices = {}, now, size = 2 }: Setup) {
  const clock = fakeClock({ start: Date.parse(now) })
  const client = scriptedClient(({ query }) => {
    const matching = times
      .map((created, id) => ({ id: `t${id}`, created }))
      .filter(({ created }) => isWithin(created, query))
      .sort((a, b) => b.created - a.created)
    const after = matching.findIndex(({ id }) => id === query.starting_after)
    const page = matching.slice(after + 1, after + 1 + size)
    return { body: { data: page, has_more: after + 1 + size < matching.length } }
  })
  const stream = streamOf(
    'pay',
    'charges',
    {
      path: 'charges',
      records: 'data',
      paginate: { type: 'keyset', field: 'id', param: 'starting_after', more: 'has_more' },
      key: 'id',
      slices: {
        by: 'time',
        size: '1d',
        start: '2026-01-01',
        from: { param: 'gte', format: 'epoch' },
        to: { param: 'lt', format: 'epoch', inclusive: false },
        ...slices,
      },
    },
    client,
    clock,
  )
  const windows = () => {
    const seen = client.requests.filter(({ query }) => query.starting_after === undefined)
    return seen.map(({ query }) => Object.values(query).map(asTime))
  }
  return { clock, client, stream, warehouse: new Warehouse(), windows }
}

function isWithin(created: number, query: RequestSpec['query']): boolean {
  if (created < toMs(query.gte as string | number)) return false
  if (query.lt !== undefined) return created < toMs(query.lt as string | number)
  const end = toMs(query.lte as string | number)
  // A date stands for its whole day.
  return created <= (typeof query.lte === 'string' && query.lte.length === 10 ? end + day - 1 : end)
}

function toMs(value: string | number): number {
  return typeof value === 'string' ? Date.parse(value) : value > 1e11 ? value : value * second
}

function asTime(value: unknown): string {
  return new Date(toMs(value as string | number)).toISOString().replace('.000Z', 'Z')
}

const at = (text: string) => Date.parse(text)

// PEERS: dlt test_incremental chunked ranges
test('windows lie on a grid in UTC, oldest first, without gap or overlap; the last one is cut at now', async () => {
  const { stream, warehouse, windows } = setup({ times: [], now: '2026-01-03T06:00:00Z' })
  expect(await runOnce(stream, warehouse)).toEqual([
    '2026-01-01T00:00:00Z',
    '2026-01-02T00:00:00Z',
    '2026-01-03T00:00:00Z',
  ])
  expect(windows()).toEqual([
    ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
    ['2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'],
    ['2026-01-03T00:00:00Z', '2026-01-03T06:00:00Z'],
  ])
  expect([...warehouse.progress.values()]).toEqual([
    { position: null, highWater: '2026-01-02T00:00:00Z' },
    { position: null, highWater: '2026-01-03T00:00:00Z' },
    { position: null, highWater: '2026-01-03T06:00:00Z' },
  ])
})

test('the first window starts at `start`, also where that lies between two lines of the grid', async () => {
  const { stream, warehouse, windows } = setup({
    times: [],
    slices: { start: '2026-01-01T15:00:00Z' },
    now: '2026-01-02T01:00:00Z',
  })
  expect(await runOnce(stream, warehouse)).toEqual(['2026-01-01T15:00:00Z', '2026-01-02T00:00:00Z'])
  expect(windows()[0]).toEqual(['2026-01-01T15:00:00Z', '2026-01-02T00:00:00Z'])
})

test('a window that was cut goes on from where it was cut, and one that is done is not read again', async () => {
  const { clock, stream, warehouse, windows } = setup({ times: [], now: '2026-01-02T06:00:00Z' })
  await runOnce(stream, warehouse)
  await clock.advance(day)
  expect(await runOnce(stream, warehouse)).toEqual(['2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'])
  expect(windows().slice(2)).toEqual([
    ['2026-01-02T06:00:00Z', '2026-01-03T00:00:00Z'],
    ['2026-01-03T00:00:00Z', '2026-01-03T06:00:00Z'],
  ])
  // Nothing can be new within the same instant.
  expect(await runOnce(stream, warehouse)).toEqual([])
})

test('the margin keeps the newest part unread until it has settled', async () => {
  const { stream, warehouse, windows } = setup({
    times: [at('2026-01-01T11:59:30Z')],
    slices: { margin: '1m' },
    now: '2026-01-01T12:00:00Z',
  })
  await runOnce(stream, warehouse)
  expect(windows()).toEqual([['2026-01-01T00:00:00Z', '2026-01-01T11:59:00Z']])
  expect(warehouse.rows.size).toBe(0)
})

test('what is younger than the look-back is read again, and late records are found however long the next run waits', async () => {
  const times = [at('2026-01-01T10:00:00Z')]
  const { clock, stream, warehouse, windows } = setup({
    times,
    slices: { lookback: '2d' },
    now: '2026-01-03T12:00:00Z',
  })
  await runOnce(stream, warehouse)
  expect([...warehouse.progress.values()].map((progress) => progress.highWater)).toEqual([
    '2026-01-01T12:00:00Z',
    '2026-01-01T12:00:00Z',
    '2026-01-01T12:00:00Z',
  ])
  // It comes a day late, and the next run is ten days later: no run falls within the look-back of it.
  times.push(at('2026-01-02T08:00:00Z'))
  await clock.advance(10 * day)
  const before = windows().length
  const read = await runOnce(stream, warehouse)
  // What was never read comes first: the rest of the last window, and what came after it.
  expect(read.slice(0, 2)).toEqual(['2026-01-03T00:00:00Z', '2026-01-04T00:00:00Z'])
  expect(read.slice(-2)).toEqual(['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'])
  expect(windows().slice(before).slice(-2)).toEqual([
    ['2026-01-01T12:00:00Z', '2026-01-02T00:00:00Z'],
    ['2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'],
  ])
  expect(warehouse.rows.size).toBe(2)
  expect(warehouse.progress.get('2026-01-01T00:00:00Z')!.highWater).toBe('2026-01-02T00:00:00Z')
  const again = await runOnce(stream, warehouse)
  expect(again).toEqual(['2026-01-11T00:00:00Z', '2026-01-12T00:00:00Z', '2026-01-13T00:00:00Z'])
})

// PEERS: dlt test_incremental ranges open and closed
test('an inclusive date covers its day: the window of one day asks for that day only, today as well', async () => {
  const { client, clock, stream, warehouse } = setup({
    times: [at('2026-01-02T05:00:00Z')],
    slices: { from: { param: 'gte', format: 'date' }, to: { param: 'lte', format: 'date', inclusive: true } },
    now: '2026-01-02T06:00:00Z',
  })
  await runOnce(stream, warehouse)
  expect(client.requests.map(({ query }) => query)).toEqual([
    { gte: '2026-01-01', lte: '2026-01-01' },
    { gte: '2026-01-02', lte: '2026-01-02' },
  ])
  expect(warehouse.rows.size).toBe(1)
  expect(warehouse.progress.get('2026-01-02T00:00:00Z')!.highWater).toBe('2026-01-02T06:00:00Z')
  await clock.advance(3_600_000)
  await runOnce(stream, warehouse)
  expect(client.requests.at(-1)!.query).toEqual({ gte: '2026-01-02', lte: '2026-01-02' })
})

// PEERS: dlt incremental range_end
test('an inclusive end is moved back by the resolution that is stated, and by nothing where none is', async () => {
  const end = async (to: Record<string, unknown>) => {
    const { client, stream, warehouse } = setup({
      times: [],
      slices: { to: { param: 'lte', inclusive: true, ...to } },
      now: '2026-01-02T00:00:00Z',
    })
    await runOnce(stream, warehouse)
    return client.requests[0]!.query.lte
  }
  expect(await end({ format: 'epoch', resolution: '1s' })).toBe(at('2026-01-01T23:59:59Z') / 1000)
  expect(await end({ format: 'epoch' })).toBe(at('2026-01-02T00:00:00Z') / 1000)
  expect(await end({ format: 'iso', resolution: '1ms' })).toBe('2026-01-01T23:59:59.999Z')
})

test('R5: an end that is moved back by a resolution is a whole step of it, so that no record lies between two reads', async () => {
  const times = Array.from({ length: 40 }, (_, index) => at('2026-01-01T11:59:30Z') + index * second)
  for (const cap of [undefined, 7]) {
    // The time of the first run is no whole second, and the grid of times in `format` is finer than the API's.
    const { clock, client, stream, warehouse } = setup({
      times,
      slices: {
        from: { param: 'gte', format: 'iso' },
        to: { param: 'lte', format: 'iso', inclusive: true, resolution: '1s' },
        cap,
      },
      now: '2026-01-01T12:00:00.120Z',
    })
    await runOnce(stream, warehouse)
    await clock.advance(day)
    await runOnce(stream, warehouse)
    expect(warehouse.rows.size).toBe(times.length)
    const ends = client.requests.map(({ query }) => String(query.lte))
    expect(ends.filter((end) => !/:\d\dZ$|\.000Z$/.test(end))).toEqual([])
  }
})

test('C4: a window that was cut short inside goes on at the same page with the same bounds', async () => {
  const times = Array.from({ length: 5 }, (_, index) => at('2026-01-01T01:00:00Z') + index * second)
  for (const crashAfterPages of [1, 2]) {
    const { clock, client, stream, warehouse } = setup({ times, now: '2026-01-01T12:00:00Z' })
    await expect(runOnce(stream, warehouse, { crashAfterPages })).rejects.toThrow(Crash)
    await clock.advance(3_600_000)
    const before = client.requests.length
    await runOnce(stream, warehouse)
    expect(client.requests[before]!.query).toMatchObject({
      gte: at('2026-01-01T00:00:00Z') / 1000,
      lt: at('2026-01-01T12:00:00Z') / 1000,
      starting_after: `t${5 - crashAfterPages * 2}`,
    })
    expect(warehouse.received).toBe(5)
    // What has come since the run that was cut short is read by the same run.
    expect(client.requests.at(-1)!.query).toMatchObject({
      gte: at('2026-01-01T12:00:00Z') / 1000,
      lt: at('2026-01-01T13:00:00Z') / 1000,
    })
    expect(warehouse.progress.get('2026-01-01T00:00:00Z')!.highWater).toBe('2026-01-01T13:00:00Z')
  }
})

// PEERS: dlt test_interval_context
test('a backfill reads windows from --since to --until and moves no checkpoint', async () => {
  const { stream, warehouse, windows } = setup({
    times: [at('2026-01-01T18:00:00Z')],
    now: '2026-01-09T00:00:00Z',
  })
  await runOnce(stream, warehouse, {
    scope: { since: '2026-01-01T12:00:00Z', until: '2026-01-03T06:00:00Z' },
  })
  expect(windows()).toEqual([
    ['2026-01-01T12:00:00Z', '2026-01-02T00:00:00Z'],
    ['2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'],
    ['2026-01-03T00:00:00Z', '2026-01-03T06:00:00Z'],
  ])
  expect(warehouse.rows.size).toBe(1)
  expect(warehouse.progress.size).toBe(0)
  const openEnd = setup({ times: [], now: '2026-01-02T06:00:00Z' })
  await runOnce(openEnd.stream, openEnd.warehouse, { scope: { since: '2026-01-02' } })
  expect(openEnd.windows()).toEqual([['2026-01-02T00:00:00Z', '2026-01-02T06:00:00Z']])
})

// PEERS: dlt #4030
test('C6: state grows with the windows, one row each', async () => {
  const times = Array.from({ length: 200 }, (_, index) => at('2026-01-01T00:00:00Z') + index * 600 * second)
  const { stream, warehouse } = setup({ times, now: '2026-01-03T00:00:00Z' })
  await runOnce(stream, warehouse)
  expect(warehouse.rows.size).toBe(200)
  expect(warehouse.progress.size).toBe(2)
})

// PEERS: dlt #2269
test('property: late records, cuts and any run times lose nothing that comes within the look-back', async () => {
  const hour = 3_600_000
  await fc.assert(
    fc.asyncProperty(
      // Each record: when it is of, and how late it becomes visible.
      fc.array(
        fc.record({ ofHour: fc.integer({ min: 0, max: 96 }), lateBy: fc.integer({ min: 0, max: 24 }) }),
        {
          maxLength: 25,
        },
      ),
      fc.array(
        fc.record({
          waitHours: fc.integer({ min: 0, max: 50 }),
          crash: fc.option(fc.integer({ min: 1, max: 4 })),
        }),
        {
          maxLength: 6,
        },
      ),
      fc.constantFrom('1h', '6h', '1d'),
      async (records, runs, size) => {
        const times: number[] = []
        const start = at('2026-01-01T00:00:00Z')
        const waiting = records
          .map(({ ofHour, lateBy }) => ({
            time: start + ofHour * hour,
            visibleAt: start + (ofHour + lateBy) * hour,
          }))
          .sort((a, b) => a.visibleAt - b.visibleAt)
        const { clock, stream, warehouse } = setup({
          times,
          slices: { size, lookback: '1d' },
          now: '2026-01-01T00:00:00Z',
        })
        const show = () => {
          while (waiting[0] !== undefined && waiting[0].visibleAt <= clock.now())
            times.push(waiting.shift()!.time)
        }
        for (const { waitHours, crash } of [...runs, { waitHours: 200, crash: null }]) {
          await clock.advance(waitHours * hour)
          show()
          await runOnce(stream, warehouse, { ...(crash !== null && { crashAfterPages: crash }) }).catch(
            (error: unknown) => {
              if (!(error instanceof Crash)) throw error
            },
          )
        }
        expect(warehouse.rows.size).toBe(records.length)
      },
    ),
    { numRuns: 60 },
  )
})

test('a start of so long before now lies on the grid, and no window that was begun is left behind', async () => {
  const { clock, stream, warehouse } = setup({
    times: [],
    slices: { start: '2d' },
    now: '2026-01-10T12:00:00Z',
  })
  expect(await runOnce(stream, warehouse)).toEqual([
    '2026-01-08T00:00:00Z',
    '2026-01-09T00:00:00Z',
    '2026-01-10T00:00:00Z',
  ])
  await clock.advance(40 * day)
  const later = await runOnce(stream, warehouse)
  // The last window was not at its end: it and all that came after it are read, forty days back or not.
  expect(later[0]).toBe('2026-01-10T00:00:00Z')
  expect(later).toHaveLength(41)
})
