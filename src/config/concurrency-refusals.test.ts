// An API that takes a few requests at once, and says so in the words that others have for a rate.
import { expect, test } from 'vitest'
import { memoryTokenStore } from '../auth/token-store.ts'
import type { HttpHeaders } from '../ports/runtime.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { scriptedTransport } from '../testing/scripted-transport.ts'
import { openClient } from './open-client.ts'

const atOnce = 5
const answerMs = 200
const requests = 1000

async function ask(refusal: (left: number, resetAt: number) => HttpHeaders) {
  const clock = fakeClock({ start: Date.UTC(2026, 0, 1), auto: true })
  let inFlight = 0
  let refused = 0
  let left = 100_000
  const resetAt = clock.now() / 1000 + 3600
  const holds: string[] = []
  await using client = openClient(
    'okta',
    { baseUrl: 'https://acme.okta.test', maxConcurrent: 20 },
    {
      tokenStore: memoryTokenStore(),
      onEvent(event) {
        if (event.type === 'quota.hold' && event.kind !== 'places') holds.push(event.quota)
      },
      runtime: {
        clock,
        random: () => 0.5,
        async transport(request, signal) {
          if (inFlight >= atOnce) {
            refused++
            await clock.sleep(1, signal)
            const headers = { 'content-type': 'application/json', ...refusal(left, resetAt) }
            return scriptedTransport([{ status: 429, headers, body: { errorCode: 'E0000047' } }])(request)
          }
          inFlight++
          left--
          await clock.sleep(answerMs, signal)
          inFlight--
          const headers = {
            'content-type': 'application/json',
            'x-rate-limit-limit': '100000',
            'x-rate-limit-remaining': String(left),
            'x-rate-limit-reset': String(resetAt),
          }
          return scriptedTransport([{ headers, body: [] }])(request)
        },
      },
    },
  )
  const begun = clock.now()
  let open = requests
  const read = async () => {
    while (open-- > 0)
      await client.request({ method: 'GET', url: '/api/v1/logs', query: {}, headers: {} }, (response) =>
        response.discard(),
      )
  }
  await Promise.all(Array.from({ length: 40 }, read))
  clock.stop()
  return { refused, holds, share: (requests * answerMs) / atOnce / (clock.now() - begun) }
}

test.for<[string, (left: number, resetAt: number) => HttpHeaders]>([
  [
    'a limit of 0 and a reset that is a guess',
    (_left, resetAt) => ({
      'x-rate-limit-limit': '0',
      'x-rate-limit-remaining': '0',
      'x-rate-limit-reset': String(resetAt),
    }),
  ],
  [
    'a budget that is not spent',
    (left, resetAt) => ({
      'x-rate-limit-limit': '100000',
      'x-rate-limit-remaining': String(left),
      'x-rate-limit-reset': String(resetAt),
    }),
  ],
])(
  'too many at once, told as %s, lowers what is in flight, and neither the rate nor the budget',
  async ([, refusal]) => {
    const { refused, holds, share } = await ask(refusal)
    expect(refused / requests).toBeLessThan(0.03)
    expect(share).toBeGreaterThan(0.7)
    expect(holds).toEqual([])
  },
)
