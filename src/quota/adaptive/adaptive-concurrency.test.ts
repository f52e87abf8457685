import { expect, test } from 'vitest'
import { seededRandom } from '../../testing/seeded-random.ts'
import { AdaptiveConcurrency } from './adaptive-concurrency.ts'

interface Server {
  /** How long a request takes that is served at once. */
  readonly serviceMs: (random: () => number, now: number) => number
  /** Requests that it serves at once. Default: all. */
  readonly workers?: number
  /** It refuses more than so many. */
  readonly most?: number
}

/** Keeps a server as busy as the meter allows; what was in flight and answered, in the second half of the time. */
function busy(meter: AdaptiveConcurrency, server: Server, durationMs: number, seed = 1) {
  const random = seededRandom(seed)
  const { workers = Number.POSITIVE_INFINITY, most = Number.POSITIVE_INFINITY } = server
  type Request = { cost: number; sentAt: number; order: number; endsAt: number; refused: boolean }
  const serving: Request[] = []
  const queue: Request[] = []
  let now = 0
  let order = 0
  let sent = 0
  let refused = 0
  let lowest = Number.POSITIVE_INFINITY
  let flight = 0
  let flightTime = 0
  let answered = 0
  const start = (request: Request) => {
    request.endsAt = now + (request.refused ? 1 : server.serviceMs(random, now))
    serving.push(request)
  }
  while (now < durationMs) {
    while (meter.readyAt(1, now) <= now) {
      const request = { cost: 1, sentAt: now, order: order++, endsAt: 0, refused: false }
      meter.take(1, now, request.order)
      sent++
      if (serving.length + queue.length >= most) {
        request.refused = true
        refused++
      }
      if (request.refused || serving.length < workers) start(request)
      else queue.push(request)
    }
    serving.sort((a, b) => a.endsAt - b.endsAt)
    const done = serving.shift()!
    if (now > durationMs / 2) {
      flight += (serving.length + queue.length + 1) * (done.endsAt - now)
      flightTime += done.endsAt - now
      lowest = Math.min(lowest, meter.limit)
      if (!done.refused) answered++
    }
    now = done.endsAt
    meter.settle(done, now, { status: done.refused ? 429 : 200, headers: {} })
    if (done.refused) meter.refuse({ kind: 'concurrency' }, done, now)
    meter.release()
    if (queue.length > 0 && serving.length < workers) start(queue.shift()!)
  }
  return {
    inFlight: flight / flightTime,
    lowest,
    refused: refused / sent,
    perSecond: answered / (durationMs / 2000),
  }
}

const exponential = (mean: number) => (random: () => number) => -mean * Math.log(1 - random())
/** Half take 100 ms or less, and one of a thousand longer than two seconds. */
const heavyTailed = (random: () => number) => 100 * Math.exp(gaussian(random))
const gaussian = (random: () => number) =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

test.for([1, 2, 3, 4, 5])(
  'a healthy API whose answers have a heavy tail is asked by as many at once as allowed',
  (seed) => {
    for (const most of [5, 10, 50]) {
      const { lowest } = busy(new AdaptiveConcurrency(most), { serviceMs: heavyTailed }, 300_000, seed)
      expect(lowest).toBeGreaterThanOrEqual(most * 0.9)
    }
  },
)

// PEERS: dlt lacks adaptive concurrency
test('at a server that slows under load less than half as many queue, and no fewer are served', () => {
  const server = { serviceMs: exponential(100), workers: 8 }
  const { inFlight, perSecond } = busy(new AdaptiveConcurrency(60), server, 300_000)
  expect(inFlight - 8).toBeLessThan((60 - 8) / 2)
  expect(perSecond).toBeGreaterThan(78)
})

test('an API that has become slower is asked by as many at once as before, once it is known', () => {
  const serviceMs = (_random: () => number, now: number) => (now < 60_000 ? 100 : 400)
  const meter = new AdaptiveConcurrency(20)
  busy(meter, { serviceMs }, 600_000)
  expect(meter.limit).toBe(20)
})

test('refusals of concurrency lead to one below what is refused, and are rare from then on', () => {
  const { lowest, refused, inFlight } = busy(
    new AdaptiveConcurrency(20),
    { serviceMs: exponential(100), most: 6 },
    600_000,
  )
  expect(lowest).toBeGreaterThanOrEqual(4)
  expect(inFlight).toBeGreaterThan(5)
  expect(refused).toBeLessThan(0.005)
})

test('there is always room for one', () => {
  const meter = new AdaptiveConcurrency(3)
  for (let order = 0; order < 20; order++) {
    meter.take(1, order, order)
    meter.refuse({ kind: 'concurrency' }, { cost: 1, sentAt: order, order }, order)
    meter.release()
  }
  expect(meter.limit).toBe(1)
  expect(meter.readyAt(1, 100)).toBe(100)
})

test('a refusal of the rate says nothing of the concurrency', () => {
  const meter = new AdaptiveConcurrency(8)
  meter.take(1, 0, 0)
  meter.refuse({ kind: 'rate' }, { cost: 1, sentAt: 0, order: 0 }, 0)
  expect(meter.limit).toBe(8)
})

test('less than one request in flight is no limit', () => {
  expect(() => new AdaptiveConcurrency(0)).toThrow('at least 1 request has to be in flight, not 0')
})
