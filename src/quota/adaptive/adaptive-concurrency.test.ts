import { expect, test } from 'vitest'
import { seededRandom } from '../../testing/seeded-random.ts'
import { AdaptiveConcurrency } from './adaptive-concurrency.ts'

interface Server {
  /** How long a request takes that is served at once. */
  readonly serviceMs: (random: () => number, now: number) => number
  /** Requests that it serves at once. Default: all. */
  readonly workers?: number | ((now: number) => number)
  /** It refuses more than so many. */
  readonly most?: number
}

/**
 * Keeps a server as busy as the meter allows; what was in flight and answered, in the second half of the time.
 * @param pages after so many answers it ends
 */
function busy(
  meter: Pick<AdaptiveConcurrency, 'limit' | 'readyAt' | 'take' | 'settle' | 'refuse' | 'release'>,
  server: Server,
  durationMs: number,
  seed = 1,
  pages = Number.POSITIVE_INFINITY,
) {
  const random = seededRandom(seed)
  const { most = Number.POSITIVE_INFINITY } = server
  const workers = (now: number) =>
    typeof server.workers === 'function' ? server.workers(now) : (server.workers ?? Number.POSITIVE_INFINITY)
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
  let served = 0
  let slow = 0
  const start = (request: Request) => {
    request.endsAt = now + (request.refused ? 1 : server.serviceMs(random, now))
    serving.push(request)
  }
  while (now < durationMs && served < pages) {
    while (sent < pages && meter.readyAt(1, now) <= now) {
      const request = { cost: 1, sentAt: now, order: order++, endsAt: 0, refused: false }
      meter.take(1, now, request.order)
      sent++
      if (serving.length + queue.length >= most) {
        request.refused = true
        refused++
      }
      if (request.refused || serving.length < workers(now)) start(request)
      else queue.push(request)
    }
    serving.sort((a, b) => a.endsAt - b.endsAt)
    const done = serving.shift()!
    if (now > durationMs / 2) {
      flight += (serving.length + queue.length + 1) * (done.endsAt - now)
      flightTime += done.endsAt - now
      lowest = Math.min(lowest, meter.limit)
      if (!done.refused) answered++
      slow += done.endsAt - done.sentAt
    }
    now = done.endsAt
    if (!done.refused) served++
    meter.settle(done, now, { status: done.refused ? 429 : 200, headers: {} })
    if (done.refused) meter.refuse({ kind: 'concurrency' }, done, now)
    meter.release()
    while (queue.length > 0 && serving.length < workers(now)) start(queue.shift()!)
  }
  return {
    inFlight: flight / flightTime,
    lowest,
    refused: refused / sent,
    perSecond: answered / (durationMs / 2000),
    latencyMs: slow / answered,
    tookMs: now,
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

const steady = (random: () => number) => 90 + 20 * random()
/** Some pages are slow by nature. */
const quickOrSlow = (share: number) => (random: () => number) =>
  (random() < share ? 1000 : 50) * (0.9 + 0.2 * random())

// PEERS: dlt lacks adaptive concurrency
test.for([
  [1, 10],
  [2, 10],
  [2, 50],
  [8, 50],
  [50, 100],
] as const)(
  'a server that works at %i at once is kept busy, and answers in less than twice the least time, where %i are allowed',
  ([workers, most]) => {
    for (const seed of [1, 2, 3]) {
      const server = { serviceMs: steady, workers }
      const result = busy(new AdaptiveConcurrency(most), server, 120_000, seed)
      expect(result.perSecond).toBeGreaterThan(workers * 10 * 0.95)
      expect(result.latencyMs).toBeLessThan(170)
    }
  },
)

test.for([1, 2, 8])('so is one of %i whose times vary by themselves', (workers) => {
  for (const seed of [1, 2, 3]) {
    const server = { serviceMs: exponential(100), workers }
    const result = busy(new AdaptiveConcurrency(50), server, 1_200_000, seed)
    expect(result.perSecond).toBeGreaterThan(workers * 10 * 0.85)
    expect(result.latencyMs).toBeLessThan(250)
  }
})

test.for([0.1, 0.5, 0.9])(
  'that a share of %d of the pages is slow by nature is no reason to ask for fewer',
  (share) => {
    for (const seed of [1, 2, 3]) {
      const { lowest } = busy(new AdaptiveConcurrency(20), { serviceMs: quickOrSlow(share) }, 300_000, seed)
      expect(lowest).toBeGreaterThanOrEqual(18)
    }
  },
)

test('slow and quick pages at a server that works at 8 at once keep it busy', () => {
  for (const seed of [1, 2, 3]) {
    const server = { serviceMs: quickOrSlow(0.5), workers: 8 }
    const { perSecond, inFlight } = busy(new AdaptiveConcurrency(50), server, 1_200_000, seed)
    expect(perSecond).toBeGreaterThan((8 / 0.525) * 0.8)
    expect(inFlight).toBeLessThan(20)
  }
})

test('pages that grow, and take ten times as long in the end, are asked for by as many at once', () => {
  const serviceMs = (random: () => number, now: number) => steady(random) * (1 + now / 60_000)
  expect(busy(new AdaptiveConcurrency(20), { serviceMs }, 600_000).lowest).toBe(20)
})

test('an API that has become slower is asked by as many at once as before', () => {
  const serviceMs = (_random: () => number, now: number) => (now < 60_000 ? 100 : 400)
  const meter = new AdaptiveConcurrency(20)
  busy(meter, { serviceMs }, 600_000)
  expect(meter.limit).toBe(20)
})

test('a server that works at fewer for a while is asked by fewer, and by as many as before when it has recovered', () => {
  const workers = (now: number) => (now > 60_000 && now < 180_000 ? 2 : 8)
  const meter = new AdaptiveConcurrency(40)
  const during = busy(meter, { serviceMs: steady, workers }, 180_000)
  expect(during.perSecond).toBeGreaterThan(18)
  expect(during.latencyMs).toBeLessThan(200)
  const whole = busy(new AdaptiveConcurrency(40), { serviceMs: steady, workers }, 1_200_000)
  expect(whole.perSecond).toBeGreaterThan(76)
})

test.for([5, 50, 500])(
  'a run of 300 pages of %i ms takes at most a tenth longer than with 10 in flight from the beginning',
  (ms) => {
    const server = { serviceMs: (random: () => number) => ms * (0.8 + 0.4 * random()) }
    let inFlight = 0
    const ten = {
      limit: 10,
      readyAt: (_cost: number, now: number) => (inFlight < 10 ? now : Number.POSITIVE_INFINITY),
      take: () => void inFlight++,
      settle() {},
      refuse() {},
      release: () => void inFlight--,
    }
    const fixed = busy(ten, server, Number.POSITIVE_INFINITY, 1, 300)
    const found = busy(new AdaptiveConcurrency(10), server, Number.POSITIVE_INFINITY, 1, 300)
    expect(found.tookMs / fixed.tookMs).toBeLessThan(1.1)
  },
)

test('where fewer are in flight than may be, nothing is compared and the limit stays', () => {
  const meter = new AdaptiveConcurrency(50)
  for (let order = 0; order < 5000; order++) {
    meter.take(1, order * 100, order)
    meter.settle({ cost: 1, sentAt: order * 100, order }, order * 100 + 50, { status: 200, headers: {} })
    meter.release()
  }
  expect(meter.limit).toBe(2)
})

test('failures and what was given back say nothing of latency', () => {
  const meter = new AdaptiveConcurrency(50)
  for (let order = 0; order < 300; order += 3) {
    for (const each of [order, order + 1]) meter.take(1, order * 100, each)
    meter.settle({ cost: 1, sentAt: order * 100, order }, order * 100 + 50, { status: 503, headers: {} })
    meter.release()
    meter.cancel(1, order * 100 + 50, order + 1)
  }
  expect(meter.limit).toBe(2)
  expect(meter.readyAt(1, 0)).toBe(0)
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
  expect(meter.limit).toBe(2)
})

test('less than one request in flight is no limit', () => {
  expect(() => new AdaptiveConcurrency(0)).toThrow('at least 1 request has to be in flight, not 0')
})
