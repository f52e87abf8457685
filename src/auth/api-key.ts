import { z } from 'zod'
import { lateCredential } from '../options/late-secret.ts'
import { secret } from '../options/secret.ts'
import type { Authenticator } from '../ports/authenticator.ts'
import type { AuthContext } from './auth-context.ts'
import { place, placeName } from './placement.ts'

export const apiKeyOptions = z.strictObject({
  type: z.literal('api_key').describe('A key in a header, a query parameter or a cookie.'),
  in: z
    .enum(['header', 'query', 'cookie'])
    .default('header')
    .describe('Where the key goes. Default: header.'),
  name: placeName.describe('Name of the header, query parameter or cookie, as in `X-Api-Key`.'),
  key: secret.describe('The key.'),
  prefix: z
    .string()
    .default('')
    .describe('Sent in front of the key, its space included, as in `"SSWS "` or `"Bot "`. Default: nothing.'),
})
export type ApiKeyOptions = z.input<typeof apiKeyOptions>

/** A key in a header, a query parameter or a cookie: `apiKey({ name: 'X-Api-Key', key: env('KEY') })`. */
export function apiKey(options: Omit<ApiKeyOptions, 'type'>): ApiKeyOptions {
  return { type: 'api_key', ...options }
}

export function apiKeyAuthenticator(
  options: z.output<typeof apiKeyOptions>,
  context: AuthContext,
  option = 'auth',
): Authenticator {
  const key = lateCredential(options.key, `${option}.key`, context)
  return { sign: async (request) => place(request, options, key(), `${option}.key`, context) }
}
