// On the real clock, against rate limiters that are not ours. What a window grants is counted by the limiter itself, so that a machine that
// is slow makes the test longer, and not wrong.
import { expect, test } from 'vitest'
import { openClient } from '../../src/config/open-client.ts'
import {
  expressServer,
  fastifyServer,
  flexibleServer,
  type LimitedServer,
  type LimiterOptions,
} from './real-servers.ts'

const limits: LimiterOptions = { requests: 60, windowMs: 3000 }
const windows = 3

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

test.concurrent.each<[string, () => Promise<LimitedServer>]>([
  ['express-rate-limit with the headers of draft 6', () => expressServer(limits, 'draft-6')],
  ['express-rate-limit with the headers of draft 7', () => expressServer(limits, 'draft-7')],
  ['express-rate-limit with the headers of draft 8', () => expressServer(limits, 'draft-8')],
  ['@fastify/rate-limit', () => fastifyServer(limits)],
  ['rate-limiter-flexible', () => flexibleServer(limits)],
])('Q1, Q4: %s: nothing is declared; nothing is refused, and the windows are used', async (_, open) => {
  await using server = await open()
  await readAll(server.url)
  const { refused, windows: counted } = server.tally
  expect(refused).toBe(0)
  // The last one has begun, and not passed.
  const passed = counted.slice(0, -1)
  const used = passed.reduce((sum, requests) => sum + requests, 0)
  expect(used / (passed.length * limits.requests), `windows of ${counted}`).toBeGreaterThanOrEqual(0.95)
})
