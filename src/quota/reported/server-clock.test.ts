import { expect, test } from 'vitest'
import { ServerClock } from './server-clock.ts'

const at = (ms: number) => ({ date: new Date(Math.floor(ms / 1000) * 1000).toUTCString() })

test('each reply bounds the time of the server, and several meet', () => {
  const clock = new ServerClock()
  const skew = 5_000_250
  const reply = (sentAt: number, now: number) =>
    clock.observe(at((sentAt + now) / 2 + skew), sentAt, now, now)
  reply(1000, 1100)
  const width = () => clock.latest(0) - clock.earliest(0)
  expect(width()).toBe(1100)
  expect(clock.earliest(skew)).toBeLessThanOrEqual(0)
  expect(clock.latest(skew)).toBeGreaterThanOrEqual(0)
  for (let now = 1200; now < 3000; now += 170) reply(now, now + 40)
  expect(width()).toBeLessThan(250)
  expect(clock.earliest(skew)).toBeLessThanOrEqual(0)
  expect(clock.latest(skew)).toBeGreaterThanOrEqual(0)
  expect(Math.abs(clock.time()!.offsetMs - skew)).toBeLessThanOrEqual(clock.time()!.errorMs)
})

test('where one of the clocks was set, the newest reply is right', () => {
  const clock = new ServerClock()
  clock.observe(at(1_000_000), 0, 10, 0)
  clock.observe(at(9_000_000), 20, 30, 20)
  expect([clock.earliest(9_000_000), clock.latest(9_000_000)]).toEqual([-980, 30])
})

test('without a date our own clock has to do, and nothing is said of the difference', () => {
  const clock = new ServerClock()
  clock.observe({ date: 'today' }, 0, 10, 1_000_010)
  expect([clock.earliest(1_000_500), clock.latest(1_000_500)]).toEqual([500, 500])
  expect(clock.time()).toBeUndefined()
})
