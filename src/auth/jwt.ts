import { z } from 'zod'
import type { Authenticator } from '../ports/authenticator.ts'
import type { AuthContext } from './auth-context.ts'
import { checkLifetime, jwtFields, jwtSigner } from './jwt-signer.ts'
import { checkPlacement, placementFields, placementOf } from './placement.ts'
import { tokenAuthenticator } from './token-authenticator.ts'
import { createTokenManager } from './token-manager.ts'

export const jwtOptions = z
  .strictObject({
    type: z
      .literal('jwt')
      .describe('A JSON Web Token that is signed here and is the credential itself (Apple, GitHub Apps).'),
    ...jwtFields,
    ...placementFields,
  })
  .check(checkPlacement)
  .check(checkLifetime)
export type JwtOptions = z.input<typeof jwtOptions>

/**
 * A token that is signed here and sent as it is:
 * `jwt({ algorithm: 'ES256', key: env('KEY'), keyId: '2X9R4HXF34', issuer: '57246542-96fe-1a63', audience: 'appstoreconnect-v1' })`.
 */
export function jwt(options: Omit<JwtOptions, 'type'>): JwtOptions {
  return { type: 'jwt', ...options }
}

export function jwtAuthenticator(
  options: z.output<typeof jwtOptions>,
  context: AuthContext,
  option = 'auth',
): Authenticator {
  const sign = jwtSigner(options, option, context)
  const manager = createTokenManager({
    runtime: context.runtime,
    place: `${context.source}: the token that is signed here`,
    source: context.source,
    onEvent: context.onEvent,
    onSecret: context.onSecret,
    async ask() {
      const { token, expiresAt } = await sign()
      return { accessToken: token, refreshToken: undefined, expiresAt }
    },
  })
  return tokenAuthenticator(manager, placementOf(options), context, option)
}
