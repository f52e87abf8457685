import { z } from 'zod'
import type { Authenticator } from '../ports/authenticator.ts'
import { apiKeyAuthenticator, apiKeyOptions } from './api-key.ts'
import type { AuthContext } from './auth-context.ts'
import { awsSigV4Authenticator, awsSigV4Options } from './aws-sigv4.ts'
import { basicAuthenticator, basicOptions } from './basic.ts'
import { bearerAuthenticator, bearerOptions } from './bearer.ts'
import { customAuthenticator, customOptions } from './custom.ts'
import { hmacAuthenticator, hmacOptions } from './hmac.ts'
import { jwtAuthenticator, jwtOptions } from './jwt.ts'
import { noneAuthenticator, noneOptions } from './none.ts'
import { oauth2Authenticator } from './oauth2.ts'
import { oauth2Options } from './oauth2-options.ts'
import { sessionAuthenticator, sessionOptions } from './session.ts'

/** How a source proves who it is. */
export const authOptions = z.discriminatedUnion('type', [
  noneOptions,
  bearerOptions,
  basicOptions,
  apiKeyOptions,
  oauth2Options,
  jwtOptions,
  sessionOptions,
  hmacOptions,
  awsSigV4Options,
  customOptions,
])
export type AuthOptions = z.input<typeof authOptions>

/** The authenticator of validated options. */
export function createAuthenticator(
  options: z.output<typeof authOptions>,
  context: AuthContext,
): Authenticator {
  switch (options.type) {
    case 'none':
      return noneAuthenticator()
    case 'bearer':
      return bearerAuthenticator(options, context)
    case 'basic':
      return basicAuthenticator(options, context)
    case 'api_key':
      return apiKeyAuthenticator(options, context)
    case 'jwt':
      return jwtAuthenticator(options, context)
    case 'session':
      return sessionAuthenticator(options, context)
    case 'hmac':
      return hmacAuthenticator(options, context)
    case 'aws_sigv4':
      return awsSigV4Authenticator(options, context)
    case 'custom':
      return customAuthenticator(options, context)
    case 'oauth2':
      return oauth2Authenticator(options, context)
  }
}
