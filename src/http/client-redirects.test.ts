import { expect, test } from 'vitest'
import { bench, caught, get, tokens } from '../../test/http/client-bench.ts'

test('R3: no request goes to another origin, and nothing is sent', async () => {
  const { ask, transport } = bench([])
  expect(await caught(ask(get('https://evil.test/next')))).toMatchObject({ code: 'ORIGIN_REFUSED' })
  expect(transport.requests).toEqual([])
})

// PEERS: dlt test_client settings of one call
test('R3: a redirect to another origin is refused, naming both', async () => {
  const { ask, transport } = bench([{ status: 302, headers: { location: 'https://evil.test/x' } }], {
    auth: tokens(),
  })
  const error = await caught(ask())
  expect(error).toMatchObject({ code: 'REDIRECT_REFUSED', recovery: 'fix-config' })
  expect(error.message).toBe(
    'https://api.test/v2/items redirects (302) to https://evil.test/x: the credential is not sent from https://api.test to https://evil.test; if both belong to one API, list https://evil.test in allowedOrigins',
  )
  expect(transport.requests).toHaveLength(1)
})

test('a redirect within the allowed origins is followed, signed afresh, and the consumer is told the final URL', async () => {
  const { client, transport } = bench(
    [
      { status: 301, headers: { location: '/v3/items?page=1#top' } },
      { status: 307, headers: { location: 'https://eu.api.test/v3/items' } },
      {},
    ],
    { allowedOrigins: ['https://eu.api.test'], auth: tokens() },
  )
  expect(await client.request(get(), async (_, url) => url)).toBe('https://eu.api.test/v3/items')
  expect(transport.requests.map((request) => request.url)).toEqual([
    'https://api.test/v2/items',
    'https://api.test/v3/items?page=1',
    'https://eu.api.test/v3/items',
  ])
  expect(transport.requests[2]!.headers['authorization']).toBe('Bearer token-1')
})

test('a ring of redirects comes to an end', async () => {
  const { ask, transport } = bench(Array(9).fill({ status: 302, headers: { location: '/v2/items' } }))
  expect((await caught(ask())).message).toBe(
    'https://api.test/v2/items redirects (302) to https://api.test/v2/items: more than 5 redirects, begun at https://api.test/v2/items',
  )
  expect(transport.requests).toHaveLength(6)
})

test('a redirected POST is refused', async () => {
  const { ask } = bench([{ status: 308, headers: { location: '/v3/search' } }])
  expect((await caught(ask(get('search', { method: 'POST', safe: true })))).message).toBe(
    'https://api.test/v2/search redirects (308) to https://api.test/v3/search: a POST is not sent to another address: configure the new one',
  )
})
