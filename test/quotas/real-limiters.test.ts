// On the real clock, against rate limiters that are not ours. What a window grants is counted by the limiter itself, and looked at are the
// windows that lie wholly inside the measurement, so that a machine that is slow makes the test longer, and not wrong. Where it stood still
// meanwhile, client and limiter alike, it is measured anew.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { openClient } from '../../src/config/open-client.ts'
import {
  expressServer,
  fastifyServer,
  flexibleServer,
  type LimitedServer,
  type LimiterOptions,
} from './real-servers.ts'

const limits: LimiterOptions = { requests: 60, windowMs: 2000 }
const windows = 3

/** Longer than this nothing ran: a window may have passed without a chance to use it. */
const stoodStillMs = limits.windowMs / 20
const mostMeasurements = 4

/** Asks for so many windows' worth, as fast as the client will. */
async function readAll(url: string): Promise<void> {
  await using client = openClient('limited', { baseUrl: url, maxConcurrent: 20 })
  let left = windows * limits.requests
  const read = async () => {
    while (left-- > 0)
      await client.request({ method: 'GET', url: '/items', query: {}, headers: {} }, async (response) => {
        for await (const _ of response.body);
      })
  }
  await Promise.all(Array.from({ length: 30 }, read))
}

interface Measurement {
  readonly refused: number
  /** What each window counted that has begun and passed. */
  readonly passed: readonly number[]
  /** The share of them that was used. */
  readonly used: number
  /** The longest time that nothing ran, in milliseconds. */
  readonly stoodStill: number
}

async function measure(open: () => Promise<LimitedServer>): Promise<Measurement> {
  await using server = await open()
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  await readAll(server.url)
  delay.disable()
  const { refused, windows: counted } = server.tally
  // The last one has begun, and not passed.
  const passed = counted.slice(0, -1)
  const used = passed.reduce((sum, requests) => sum + requests, 0) / (passed.length * limits.requests)
  return { refused, passed, used, stoodStill: delay.max / 1e6 }
}

function isGood({ refused, used }: Measurement): boolean {
  return refused === 0 && used >= 0.95
}

test.concurrent.each<[string, () => Promise<LimitedServer>]>([
  ['express-rate-limit with the headers of draft 6', () => expressServer(limits, 'draft-6')],
  ['express-rate-limit with the headers of draft 7', () => expressServer(limits, 'draft-7')],
  ['express-rate-limit with the headers of draft 8', () => expressServer(limits, 'draft-8')],
  ['@fastify/rate-limit', () => fastifyServer(limits)],
  ['rate-limiter-flexible', () => flexibleServer(limits)],
])(
  'Q1, Q4: %s: nothing is declared; nothing is refused, and the windows are used',
  async (_, open) => {
    let measured = await measure(open)
    for (let again = 1; again < mostMeasurements; again++) {
      if (isGood(measured) || measured.stoodStill < stoodStillMs) break
      measured = await measure(open)
    }
    const { refused, used } = measured
    expect(refused, JSON.stringify(measured)).toBe(0)
    expect(used, JSON.stringify(measured)).toBeGreaterThanOrEqual(0.95)
  },
  60_000,
)
