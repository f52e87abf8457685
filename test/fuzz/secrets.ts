// S1: whatever a server sends back of the secrets that it was sent, none of them is anywhere but in the records.
import type { Chance } from './chance.ts'
import type { FuzzKind } from './kind.ts'
import { type SecretForms, secretForms } from './leaks.ts'
import { play } from './play.ts'
import { validPipeline } from './valid-pipeline.ts'

export const secrets: FuzzKind = {
  name: 'secrets',
  share: 20,
  run(chance, show) {
    const planted = ['SECRET_A', 'SECRET_B', 'SECRET_C', 'SECRET_D', 'SECRET_E'].map((variable) =>
      secretForms(variable, secretValue(chance)),
    )
    show(
      'secrets',
      planted.map(({ variable, value }) => `${variable}=${value}`),
    )
    const pipeline = validPipeline(chance, {
      ...(chance.happens(0.8) && { auth: authFor(chance) }),
      ...(chance.happens(0.6) && { headers: { 'x-secret': '${env:SECRET_D}', 'x-plain': 'plain' } }),
      ...(chance.happens(0.6) && { query: { signature: '${env:SECRET_E}', plain: 1 } }),
    })
    return play(pipeline, { chance, show, secrets: planted as SecretForms[], looks: true })
  },
}

/** Characters that each form of travel writes differently. */
function secretValue(chance: Chance): string {
  const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
  const random = chance.list(18, 24, () => chance.oneOf([...letters])).join('')
  const odd = chance.oneOf(['', '"', '\\', '+/=', ' ', '&=?#', '%41', "'"])
  return `${random.slice(0, 9)}${odd}${random.slice(9)}`
}

function authFor(chance: Chance): unknown {
  return chance.oneOf([
    { type: 'bearer', token: '${env:SECRET_A}' },
    { type: 'basic', username: '${env:SECRET_B}', password: '${env:SECRET_A}' },
    { type: 'api_key', in: 'header', name: 'x-key', key: '${env:SECRET_A}' },
    { type: 'api_key', in: 'query', name: 'k', key: '${env:SECRET_A}' },
    {
      type: 'oauth2',
      grant: 'client_credentials',
      tokenUrl: 'https://api.test/token',
      clientId: 'client',
      clientSecret: '${env:SECRET_A}',
    },
    {
      type: 'oauth2',
      grant: 'refresh_token',
      tokenUrl: 'https://api.test/token',
      clientId: 'client',
      clientSecret: '${env:SECRET_A}',
      refreshToken: '${env:SECRET_B}',
    },
    {
      type: 'session',
      login: {
        url: 'https://api.test/login',
        method: 'POST',
        body: { user: 'u', password: '${env:SECRET_A}' },
      },
      token: 'token',
    },
    {
      type: 'aws_sigv4',
      service: 's3',
      region: 'eu',
      accessKeyId: 'AKIA',
      secretAccessKey: '${env:SECRET_A}',
    },
  ])
}
