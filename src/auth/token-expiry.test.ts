import { expect, test } from 'vitest'
import { tokenExpiry } from './token-expiry.ts'

const sentAt = Date.parse('2026-01-31T00:00:00Z')
const expiry = (
  reply: Record<string, unknown>,
  headers: Record<string, string> = {},
  accessToken = 'opaque',
) => {
  const at = tokenExpiry({ reply, accessToken, headers, sentAt })
  return at === undefined ? undefined : at - sentAt
}
const jwt = (claims: unknown) =>
  ['e30', Buffer.from(JSON.stringify(claims)).toString('base64url'), 'signature'].join('.')

test('expires_in counts from when the request was sent, whatever the server thinks the time is', () => {
  expect(expiry({ expires_in: 20 }, { date: 'Fri, 30 Jan 2026 12:00:00 GMT' })).toBe(20_000)
})

test('expires_in may be text', () => {
  expect(expiry({ expires_in: '3600' })).toBe(3_600_000)
})

test('an expires_in of nothing says nothing', () => {
  for (const nothing of [0, -1, '', null, undefined, 'soon', {}])
    expect(expiry({ expires_in: nothing })).toBeUndefined()
})

// PEERS: Airbyte OAuthAuthenticator
test('expires_at, as text or number, is brought to our clock by the Date header', () => {
  const serverAhead = { date: 'Sat, 31 Jan 2026 01:00:00 GMT' }
  expect(expiry({ expires_at: '2026-01-31T01:05:00Z' }, serverAhead)).toBe(300_000)
  const seconds = Date.parse('2026-01-31T01:05:00Z') / 1000
  expect(expiry({ expires_at: seconds }, serverAhead)).toBe(300_000)
  expect(expiry({ expires_at: String(seconds * 1000) }, serverAhead)).toBe(300_000)
})

test('without a Date header our own clock must do', () => {
  expect(expiry({ expires_at: '2026-01-31T00:05:00Z' })).toBe(300_000)
  expect(expiry({ expires_at: '2026-01-31T00:05:00Z' }, { date: 'yesterday' })).toBe(300_000)
})

test('a JWT tells its own end, where the reply does not', () => {
  const token = jwt({ exp: sentAt / 1000 + 60 })
  expect(expiry({}, {}, token)).toBe(60_000)
  expect(expiry({}, { date: 'Fri, 30 Jan 2026 23:59:30 GMT' }, token)).toBe(90_000)
  expect(expiry({ expires_in: 30 }, {}, token)).toBe(30_000)
})

test('what only looks like a JWT tells nothing', () => {
  for (const token of ['a.b.c', jwt(null), jwt({ exp: 'x' }), jwt([])])
    expect(expiry({}, {}, token)).toBeUndefined()
})
