import { expect, test } from 'vitest'
import type { Authenticator } from '../ports/authenticator.ts'
import type { Clock, Transport } from '../ports/runtime.ts'
import { tokenBucket } from '../quota/meters/token-bucket.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { scriptedTransport } from '../testing/scripted-transport.ts'
import { createClient } from './client.ts'

/** A token that lives for `lifeMs`, and takes five seconds to fetch. */
function slowTokens(clock: Clock, lifeMs: number): Authenticator & { readonly fetches: () => number } {
  let fetches = 0
  let expiresAt = 0
  let fetching: Promise<void> | undefined
  const fetch = async () => {
    fetches++
    await clock.sleep(5000)
    expiresAt = clock.now() + lifeMs
    fetching = undefined
  }
  const isReady = () => clock.now() < expiresAt
  const prepare = async () => {
    if (isReady()) return
    fetching ??= fetch()
    await fetching
  }
  return {
    fetches: () => fetches,
    isReady,
    prepare,
    async sign(request) {
      await prepare()
      return request
    },
  }
}

async function sentAt(lifeMs: number, requests: number): Promise<{ times: number[]; fetches: number }> {
  const clock = fakeClock({ start: 0, auto: true })
  const times: number[] = []
  const scripted = scriptedTransport(Array.from({ length: requests }, () => ({})))
  const transport: Transport = Object.assign(
    (...given: Parameters<Transport>) => {
      times.push(clock.now())
      return scripted(...given)
    },
    { close: async () => {} },
  )
  const auth = slowTokens(clock, lifeMs)
  const client = createClient({
    name: 'desk',
    baseUrl: 'https://api.test',
    runtime: { clock, transport, random: () => 0.5 },
    auth,
    quotas: [tokenBucket({ requests: 1, perMs: 1000, burst: 1 }, clock)],
  })
  const get = { method: 'GET', url: 'items', query: {}, headers: {} }
  await Promise.all(
    Array.from({ length: requests }, () => client.request(get, (response) => response.discard())),
  )
  return { times, fetches: auth.fetches() }
}

test('Q1: nobody holds a permit while the first token is fetched: a bucket without burst sends one request a second', async () => {
  expect(await sentAt(60_000, 4)).toEqual({ times: [5000, 6000, 7000, 8000], fetches: 1 })
})

// PEERS: dlt a retry reuses an expired token
test('Q1: a token that grows old during the wait for quota is renewed before a permit is taken', async () => {
  const { times, fetches } = await sentAt(2500, 6)
  expect(times).toHaveLength(6)
  for (const [at, time] of times.entries())
    if (at > 0) expect(time - times[at - 1]!).toBeGreaterThanOrEqual(1000)
  expect(fetches).toBe(2)
})
