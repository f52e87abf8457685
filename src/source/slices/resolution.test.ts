// What the bounds of windows are where the API's times are coarser than the parameters that bound them, or finer.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { unitMs } from '../incremental/time-format.ts'
import { runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'

const ms = 1
const second = 1000
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const start = Date.parse('2026-01-01')
const formats = ['iso', 'epoch', 'epoch_ms', 'date'] as const
type Format = (typeof formats)[number]

interface Setup {
  /** When things happened, in milliseconds. What has not happened yet is not to be had. */
  readonly times: readonly number[]
  /** The API's step: it keeps the beginning of the one in which a thing happened. */
  readonly step: number
  readonly format: Format
  readonly inclusive: boolean
  readonly size: string
  readonly resolution?: string | undefined
  readonly now?: string
}

/** An API that keeps times in steps, and compares what it keeps with the bounds. A date that is an inclusive end is its whole day. */
function setup({ times, step, format, inclusive, size, resolution, now = '2026-01-01' }: Setup) {
  const clock = fakeClock({ start: Date.parse(now) })
  const client = scriptedClient(({ query }) => {
    const from = parse(query['from'], format)
    const to = parse(query['to'], format)
    const isBefore = (kept: number) =>
      inclusive ? (format === 'date' ? kept < to + day : kept <= to) : kept < to
    const found = times.flatMap((time, id) => {
      const kept = Math.floor(time / step) * step
      return time <= clock.now() && kept >= from && isBefore(kept) ? [{ id }] : []
    })
    return { body: found }
  })
  const stream = streamOf(
    'desk',
    'events',
    {
      path: 'events',
      paginate: { type: 'none' },
      key: 'id',
      slices: {
        by: 'time',
        size,
        start: '2026-01-01',
        margin: '0s',
        from: { param: 'from', format },
        to: { param: 'to', format, inclusive, ...(resolution !== undefined && { resolution }) },
      },
    },
    client,
    clock,
  )
  return { clock, client, stream, warehouse: new Warehouse() }
}

function parse(value: unknown, format: Format): number {
  return format === 'epoch'
    ? Number(value) * second
    : format === 'epoch_ms'
      ? Number(value)
      : Date.parse(String(value))
}

describe('Notion, whose times are whole minutes', () => {
  const notion = { step: minute, format: 'iso', inclusive: true, size: '1h', resolution: '1m' } as const

  test('an inclusive end is the last minute of its window, and the next window begins with the minute after it', async () => {
    const { client, stream, warehouse } = setup({ ...notion, times: [], now: '2026-01-01T02:00:00Z' })
    await runOnce(stream, warehouse)
    expect(client.requests.map(({ query }) => query)).toEqual([
      { from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:59:00Z' },
      { from: '2026-01-01T01:00:00Z', to: '2026-01-01T01:59:00Z' },
    ])
  })

  test('a run inside a minute asks for that minute, and so does the next one: what happens in the rest of it has its time', async () => {
    const times = ['00:30:10', '00:30:50'].map((time) => Date.parse(`2026-01-01T${time}Z`))
    for (const inclusive of [true, false]) {
      const { client, clock, stream, warehouse } = setup({
        ...notion,
        inclusive,
        times,
        now: '2026-01-01T00:30:20.500Z',
      })
      await runOnce(stream, warehouse)
      expect([...warehouse.rows.keys()]).toEqual(['0'])
      await clock.advance(10 * minute)
      await runOnce(stream, warehouse)
      expect([...warehouse.rows.keys()]).toEqual(['0', '1'])
      const end = (last: string, next: string) => `2026-01-01T00:${inclusive ? last : next}:00Z`
      expect(client.requests.map(({ query }) => query)).toEqual([
        { from: '2026-01-01T00:00:00Z', to: end('30', '31') },
        { from: '2026-01-01T00:30:00Z', to: end('40', '41') },
      ])
    }
  })
})

describe('property: nothing is lost at the edges of windows, and nothing doubled but what happened in the step of a run', () => {
  const steps = { ms, s: second, min: minute, day } as const
  const names = { ms: '1ms', s: '1s', min: '1m', day: '1d' } as const
  const cases = (Object.keys(steps) as (keyof typeof steps)[]).flatMap((name) =>
    formats.flatMap((format) => [true, false].map((inclusive) => ({ name, format, inclusive }))),
  )
  /** Near the edges of windows, of minutes and of seconds. */
  const time = fc
    .tuple(
      fc.nat(1),
      fc.constantFrom(0, 1, 23),
      fc.constantFrom(0, 1, 59, 60, 61),
      fc.constantFrom(-second, -1, 0, 1, 999, second),
    )
    .map(([days, hours, minutes, more]) =>
      Math.max(start, start + days * day + hours * hour + minutes * minute + more),
    )

  test.each(cases)(
    'times of one $name, format $format, inclusive $inclusive',
    async ({ name, format, inclusive }) => {
      const step = steps[name]
      const unit = unitMs[format]
      const coarsest = Math.max(step, unit)
      await fc.assert(
        fc.asyncProperty(
          fc.array(time, { maxLength: 40 }),
          fc.array(time, { maxLength: 6 }),
          async (times, runs) => {
            const { clock, stream, warehouse } = setup({
              times,
              step,
              format,
              inclusive,
              size: coarsest === day ? '1d' : '1h',
              // Finer than the format it can't be kept to, and is left out.
              resolution: step >= unit ? names[name] : undefined,
            })
            const cuts: number[] = []
            for (const run of [...runs.toSorted((a, b) => a - b), start + 6 * day]) {
              await clock.advance(run - clock.now())
              cuts.push(clock.now())
              await runOnce(stream, warehouse)
            }
            expect([...warehouse.rows.keys()].map(Number).toSorted((a, b) => a - b)).toEqual(
              times.map((_, id) => id),
            )
            const stepOf = (each: number) => Math.floor(each / coarsest)
            const seen = warehouse.pages.flatMap(({ records }) => records.map(({ id }) => Number(id)))
            const doubled = seen.filter((id, index) => seen.indexOf(id) !== index)
            const unexplained = doubled.filter((id) => {
              const kept = Math.floor(times[id]! / step) * step
              const isInStepOfRun = cuts.some((cut) => stepOf(cut) === stepOf(kept))
              // An inclusive boundary of seconds is asked for twice, since no millisecond before it can be said.
              const isBoundary = inclusive && step < unit && kept % unit === 0
              return !isInStepOfRun && !isBoundary
            })
            expect(unexplained).toEqual([])
          },
        ),
        { numRuns: 40 },
      )
    },
  )
})
