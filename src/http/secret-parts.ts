// The parts of a request that are secrets (S1). They are put on each attempt right before it is sent, so that no URL that is
// named in a message, planned or stored ever holds one. A header or query parameter is put on as a whole; inside a path, a body or any
// other text a mark stands for the secret until then, which names the variable: `bot***BOT_TOKEN***/getUpdates`.

import { writePath } from '../options/explain.ts'
import { checkHeaderText, lateCredential, type SecretContext } from '../options/late-secret.ts'
import { isSecret, type Secret } from '../options/secret.ts'
import type { QueryValue } from '../ports/request.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import { bodyLanguage } from './request-body.ts'
import { flattenQuery, type QueryObject, type QueryScalar } from './request-query.ts'
import { withQuery } from './request-url.ts'

/** Headers, by lower-case name, and query parameters as a config has them. */
export interface ConfiguredParts {
  readonly headers?: Readonly<Record<string, string | Secret>> | undefined
  readonly query?: QueryObject | undefined
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
  for (const [name, values] of flattenQuery(query)) {
    if (values.some(isSecret)) secret.query[name] = values
    else plain.query[name] = (values.length === 1 ? values[0] : values) as QueryValue
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
export function attachSecrets({ headers, query }: SecretParts, context: SecretContext): Attach | undefined {
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

/** The text of a secret with a mark in the place of each variable. A mark is the same in a URL, in JSON, in a form and in a header. */
export function markedText(secret: Secret): string {
  return secret.write((variable) => `***${variable}***`)
}

/** Puts the values of `variables` in the place of their marks, each encoded as where it stands; `undefined` where there are none. */
export function attachMarked(
  variables: ReadonlyMap<string, { readonly secret: Secret; readonly option: string }>,
  context: SecretContext,
): Attach | undefined {
  if (variables.size === 0) return undefined
  const late = new Map(
    Array.from(variables, ([name, { secret, option }]) => [name, lateCredential(secret, option, context)]),
  )
  const put = (text: string, encode: (value: string, name: string) => string) =>
    text.replace(/\*\*\*([A-Za-z_]\w*)\*\*\*/g, (mark, name: string) => {
      const reveal = late.get(name)
      return reveal === undefined ? mark : encode(reveal(), name)
    })
  const inHeader = (value: string, name: string) => {
    checkHeaderText(value, variables.get(name)!.option, context.source)
    return value
  }
  return (request) => ({
    ...request,
    url: put(request.url, encodeURIComponent),
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, put(value, inHeader)]),
    ),
    ...(typeof request.body === 'string' && {
      body: put(request.body, inBody[bodyLanguage(request.headers['content-type'])]),
    }),
  })
}

const inBody: Readonly<Record<ReturnType<typeof bodyLanguage>, (value: string) => string>> = {
  json: (value) => JSON.stringify(value).slice(1, -1),
  form: (value) => new URLSearchParams([['', value]]).toString().slice(1),
  text: (value) => value,
}
