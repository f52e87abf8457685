import { expect, test } from 'vitest'
import type { Value } from '../../ports/json.ts'
import { errorBodyMessage } from './error-body.ts'

// PEERS: dlt not tested error body with 200
test.each<[Value, string]>([
  [{ error: 'invalid_token' }, 'invalid_token'],
  [{ error: 'RecordNotFound', description: 'Not found' }, 'RecordNotFound (Not found)'],
  [{ error: { title: 'Forbidden', message: 'You do not have access' } }, 'Forbidden: You do not have access'],
  [
    { code: 429, error: 'Project exceeded rate limits', status: 'Too Many Requests' },
    'Project exceeded rate limits (429)',
  ],
  [{ error: true, message: 'no such table' }, 'error: true (no such table)'],
  [{ error: { nested: { odd: 1 } } }, '{"nested":{"odd":1}}'],
  [
    { errors: [{ type: 'RATE_LIMITED', message: 'API rate limit exceeded' }] },
    'RATE_LIMITED: API rate limit exceeded',
  ],
  [{ data: null, errors: ['a', 'b', 'c', 'd', 'e'] }, 'a; b; c; and 2 more'],
  [{ errors: { base: 'wrong' } }, '{"base":"wrong"}'],
  [{ ok: false, error: 'not_authed' }, 'not_authed'],
  [{ ok: false, id: 12345678901234567890n }, '{"ok":false,"id":"12345678901234567890"}'],
  [{ success: 'false', msg: 'quota' }, 'quota'],
  [{ status: 'error', message: 'maintenance' }, 'maintenance'],
  [{ type: 'about:blank', status: 403, title: 'Forbidden', detail: 'no scope' }, 'about:blank: no scope'],
  [{ fault: { faultstring: 'Invalid API key' } }, 'Invalid API key'],
])('an error body is recognised (R2), case %#', (body, message) => {
  expect(errorBodyMessage(body)).toBe(message)
})

test.each<[Value]>([
  [{ tickets: [] }],
  [{ error: null, errors: [], tickets: [] }],
  [{ ok: true, status: 'ok', error: '' }],
  [{ status: 200, message: 'fine' }],
  [{ status: 'closed', code: 404 }],
  [[]],
  [null],
  ['error'],
])('what is no error body is left alone: %j', (body) => {
  expect(errorBodyMessage(body)).toBeUndefined()
})

test('a long message is cut', () => {
  expect(errorBodyMessage({ error: 'x'.repeat(1000) })).toBe(`${'x'.repeat(300)}…`)
})

test('lists inside one another without end are told in a few words, and break nothing', () => {
  const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as Value
  expect(errorBodyMessage({ error: nested(100_000) })).toBe('(nested too deep to be shown)')
  expect(errorBodyMessage({ errors: [[[['deep']]]] })).toBe('deep')
  expect(errorBodyMessage({ ok: false, more: nested(100_000) })).toBe('(nested too deep to be shown)')
})
