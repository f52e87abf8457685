import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { lateCredential } from '../options/late-secret.ts'
import { secret } from '../options/secret.ts'
import type { Authenticator } from '../ports/authenticator.ts'
import type { AuthContext } from './auth-context.ts'

export const basicOptions = z.strictObject({
  type: z
    .literal('basic')
    .describe('A user name and a password, sent as `Authorization: Basic …` (RFC 7617, UTF-8).'),
  username: secret.describe(
    'The user name, or the key of APIs that take one in its place. It can hold no colon.',
  ),
  password: z
    .union([z.literal(''), secret])
    .default('')
    .describe('The password. Default: empty, as for APIs that take a key as user name.'),
})
export type BasicOptions = z.input<typeof basicOptions>

/** A user name and a password: `basic({ username: env('KEY') })`. */
export function basic(options: Omit<BasicOptions, 'type'>): BasicOptions {
  return { type: 'basic', ...options }
}

export function basicAuthenticator(
  options: z.output<typeof basicOptions>,
  context: AuthContext,
  option = 'auth',
): Authenticator {
  const username = lateCredential(options.username, `${option}.username`, context)
  const password =
    options.password === '' ? () => '' : lateCredential(options.password, `${option}.password`, context)
  let authorization: string | undefined
  function pair(): string {
    const user = username()
    if (user.includes(':')) {
      throw new ConfigError(
        `sources.${context.source}.${option}.username`,
        'the user name holds a colon, where the password would begin (RFC 7617): put what follows it into auth.password',
      )
    }
    const encoded = Buffer.from(`${user}:${password()}`).toString('base64')
    context.onSecret(encoded)
    return `Basic ${encoded}`
  }
  return {
    async sign(request) {
      authorization ??= pair()
      return { ...request, headers: { ...request.headers, authorization } }
    },
  }
}
