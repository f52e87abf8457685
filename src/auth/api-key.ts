import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { secret } from '../options/secret.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import type { AuthContext, Authenticator } from './authenticator.ts'
import { checkHeaderText, lateCredential } from './credential.ts'

export const apiKeyOptions = z.strictObject({
  type: z.literal('api_key').describe('A key in a header, a query parameter or a cookie.'),
  in: z
    .enum(['header', 'query', 'cookie'])
    .default('header')
    .describe('Where the key goes. Default: header.'),
  name: z
    .string()
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z[\]-]+$/, {
      error: (issue) =>
        `${JSON.stringify(issue.input)} is no name for a header, a query parameter or a cookie`,
    })
    .describe('Name of the header, query parameter or cookie, as in `X-Api-Key`.'),
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
): Authenticator {
  const key = lateCredential(options.key, 'auth.key', context)
  const place = { header: inHeader, query: inQuery, cookie: inCookie }[options.in]
  return {
    sign: async (request) => place(request, options.name, `${options.prefix}${key()}`, context),
  }
}

function inHeader(request: HttpRequest, name: string, value: string, context: AuthContext): HttpRequest {
  checkHeaderText(value, 'auth.key', context.source)
  return { ...request, headers: { ...request.headers, [name.toLowerCase()]: value } }
}

/** Takes the place of a parameter of the same name: next-links often repeat it. The rest of the URL stays as it is written. */
function inQuery(request: HttpRequest, name: string, value: string, context: AuthContext): HttpRequest {
  const encoded = encodeURIComponent(value)
  if (encoded !== value) context.onSecret(encoded)
  const [address = '', fragment] = request.url.split('#', 2)
  const start = address.indexOf('?')
  const base = start < 0 ? address : address.slice(0, start)
  const others = (start < 0 ? '' : address.slice(start + 1))
    .split('&')
    .filter((part) => part !== '' && decodeName(part) !== name)
  const query = [...others, `${encodeURIComponent(name)}=${encoded}`].join('&')
  return { ...request, url: `${base}?${query}${fragment === undefined ? '' : `#${fragment}`}` }
}

function decodeName(parameter: string): string {
  return [...new URLSearchParams(parameter).keys()][0] ?? ''
}

function inCookie(request: HttpRequest, name: string, value: string, context: AuthContext): HttpRequest {
  // RFC 6265 §4.1.1 cookie-octet
  if (!/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/.test(value)) {
    throw new ConfigError(
      `sources.${context.source}.auth.key`,
      'the key holds a character that a cookie cannot carry (a space, a quote, a comma, a semicolon or a backslash): encode it as the API expects it',
    )
  }
  const others = (request.headers['cookie'] ?? '')
    .split(/;\s*/)
    .filter((pair) => pair !== '' && !pair.startsWith(`${name}=`))
  return { ...request, headers: { ...request.headers, cookie: [...others, `${name}=${value}`].join('; ') } }
}
