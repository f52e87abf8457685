// Several credentials in turn, each within its own quota (Q3), through a source as it is configured.
import { describe, expect, test } from 'vitest'
import { bearer } from '../auth/bearer.ts'
import { rotate } from '../auth/rotate.ts'
import { env } from '../options/secret.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { HttpRequest, HttpResponse } from '../ports/runtime.ts'
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { type OpenClientOptions, openClient } from './open-client.ts'

type Answer = { readonly status: number; readonly headers?: Record<string, string> }

function setup(
  answer: (token: string, clock: FakeClock) => Answer,
  options: Partial<OpenClientOptions> = {},
) {
  const clock = fakeClock({ auto: true })
  const asked: { token: string; at: number }[] = []
  const events: SluiceEvent[] = []
  const start = clock.now()
  const transport = async (request: HttpRequest): Promise<HttpResponse> => {
    const token = (request.headers['authorization'] ?? '').replace('Bearer ', '')
    asked.push({ token, at: clock.now() - start })
    const { status, headers = {} } = answer(token, clock)
    return { status, headers, body: (async function* () {})(), async discard() {} }
  }
  const client = openClient(
    'hub',
    {
      baseUrl: 'https://api.test',
      auth: rotate(bearer({ token: env('A') }), bearer({ token: env('B') }), bearer({ token: env('C') })),
      ...options,
    },
    {
      runtime: { transport, clock, random: seededRandom(1) },
      lookup: (name) => `token-${name}`,
      onEvent: (event) => events.push(event),
    },
  )
  const get = () => client.request({ method: 'GET', url: 'items', query: {}, headers: {} }, async () => 'ok')
  const tokens = () => asked.map(({ token }) => token.slice(-1)).join('')
  return { client, get, asked, tokens, events, clock }
}

const ok = { status: 200 }

// PEERS: Airbyte RateLimitedMultipleTokenAuthenticator
describe('credentials in rotation', () => {
  test('that are equal by their values are refused, wherever they come from, and none is quoted (S1)', () => {
    const equal = (lookup: (name: string) => string) =>
      openClient(
        'hub',
        {
          baseUrl: 'https://api.test',
          auth: rotate(bearer({ token: env('A') }), bearer({ token: env('B') }), bearer({ token: env('C') })),
        },
        { lookup },
      )
    expect(() => equal((name) => (name === 'B' ? 'second' : 'first'))).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message:
          'sources.hub.auth.credentials[2]: this is the same credential as credentials[0], by its value: name another one, or leave it out',
      }),
    )
  })

  // PEERS: Airbyte RateLimitedMultipleTokenAuthenticator
  test('ask in turn', async () => {
    const { get, tokens } = setup(() => ok)
    for (let index = 0; index < 6; index++) await get()
    expect(tokens()).toBe('ABCABC')
  })

  test('have the declared quota each, so that three of them ask three times as fast', async () => {
    const { get, asked } = setup(() => ok, { quotas: [{ requests: 10, per: '1m', burst: 10 }] })
    await Promise.all(Array.from({ length: 30 }, get))
    expect(asked.every(({ at }) => at < 1000)).toBe(true)
  })

  // PEERS: Airbyte RateLimitedMultipleTokenAuthenticator
  test('one that is refused for its rate rests, and another asks at once', async () => {
    const { get, tokens, asked } = setup((token, clock) =>
      token === 'token-A' && clock.now() % 3_600_000 < 60_000
        ? { status: 429, headers: { 'retry-after': '60' } }
        : ok,
    )
    for (let index = 0; index < 4; index++) await get()
    expect(tokens()).toBe('ABCBC')
    expect(asked.at(-1)!.at).toBe(0)
  })

  test('where all are refused, the one that is taken again first is waited for', async () => {
    const { get, asked, tokens } = setup((token, clock) => {
      const freeAt = { 'token-A': 90, 'token-B': 30, 'token-C': 60 }[token]!
      const left = freeAt - (clock.now() % 3_600_000) / 1000
      return left > 0 ? { status: 429, headers: { 'retry-after': String(Math.ceil(left)) } } : ok
    })
    await get()
    expect(tokens()).toBe('ABCB')
    expect(asked.at(-1)!.at).toBeGreaterThanOrEqual(30_000)
    expect(asked.at(-1)!.at).toBeLessThan(40_000)
  })

  test('one whose credential is refused is left out, and it is told; the last one’s refusal is an error', async () => {
    const refused = new Set(['token-B'])
    const { get, tokens, events } = setup((token) => (refused.has(token) ? { status: 401 } : ok))
    for (let index = 0; index < 5; index++) await get()
    expect(tokens()).toBe('ABCACA')
    expect(events.filter(({ type }) => type === 'credential.refused')).toMatchObject([
      { source: 'hub', left: 2 },
    ])
    refused.add('token-A').add('token-C')
    await expect(get()).rejects.toThrow(/answered 401 \(check the credential: auth\)/)
  })

  test('one alone, or a rotation inside another, is refused', () => {
    const client = (auth: unknown) => () =>
      openClient('hub', { baseUrl: 'https://api.test', auth: auth as never })
    expect(client({ type: 'rotate', credentials: [bearer({ token: 'x' })] })).toThrow(
      /auth\.credentials: .*two/,
    )
    expect(client(rotate(rotate() as never, bearer({ token: 'x' })))).toThrow(/"rotate" is no known type/)
  })
})
