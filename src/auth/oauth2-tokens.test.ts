import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { scriptedTransport } from '../testing/scripted-transport.ts'
import { oauth2 } from './oauth2.ts'
import { oauth2Tokens } from './oauth2-tokens.ts'

const options = oauth2({
  grant: 'client_credentials',
  tokenUrl: 'https://login.test/token',
  clientId: 'id',
  clientSecret: 's3cr3t',
})
const runtime = {
  clock: fakeClock(),
  random: () => 0.5,
  transport: scriptedTransport([
    { body: { access_token: 't1', expires_in: 60 } },
    { body: { access_token: 't2', expires_in: 60 } },
  ]),
}

test('tokens are had and renewed without a pipeline', async () => {
  const tokens = oauth2Tokens(options, { runtime })
  expect(await tokens.token()).toBe('t1')
  expect(await tokens.renew('t1')).toBe(true)
  expect(await tokens.renew('t1')).toBe(true)
  expect(await tokens.token()).toBe('t2')
})

test('options that are not valid are refused by name', () => {
  expect(() => oauth2Tokens({ ...options, grant: 'refresh_token' }, { runtime })).toThrow(
    'auth.refreshToken: the grant refresh_token needs refreshToken',
  )
})
