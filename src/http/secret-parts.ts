// Headers and query parameters that are secrets (S1). They are put on each attempt right before it is sent, so that no URL that is
// named in a message, planned or stored ever holds one.
import type { AuthContext } from '../auth/authenticator.ts'
import { checkHeaderText, lateCredential } from '../auth/credential.ts'
import { writePath } from '../options/explain.ts'
import { isSecret, type Secret } from '../options/secret.ts'
import type { QueryValue } from '../ports/request.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import { withQuery } from './request-url.ts'

type QueryScalar = string | number | boolean

/** Headers, by lower-case name, and query parameters as a config has them. */
export interface ConfiguredParts {
  readonly headers?: Readonly<Record<string, string | Secret>> | undefined
  readonly query?:
    | Readonly<Record<string, QueryScalar | Secret | readonly (QueryScalar | Secret)[]>>
    | undefined
}

/** What may be shown. */
export interface PlainParts {
  readonly headers: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, QueryValue>>
}

/** What may not. A list is secret as a whole where one of its values is. */
export interface SecretParts {
  readonly headers: Readonly<Record<string, Secret>>
  readonly query: Readonly<Record<string, readonly (QueryScalar | Secret)[]>>
}

/** Puts secrets on a request; takes the place of what is there under the same names. */
export type Attach = (request: HttpRequest) => HttpRequest

export function splitSecrets({ headers = {}, query = {} }: ConfiguredParts): {
  plain: PlainParts
  secret: SecretParts
} {
  const plain = { headers: {} as Record<string, string>, query: {} as Record<string, QueryValue> }
  const secret = {
    headers: {} as Record<string, Secret>,
    query: {} as Record<string, readonly (QueryScalar | Secret)[]>,
  }
  for (const [name, value] of Object.entries(headers)) {
    if (isSecret(value)) secret.headers[name] = value
    else plain.headers[name] = value
  }
  for (const [name, value] of Object.entries(query)) {
    const values = [value].flat() as (QueryScalar | Secret)[]
    if (values.some(isSecret)) secret.query[name] = values
    else plain.query[name] = value as QueryValue
  }
  return { plain, secret }
}

/** The secrets for whose names `nearer` has nothing of its own, plain or secret. */
export function secretsBeside(
  { headers, query }: SecretParts,
  nearer: { readonly plain: PlainParts; readonly secret: SecretParts },
): SecretParts {
  const others = <T>(parts: Readonly<Record<string, T>>, kind: keyof PlainParts) =>
    Object.fromEntries(
      Object.entries(parts).filter(
        ([name]) => !Object.hasOwn(nearer.plain[kind], name) && !Object.hasOwn(nearer.secret[kind], name),
      ),
    )
  return { headers: others(headers, 'headers'), query: others(query, 'query') }
}

/** Looks the secrets up when the first request is sent; `undefined` where there are none. */
export function attachSecrets(
  { headers, query }: SecretParts,
  context: Pick<AuthContext, 'lookup' | 'onSecret' | 'source'>,
): Attach | undefined {
  if (Object.keys(headers).length + Object.keys(query).length === 0) return undefined
  const late = (value: QueryScalar | Secret, option: string): (() => QueryScalar) =>
    isSecret(value) ? lateCredential(value, option, context) : () => value
  const lateHeaders = Object.entries(headers).map(([name, value]) => {
    const option = writePath(['headers', name])
    const reveal = lateCredential(value, option, context)
    return [
      name,
      () => {
        const text = reveal()
        checkHeaderText(text, option, context.source)
        return text
      },
    ] as const
  })
  const lateQuery = Object.entries(query).map(
    ([name, values]) => [name, values.map((value) => late(value, writePath(['query', name])))] as const,
  )
  return (request) => ({
    ...request,
    url: withQuery(
      request.url,
      Object.fromEntries(lateQuery.map(([name, values]) => [name, values.map((reveal) => reveal())])),
    ),
    headers: {
      ...request.headers,
      ...Object.fromEntries(lateHeaders.map(([name, reveal]) => [name, reveal()])),
    },
  })
}
