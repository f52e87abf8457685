import { expect, test } from 'vitest'
import { openClient } from '../config/open-client.ts'

const said = (auth: object, more: object = {}) => {
  try {
    openClient('desk', { baseUrl: 'https://api.test', auth, ...more } as never)
  } catch (error) {
    return (error as Error).message
  }
  return 'nothing'
}

// PEERS: dlt test_auth_config masking in validation errors
test.each<[string, object, object?]>([
  [
    'the key of an assertion',
    { type: 'oauth2', grant: 'jwt_bearer', tokenUrl: 'https://a.test', assertion: { key: 918_273 } },
  ],
  ['a service account', { type: 'oauth2', grant: 'jwt_bearer', serviceAccount: { private_key: 918_273 } }],
  [
    'the header of a login',
    { type: 'session', token: 't', login: { url: 'login', headers: { 'x-key': 918_273 } } },
  ],
  [
    'the query of a login',
    { type: 'session', token: 't', login: { url: 'login', query: { key: [918_273] } } },
  ],
  [
    'an AWS secret',
    { type: 'aws_sigv4', service: 's', region: 'r', accessKeyId: 'a', secretAccessKey: 918_273 },
  ],
  ['the key of a certificate', { type: 'none' }, { tls: { cert: 'c', key: 918_273 } }],
])('%s that is no text is refused without being quoted (S1)', (_name, auth, more) => {
  const message = said(auth, more)
  expect(message).toMatch(/^(auth|tls)\./)
  expect(message).toContain('***')
  expect(message).not.toContain('918')
})
