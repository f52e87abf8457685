import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bench, caught, get, text, tokens } from '../../test/http/client-bench.ts'
import { createRedactor } from './redact.ts'

// PEERS: Airbyte event 4xx
test('an error names the request, the status, what the API says, and what to check', async () => {
  const body = { error: { message: 'No such\ncustomer' } }
  const error = await caught(bench([{ status: 404, body }]).ask())
  expect(error).toMatchObject({
    code: 'HTTP_STATUS',
    status: 404,
    recovery: 'stop-stream',
    excerpt: JSON.stringify(body),
  })
  expect(error.message).toBe(
    'GET https://api.test/v2/items answered 404: No such customer (check baseUrl and path)',
  )
})

test.for([
  [
    304,
    'stop-stream',
    'only a conditional request is answered so: remove if-none-match and if-modified-since from its headers',
  ],
  [302, 'stop-stream', 'a redirect that names no location'],
  [400, 'stop-stream', "check the request's query and body"],
  [401, 'fix-config', 'check the credential: auth'],
  [402, 'stop-stream', "check the account's plan"],
  [403, 'fix-config', 'the credential is known, but lacks a permission or scope'],
  [405, 'stop-stream', 'check the method'],
  [406, 'stop-stream', 'check the headers accept and content-type'],
  [410, 'stop-stream', 'the API has withdrawn this endpoint, or no longer knows the cursor'],
  [413, 'stop-stream', 'the request is too large: ask for less at once'],
  [418, 'stop-stream', 'the API refuses the request as it is'],
] as const)('%d is an error (%s): %s', async ([status, recovery, hint]) => {
  const error = await caught(bench([{ status, headers: {}, body: 'sorry' }]).ask())
  expect(error).toMatchObject({ recovery, status })
  expect(error.message).toBe(`GET https://api.test/v2/items answered ${status}: sorry (${hint})`)
})

// PEERS: dlt test_client error body
test('an error body is shown by its first 300 characters, inflated, also where it breaks off', async () => {
  const long = await caught(bench([{ status: 400, body: 'x'.repeat(100_000) }]).ask())
  expect(long.message).toContain(`400: ${'x'.repeat(300)} (`)
  const zipped = await caught(bench([{ status: 400, body: gzipSync('{"message":"zipped"}') }]).ask())
  expect(zipped.message).toContain('400: zipped (')
  const broken = await caught(bench([{ status: 400, body: 'cut o', bodyError: new Error('reset') }]).ask())
  expect(broken.message).toContain('400: cut o (')
  const garbled = await caught(bench([{ status: 400, body: new Uint8Array([0x1f, 0x8b, 1, 2, 3]) }]).ask())
  expect(garbled.message).toBe(
    "GET https://api.test/v2/items answered 400 (check the request's query and body)",
  )
})

// PEERS: dlt no refresh after a 401
// PEERS: Airbyte event 4xx
test('a 401 renews the credential once, and asks once more', async () => {
  const auth = tokens()
  const { ask, transport } = bench([{ status: 401 }, { body: 'ok' }], { auth })
  expect(await ask()).toBe('ok')
  expect(transport.requests.map((request) => request.headers['authorization'])).toEqual([
    'Bearer token-1',
    'Bearer token-2',
  ])
  expect(auth.renewals).toBe(1)
})

test('a second 401 is an answer', async () => {
  const auth = tokens()
  const { ask, transport } = bench([{ status: 401 }, { status: 401, body: '{"error":"no token-2"}' }, {}], {
    auth,
    redactor: createRedactor(['token-1', 'token-2']),
  })
  const error = await caught(ask())
  expect(error).toMatchObject({ code: 'AUTH_REFUSED', recovery: 'fix-config' })
  expect(error.message).toBe(
    'GET https://api.test/v2/items answered 401: no *** (check the credential: auth); the credential was renewed just before, and is refused as well',
  )
  expect(transport.requests).toHaveLength(2)
  expect(auth.renewals).toBe(1)
})

test('a 401 to a credential that cannot be renewed is an answer at once', async () => {
  const { ask, transport } = bench([{ status: 401 }], { auth: tokens({ renews: false }) })
  expect((await caught(ask())).message).toBe(
    'GET https://api.test/v2/items answered 401 (check the credential: auth)',
  )
  expect(transport.requests).toHaveLength(1)
})

test('what the caller says of a refusal outranks its status, and is asked for each attempt', async () => {
  const { client, transport } = bench([{ status: 404 }, { status: 404 }])
  let asked = 0
  const react = () => ({ action: ++asked === 1 ? ('retry' as const) : ('ignore' as const), message: 'gone' })
  const error = await caught(client.request(get(), text, { react, about: 'parent.id 7' }))
  expect(error).toMatchObject({
    action: 'ignore',
    message: 'GET https://api.test/v2/items answered 404 for parent.id 7: gone',
  })
  expect(transport.requests).toHaveLength(2)
})
