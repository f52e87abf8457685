import { expect, test } from 'vitest'
import { FixedWindow } from './fixed-window.ts'
import { timeGrid } from './time-grid.ts'

const at = (text: string) => Date.parse(text)

/** A window whose clock is ours, at a time that the test sets. */
function fixed(options: {
  limit: number
  perMs: number
  timeZone?: string
  server?: { offsetMs: number; errorMs: number }
}) {
  const time = { now: 0 }
  const { server = { offsetMs: 0, errorMs: 0 } } = options
  const meter = new FixedWindow({ ...options, wallNow: () => time.now, serverTime: () => server })
  let order = 0
  return {
    meter,
    /** Sends at one time and has the answer at another. */
    send(sentAt: number, answeredAt: number, cost = 1) {
      time.now = sentAt
      meter.take(cost)
      time.now = answeredAt
      meter.settle({ cost, sentAt, order: order++ })
    },
    readyAt(now: number, cost = 1) {
      time.now = now
      return meter.readyAt(cost, now)
    },
  }
}

test('the whole budget is there again after the boundary, wherever in the window it was spent', () => {
  const { send, readyAt } = fixed({ limit: 2, perMs: 60_000 })
  send(at('2026-01-01T10:00:59.000Z'), at('2026-01-01T10:00:59.500Z'), 2)
  expect(readyAt(at('2026-01-01T10:00:59.600Z'))).toBe(at('2026-01-01T10:01:00Z'))
  expect(readyAt(at('2026-01-01T10:01:00Z'), 2)).toBe(at('2026-01-01T10:01:00Z'))
})

test('Q1: what was in flight over the boundary counts on both sides of it', () => {
  const { meter, send, readyAt } = fixed({ limit: 2, perMs: 60_000 })
  send(at('2026-01-01T10:00:59.900Z'), at('2026-01-01T10:01:00.100Z'))
  expect(readyAt(at('2026-01-01T10:01:00.200Z'), 2)).toBe(at('2026-01-01T10:02:00Z'))
  expect(readyAt(at('2026-01-01T10:01:00.200Z'), 1)).toBe(at('2026-01-01T10:01:00.200Z'))
  meter.take(1)
  meter.take(1)
  expect(readyAt(at('2026-01-01T10:02:00.500Z'))).toBe(Number.POSITIVE_INFINITY)
})

test('Q1: near the boundary a request may count on either side, by as much as the clocks may differ', () => {
  const { send, readyAt } = fixed({ limit: 1, perMs: 60_000, server: { offsetMs: 5000, errorMs: 300 } })
  // The server's clock is 5 s ahead: its minute begins at 59:55 of ours.
  send(at('2026-01-01T09:59:54.000Z'), at('2026-01-01T09:59:54.100Z'))
  expect(readyAt(at('2026-01-01T09:59:54.200Z'))).toBe(at('2026-01-01T09:59:55.300Z'))
  send(at('2026-01-01T09:59:55.400Z'), at('2026-01-01T09:59:55.500Z'))
  expect(readyAt(at('2026-01-01T09:59:55.600Z'))).toBe(at('2026-01-01T10:00:55.300Z'))
})

test('a clock that is set back opens no window again', () => {
  const { send, readyAt } = fixed({ limit: 1, perMs: 60_000 })
  send(at('2026-01-01T10:01:01Z'), at('2026-01-01T10:01:02Z'))
  expect(readyAt(at('2026-01-01T10:00:30Z'))).toBeGreaterThan(at('2026-01-01T10:00:30Z'))
})

test('Q1: a window that was forgotten would be one of the past: what is idle has none', () => {
  const { meter, send, readyAt } = fixed({ limit: 1, perMs: 1000 })
  expect(meter.isIdle()).toBe(true)
  send(500, 600)
  expect(meter.isIdle()).toBe(false)
  readyAt(1000)
  expect(meter.isIdle()).toBe(true)
})

test('days begin at midnight of their zone, and have 23 or 25 hours where its clocks are set', () => {
  const grid = timeGrid(86_400_000, 'America/Los_Angeles')
  const dayOf = (text: string) => {
    const { start, end } = grid(at(text))
    return `${new Date(start).toISOString()} ${(end - start) / 3_600_000}`
  }
  expect(dayOf('2026-01-15T07:59:59Z')).toBe('2026-01-14T08:00:00.000Z 24')
  expect(dayOf('2026-01-15T08:00:00Z')).toBe('2026-01-15T08:00:00.000Z 24')
  expect(dayOf('2026-03-08T20:00:00Z')).toBe('2026-03-08T08:00:00.000Z 23')
  expect(dayOf('2026-11-01T20:00:00Z')).toBe('2026-11-01T07:00:00.000Z 25')
})

test('windows of several days, and others, are counted from 1970', () => {
  const week = timeGrid(7 * 86_400_000, 'Europe/Berlin')(at('2026-01-15T12:00:00Z'))
  expect(new Date(week.start).toISOString()).toBe('2026-01-14T23:00:00.000Z')
  expect(timeGrid(7 * 86_400_000)(at('2026-01-15T12:00:00Z')).start).toBe(at('2026-01-15T00:00:00Z'))
  expect(timeGrid(15_000)(at('2026-01-15T12:00:44Z'))).toEqual({
    start: at('2026-01-15T12:00:30Z'),
    end: at('2026-01-15T12:00:45Z'),
  })
})
