// S1: whatever a server sends back of the secrets that it was sent, none of them is anywhere but in the records.
import type { Chance } from './chance.ts'
import { variable } from './config-values.ts'
import type { FuzzKind } from './kind.ts'
import { secretForms } from './leaks.ts'
import { play } from './play.ts'
import { validPipeline } from './valid-pipeline.ts'

export const secrets: FuzzKind = {
  name: 'secrets',
  share: 10,
  run(chance, show) {
    const planted = ['SECRET_A', 'SECRET_B', 'SECRET_C', 'SECRET_D', 'SECRET_E'].map((name) =>
      secretForms(name, secretValue(chance)),
    )
    show(
      'secrets',
      planted.map(({ variable: name, value }) => `${name}=${value}`),
    )
    const pipeline = validPipeline(chance, {
      // A certificate is no secret, and is named in messages.
      tls: undefined,
      ...(chance.happens(0.8) && { auth: authFor(chance) }),
      ...(chance.happens(0.6) && { headers: { 'x-secret': variable('SECRET_D'), 'x-plain': 'plain' } }),
      ...(chance.happens(0.6) && { query: { signature: variable('SECRET_E'), plain: 1 } }),
    })
    return play(pipeline, { chance, show, secrets: planted, looks: true })
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
    { type: 'bearer', token: variable('SECRET_A') },
    { type: 'basic', username: 'identifier', password: variable('SECRET_A') },
    { type: 'api_key', in: 'header', name: 'x-key', key: variable('SECRET_A') },
    { type: 'api_key', in: 'query', name: 'k', key: variable('SECRET_A') },
    {
      type: 'oauth2',
      grant: 'client_credentials',
      tokenUrl: 'https://api.test/token',
      clientId: 'client',
      clientSecret: variable('SECRET_A'),
    },
    {
      type: 'oauth2',
      grant: 'refresh_token',
      tokenUrl: 'https://api.test/token',
      clientId: 'client',
      clientSecret: variable('SECRET_A'),
      refreshToken: variable('SECRET_B'),
    },
    {
      type: 'session',
      login: {
        url: 'https://api.test/login',
        method: 'POST',
        body: { user: 'u', password: variable('SECRET_A') },
      },
      token: 'token',
    },
    {
      type: 'aws_sigv4',
      service: 's3',
      region: 'eu',
      accessKeyId: 'AKIA',
      secretAccessKey: variable('SECRET_A'),
    },
  ])
}
