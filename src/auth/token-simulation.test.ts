// Many requests, several sources with one rotating refresh token, a server that is slow, fails, revokes and punishes reuse: whatever
// the order, no refresh token is spent twice, and every request succeeds with one renewal at most.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { authBench, get } from '../../test/auth/auth-bench.ts'
import { SluiceError } from '../errors.ts'
import type { Transport } from '../ports/runtime.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { oauth2, oauth2Authenticator } from './oauth2.ts'
import { oauth2Options } from './oauth2-options.ts'
import { memoryTokenStore } from './token-store.ts'

class Reset extends SluiceError {
  readonly code = 'TRANSPORT_FAILED'
  readonly recovery = 'retry'
}

interface World {
  readonly seed: number
  readonly lifeMs: number
  readonly sources: number
  /** Share of token requests that fail before the server has acted on them. */
  readonly faults: number
  readonly steps: readonly {
    readonly source: number
    readonly pauseMs: number
    readonly patienceMs: number
    readonly revoke: boolean
  }[]
}

function simulate(world: World) {
  const random = seededRandom(world.seed)
  const clock = fakeClock({ start: 0, auto: true })
  const valid = new Map<string, number>()
  let refreshToken = 'refresh-0'
  let issued = 0
  let asking = 0
  const broken: string[] = []

  const tokenServer: Transport = async (request) => {
    if (++asking > 1) broken.push('two token requests at once')
    await clock.sleep(random() * 300)
    asking--
    if (random() < world.faults) throw new Reset('connection reset')
    const spent = new URLSearchParams(String(request.body)).get('refresh_token')
    if (spent !== refreshToken) broken.push(`${spent} was spent, ${refreshToken} was due`)
    refreshToken = `refresh-${++issued}`
    valid.clear()
    valid.set(`t${issued}`, clock.now() + world.lifeMs)
    const body = { access_token: `t${issued}`, expires_in: world.lifeMs / 1000, refresh_token: refreshToken }
    await clock.sleep(random() * 300)
    return {
      status: 200,
      headers: {},
      body: (async function* () {
        yield Buffer.from(JSON.stringify(body))
      })(),
      discard: async () => {},
    }
  }

  const store = memoryTokenStore()
  const options = oauth2Options.parse(
    oauth2({
      grant: 'refresh_token',
      tokenUrl: 'https://login.test/token',
      clientId: 'id',
      refreshToken: 'refresh-0',
    }),
  )
  const sources = Array.from({ length: world.sources }, () => {
    const { context } = authBench({
      context: { runtime: { clock, random, transport: tokenServer }, tokenStore: store },
    })
    return oauth2Authenticator(options, context)
  })

  async function ask(source: number, signal: AbortSignal): Promise<void> {
    const auth = sources[source % sources.length]!
    for (let attempt = 1; ; attempt++) {
      const signed = await auth.sign(get('https://api.test/'), signal)
      const token = signed.headers['authorization']!.slice('Bearer '.length)
      if ((valid.get(token) ?? 0) > clock.now()) return
      // While sources take turns, a token can be rotated away under a request more than once.
      if (attempt > 8) return void broken.push(`still refused after ${attempt} attempts`)
      await auth.renew!(signed, signal)
    }
  }

  return async () => {
    const asked: Promise<unknown>[] = []
    for (const step of world.steps) {
      if (step.revoke) valid.clear()
      const abort = new AbortController()
      void clock.sleep(step.patienceMs).then(() => abort.abort(new Error('gave up')))
      asked.push(
        ask(step.source, abort.signal).catch((error: Error) => {
          if (error.message !== 'gave up' && !('code' in error && error.code === 'RETRIES_EXHAUSTED')) {
            broken.push(`failed with ${error}`)
          }
        }),
      )
      await clock.sleep(step.pauseMs)
    }
    await Promise.all(asked)
    clock.stop()
    return broken
  }
}

// PEERS: dlt not tested token race
test('S2, M1, M3, M5: no order of requests, expiries, revocations, aborts and faults spends a refresh token twice', async () => {
  const step = fc.record({
    source: fc.nat(2),
    pauseMs: fc.constantFrom(0, 0, 10, 150, 400, 2000, 20_000),
    patienceMs: fc.constantFrom(50, 400, 600_000, 600_000, 600_000),
    revoke: fc.boolean(),
  })
  const world = fc.record({
    seed: fc.nat(),
    lifeMs: fc.constantFrom(5000, 20_000, 3_600_000),
    sources: fc.integer({ min: 1, max: 3 }),
    faults: fc.constantFrom(0, 0.2, 0.6),
    steps: fc.array(step, { minLength: 1, maxLength: 25 }),
  })
  await fc.assert(
    fc.asyncProperty(world, async (drawn) => {
      expect(await simulate(drawn)()).toEqual([])
    }),
    { numRuns: 200 },
  )
}, 60_000)
