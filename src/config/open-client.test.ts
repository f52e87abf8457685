import { expect, test } from 'vitest'
import { bearer } from '../auth/bearer.ts'
import { env } from '../options/secret.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { Runtime } from '../ports/runtime.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { scriptedTransport } from '../testing/scripted-transport.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { type OpenClientOptions, openClient } from './open-client.ts'

const ping = { method: 'GET', url: 'ping', query: {}, headers: {} }
const baseUrl = 'https://api.example.com'

// PEERS: dlt test_client custom session and auth
test('a client signs requests, waits for its quotas, and retries, as a source does', async () => {
  const transport = scriptedTransport([{ status: 503 }, { body: {} }, { body: {} }])
  const clock = fakeClock({ auto: true })
  const events: SluiceEvent[] = []
  const client = openClient(
    'api',
    { baseUrl, auth: bearer({ token: env('TOKEN') }), quotas: [{ requests: 2, per: '1m' }] },
    {
      runtime: { transport, clock, random: seededRandom(1) },
      lookup: () => 'very-secret',
      onEvent: (event) => events.push(event),
    },
  )
  for (let index = 0; index < 2; index++)
    await client.request(ping, async (response) => {
      await response.discard()
    })
  expect(transport.requests.map(({ headers }) => headers['authorization'])).toEqual(
    Array(3).fill('Bearer very-secret'),
  )
  expect(events.map(({ type }) => type)).toContain('request.retry')
  expect(events.map(({ type }) => type)).toContain('quota.wait')
  expect(JSON.stringify(events)).not.toContain('very-secret')
})

test('an error of the API shows no secret that it quotes back (S1)', async () => {
  const runtime: Runtime = {
    transport: scriptedTransport([{ status: 400, body: { error: 'bad token very-secret' } }]),
    clock: fakeClock({ auto: true }),
    random: seededRandom(1),
  }
  const auth = bearer({ token: env('TOKEN') })
  const client = openClient('api', { baseUrl, auth }, { runtime, lookup: () => 'very-secret' })
  await expect(client.request(ping, async () => {})).rejects.toThrow(/bad token \*\*\*/)
})

test('an option that is misspelt is refused with the nearest right spelling', () => {
  expect(() => openClient('api', { baseUrl, qoutas: [] } as OpenClientOptions)).toThrow(
    'qoutas: there is no such option; did you mean "quotas"?',
  )
})
