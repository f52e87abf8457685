// Where a credential stands in a request: a header, a query parameter or a cookie.
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { checkHeaderText } from '../options/late-secret.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import type { AuthContext } from './auth-context.ts'

export interface Placement {
  readonly in: 'header' | 'query' | 'cookie'
  /** Name of the header, query parameter or cookie. */
  readonly name: string
  /** Sent in front of the value, its space included. */
  readonly prefix: string
}

/** An option that names a header, a query parameter or a cookie. */
export const placeName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z[\]-]+$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no name for a header, a query parameter or a cookie`,
})

/** Where a token goes that is fetched or signed here. */
export const placementFields = {
  in: z
    .enum(['header', 'query', 'cookie'])
    .exactOptional()
    .describe('Where the token goes. Default: header.'),
  name: placeName
    .exactOptional()
    .describe('Name of the header, query parameter or cookie. Default, for a header: Authorization.'),
  prefix: z
    .string()
    .exactOptional()
    .describe(
      'Sent in front of the token, its space included. Default: `"Bearer "` in Authorization, nothing elsewhere.',
    ),
}

interface ConfiguredPlacement {
  readonly in?: Placement['in']
  readonly name?: string
  readonly prefix?: string
}

/** Asks for a name where nothing else tells it. For zod's `check`. */
export function checkPlacement(context: z.core.ParsePayload<ConfiguredPlacement>): void {
  const { in: place = 'header', name } = context.value
  if (place === 'header' || name !== undefined) return
  context.issues.push({
    code: 'custom',
    path: ['name'],
    input: undefined,
    message: `\`in: ${place}\` needs the name of the ${place === 'query' ? 'parameter' : 'cookie'}`,
  })
}

/** The place that options name; without any, the `Authorization` header. */
export function placementOf(options: ConfiguredPlacement): Placement {
  const { in: place = 'header', name = 'authorization' } = options
  const bearer = place === 'header' && name.toLowerCase() === 'authorization'
  return { in: place, name, prefix: options.prefix ?? (bearer ? 'Bearer ' : '') }
}

/**
 * The request with the credential in its place; what is there under the same name goes.
 * @param option names the credential in messages: `auth.key`
 * @throws ConfigError where the value can't be sent there
 */
export function place(
  request: HttpRequest,
  { in: where, name, prefix }: Placement,
  credential: string,
  option: string,
  context: Pick<AuthContext, 'onSecret' | 'source'>,
): HttpRequest {
  const value = prefix + credential
  switch (where) {
    case 'header':
      checkHeaderText(value, option, context.source)
      return { ...request, headers: { ...request.headers, [name.toLowerCase()]: value } }
    case 'query':
      return inQuery(request, name, value, context)
    case 'cookie':
      return inCookie(request, name, value, option, context)
  }
}

/** The credential that `place` has put there; `undefined` where there is none. */
export function placed(request: HttpRequest, { in: where, name, prefix }: Placement): string | undefined {
  const value = {
    header: () => request.headers[name.toLowerCase()],
    query: () => new URL(request.url).searchParams.get(name) ?? undefined,
    cookie: () =>
      cookiesOf(request)
        .find((pair) => pair.startsWith(`${name}=`))
        ?.slice(name.length + 1),
  }[where]()
  return value?.startsWith(prefix) ? value.slice(prefix.length) : undefined
}

/** Takes the place of a parameter of the same name: next-links often repeat it. The rest of the URL stays as it is written. */
function inQuery(
  request: HttpRequest,
  name: string,
  value: string,
  context: Pick<AuthContext, 'onSecret'>,
): HttpRequest {
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

function inCookie(
  request: HttpRequest,
  name: string,
  value: string,
  option: string,
  context: Pick<AuthContext, 'source'>,
): HttpRequest {
  // RFC 6265 §4.1.1: cookie-octets, which may be between quotes.
  if (!/^("?)[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*\1$/.test(value)) {
    throw new ConfigError(
      `sources.${context.source}.${option}`,
      'the key holds a character that a cookie cannot carry (a space, a quote, a comma, a semicolon or a backslash): encode it as the API expects it',
    )
  }
  const others = cookiesOf(request).filter((pair) => !pair.startsWith(`${name}=`))
  return { ...request, headers: { ...request.headers, cookie: [...others, `${name}=${value}`].join('; ') } }
}

function cookiesOf(request: HttpRequest): readonly string[] {
  return (request.headers['cookie'] ?? '').split(/;\s*/).filter((pair) => pair !== '')
}
