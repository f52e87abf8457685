import { ConfigError } from '../errors.ts'
import { userinfoProblem } from '../options/secret.ts'
import type { QueryValue, RequestSpec } from '../ports/request.ts'
import { OriginRefusedError } from './errors.ts'

/** What a source's requests may be sent to. */
export interface Origins {
  /** Ends with `/`, so that relative URLs go below it. */
  readonly base: string
  /** The origins that get the source's credential (R3): the base URL's own, and those that were listed. */
  readonly allowed: ReadonlySet<string>
}

/** @throws ConfigError where one of them is no absolute http or https URL */
export function sourceOrigins(baseUrl: string, allowedOrigins: readonly string[] = []): Origins {
  const base = absolute(baseUrl, 'baseUrl')
  if (base.username !== '' || base.password !== '') throw new ConfigError('baseUrl', userinfoProblem)
  if (base.search !== '' || base.hash !== '')
    throw new ConfigError('baseUrl', 'must have no query and no fragment: put parameters into the streams')
  const allowed = new Set([
    base.origin,
    ...allowedOrigins.map((origin) => absolute(origin, 'allowedOrigins').origin),
  ])
  return { base: base.href.endsWith('/') ? base.href : `${base.href}/`, allowed }
}

function absolute(text: string, option: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ConfigError(option, `${JSON.stringify(text)} is no absolute http or https URL`)
  return url
}

/**
 * The absolute URL of a request. A relative one goes below the base URL, one that begins with `/` below its origin (RFC 3986).
 * The URL's own query stays as it is written, since it may be encoded in ways of its own; parameters of `query` are encoded once and
 * take the place of those of the same name.
 * @throws OriginRefusedError where it is at an origin that is not allowed (R3)
 */
export function requestUrl(spec: Pick<RequestSpec, 'url' | 'query'>, origins: Origins): string {
  let url: URL
  try {
    url = new URL(spec.url, origins.base)
  } catch {
    throw new ConfigError(
      '',
      `${JSON.stringify(spec.url)} is no URL, absolute or relative to ${origins.base}`,
    )
  }
  checkOrigin(url, origins)
  if (url.hash !== '') url.hash = ''
  return withQuery(url.href, spec.query)
}

/** R3 */
export function checkOrigin(url: URL, origins: Origins): void {
  if (!origins.allowed.has(url.origin))
    throw new OriginRefusedError(
      url.origin === 'null' ? url.href : url.origin + url.pathname,
      url.origin === 'null' ? url.protocol : url.origin,
      [...origins.allowed].join(' or '),
    )
}

/** The URL with `query` added, each of its parameters in the place of those of the same name. */
export function withQuery(url: string, query: Readonly<Record<string, QueryValue>>): string {
  const names = Object.keys(query)
  if (names.length === 0) return url
  const start = url.indexOf('?')
  const path = start < 0 ? url : url.slice(0, start)
  const kept =
    start < 0
      ? []
      : url
          .slice(start + 1)
          .split('&')
          .filter((part) => part !== '' && !Object.hasOwn(query, parameterName(part)))
  for (const name of names) {
    const value = query[name]!
    const encodedName = encodeURIComponent(name)
    for (const one of typeof value === 'object' ? value : [value])
      kept.push(`${encodedName}=${encodeURIComponent(one)}`)
  }
  return kept.length === 0 ? path : `${path}?${kept.join('&')}`
}

function parameterName(part: string): string {
  const end = part.indexOf('=')
  const name = (end < 0 ? part : part.slice(0, end)).replaceAll('+', ' ')
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
