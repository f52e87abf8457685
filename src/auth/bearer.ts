import { z } from 'zod'
import { checkHeaderText, lateCredential } from '../options/late-secret.ts'
import { secret } from '../options/secret.ts'
import type { Authenticator } from '../ports/authenticator.ts'
import type { AuthContext } from './auth-context.ts'

export const bearerOptions = z.strictObject({
  type: z
    .literal('bearer')
    .describe('A token that does not expire during a run, sent as `Authorization: Bearer …`.'),
  token: secret.describe('The token.'),
})
export type BearerOptions = z.input<typeof bearerOptions>

/** A fixed token: `bearer({ token: env('API_TOKEN') })`. */
export function bearer(options: Omit<BearerOptions, 'type'>): BearerOptions {
  return { type: 'bearer', ...options }
}

export function bearerAuthenticator(
  options: z.output<typeof bearerOptions>,
  context: AuthContext,
  option = 'auth',
): Authenticator {
  const token = lateCredential(options.token, `${option}.token`, context)
  return {
    async sign(request) {
      const value = token()
      checkHeaderText(value, `${option}.token`, context.source)
      return { ...request, headers: { ...request.headers, authorization: `Bearer ${value}` } }
    },
  }
}
