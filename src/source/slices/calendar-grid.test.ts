import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { calendarGrid, dateText, parseCalendarSize } from './calendar-grid.ts'
import { fixedGrid } from './grid.ts'

const hour = 3_600_000
const iso = (ms: number) => new Date(ms).toISOString().slice(0, 16)
const window = (size: string, zone: string, at: string) => {
  const grid = calendarGrid(parseCalendarSize(size)!, zone)
  const ms = Date.parse(at)
  return [iso(grid.floor(ms)), iso(grid.next(ms))]
}

describe('windows of the calendar', () => {
  // PEERS: Airbyte DatetimeBasedCursor
  // PEERS: Airbyte DatetimeBasedCursor clamping
  test.each([
    ['1 day', 'UTC', '2026-02-28T12:00Z', ['2026-02-28T00:00', '2026-03-01T00:00']],
    ['1 week', 'UTC', '2026-01-01T12:00Z', ['2025-12-29T00:00', '2026-01-05T00:00']],
    ['1 month', 'UTC', '2024-02-29T23:59Z', ['2024-02-01T00:00', '2024-03-01T00:00']],
    ['1 quarter', 'UTC', '2026-06-30T00:00Z', ['2026-04-01T00:00', '2026-07-01T00:00']],
    ['1 year', 'UTC', '2026-06-30T00:00Z', ['2026-01-01T00:00', '2027-01-01T00:00']],
    ['2 years', 'UTC', '1969-06-30T00:00Z', ['1968-01-01T00:00', '1970-01-01T00:00']],
    ['6 months', 'UTC', '2026-11-24T00:00Z', ['2026-07-01T00:00', '2027-01-01T00:00']],
    ['1 month', 'Europe/Berlin', '2026-01-31T23:30Z', ['2026-01-31T23:00', '2026-02-28T23:00']],
    ['1 month', 'America/New_York', '2026-03-01T04:59Z', ['2026-02-01T05:00', '2026-03-01T05:00']],
  ])('%s in %s at %s', (size, zone, at, expected) => {
    expect(window(size, zone, at)).toEqual(expected)
  })

  test('a day on which the clocks change has 23 or 25 hours, and one that begins at one o’clock begins there', () => {
    const length = (zone: string, at: string) => {
      const grid = calendarGrid({ count: 1, unit: 'day' }, zone)
      return (grid.next(Date.parse(at)) - grid.floor(Date.parse(at))) / hour
    }
    expect(length('Europe/Berlin', '2026-03-29T12:00Z')).toBe(23)
    expect(length('Europe/Berlin', '2026-10-25T12:00Z')).toBe(25)
    expect(length('America/New_York', '2026-03-08T15:00Z')).toBe(23)
    // São Paulo's summer time began at midnight in 2018: there was no 00:00 on November 4th.
    expect(window('1 day', 'America/Sao_Paulo', '2018-11-04T12:00Z')).toEqual([
      '2018-11-04T03:00',
      '2018-11-05T02:00',
    ])
    // Samoa left out December 30th, 2011.
    expect(window('1 day', 'Pacific/Apia', '2011-12-30T09:00Z')).toEqual([
      '2011-12-29T10:00',
      '2011-12-30T10:00',
    ])
  })

  // PEERS: dlt test_incremental chunked ranges
  test('in any zone windows follow each other without gap or overlap', () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kolkata',
      'Australia/Lord_Howe',
      'Pacific/Apia',
      'America/Sao_Paulo',
    ]
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom('day', 'week', 'month', 'quarter', 'year'),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: Date.parse('1995-01-01'), max: Date.parse('2035-01-01') }),
        (zone, unit, count, ms) => {
          const grid = calendarGrid(parseCalendarSize(`${count} ${unit}`)!, zone)
          const [start, end] = [grid.floor(ms), grid.next(ms)]
          expect(start).toBeLessThanOrEqual(ms)
          expect(end).toBeGreaterThan(ms)
          expect(grid.floor(start)).toBe(start)
          expect(grid.floor(end)).toBe(end)
          expect(grid.next(start)).toBe(end)
          expect(grid.floor(end - 1)).toBe(start)
        },
      ),
    )
  })

  test('a day of the calendar in UTC is the fixed day', () => {
    const [calendar, fixed] = [calendarGrid({ count: 1, unit: 'day' }, 'UTC'), fixedGrid(24 * hour)]
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 4e12 }), (ms) => {
        expect([calendar.floor(ms), calendar.next(ms)]).toEqual([fixed.floor(ms), fixed.next(ms)])
      }),
    )
  })
})

test('a length of the calendar has a number, a space and a unit; a fixed one is none', () => {
  expect(parseCalendarSize('1 month')).toEqual({ count: 1, unit: 'month' })
  expect(parseCalendarSize('2 weeks')).toEqual({ count: 2, unit: 'week' })
  for (const text of ['1d', '1 hour', '0 days', 'month', '1.5 months', '1 d']) {
    expect(parseCalendarSize(text)).toBeUndefined()
  }
})

test('a date is that of the time zone', () => {
  expect(dateText(Date.parse('2026-01-31T23:30Z'), 'Europe/Berlin')).toBe('2026-02-01')
  expect(dateText(Date.parse('2026-02-01T00:30Z'), '-05:00')).toBe('2026-01-31')
})
