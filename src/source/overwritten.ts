// What a request says in two places, of which one would take the place of the other, so that whoever wrote both is not told.
import { placementOf } from '../auth/placement.ts'
import type { SourceAuth } from '../auth/rotate.ts'
import { flattenQuery, type QueryObject } from '../http/request-query.ts'
import type { PaginatorOptions } from '../pagination/options.ts'
import type { RequestValue } from '../pagination/request-value.ts'
import { requestValue } from '../pagination/request-value.ts'
import type { RestSettings, StreamSettings } from './rest-options.ts'
import type { StreamProblem } from './stream-rules.ts'

/** Query parameters and headers that the paginator writes on every request, the first included. */
export function* overwrittenByPages(
  stream: Pick<StreamSettings, 'paginate' | 'query' | 'headers'>,
): Iterable<StreamProblem> {
  const { paginate, query = {}, headers = {} } = stream
  if (paginate === undefined) return
  const parameters = flattenQuery(query as QueryObject)
  for (const { option, place } of alwaysWritten(paginate)) {
    const name =
      typeof place === 'string' ? place : 'header' in place ? place.header.toLowerCase() : undefined
    if (name === undefined) continue
    const where = typeof place === 'string' ? 'query' : 'headers'
    const isWritten =
      where === 'query' ? (parameters.get(name)?.length ?? 0) > 0 : Object.hasOwn(headers, name)
    if (!isWritten) continue
    yield {
      path: [where, name],
      message: `\`paginate.${option}\` writes ${name} on every request, and would overwrite this one: leave one of the two out${remedyOf(paginate, option)}`,
    }
  }
}

/** A token or the field of a record has no value on the first page, so that one may stand in the request: `cursor: '*'`. */
function* alwaysWritten(
  paginate: PaginatorOptions,
): Iterable<{ readonly option: string; readonly place: RequestValue }> {
  if (paginate.type === 'offset' || paginate.type === 'page-number') {
    const fallback = paginate.type === 'offset' ? 'offset' : 'page'
    yield { option: 'param', place: requestValue.parse(paginate.param ?? fallback) }
  }
  if ('size' in paginate && paginate.size !== undefined && 'param' in paginate.size)
    yield { option: 'size.param', place: requestValue.parse(paginate.size.param) }
}

function remedyOf({ type }: PaginatorOptions, option: string): string {
  if (option !== 'param') return ''
  return type === 'page-number' ? '. Where the list begins at another page, say so in `paginate.first`' : ''
}

/** Headers in which the credential is sent. */
export function* overwrittenByAuth(
  source: Pick<RestSettings, 'auth' | 'headers' | 'streams'>,
): Iterable<StreamProblem> {
  const own = headersOf(source.auth)
  for (const name of Object.keys(source.headers ?? {}))
    if (own.has(name)) yield { path: ['headers', name], message: sentByAuth(name) }
  for (const [stream, { auth, headers = {} }] of Object.entries(source.streams)) {
    const names = auth === undefined ? own : headersOf(auth)
    for (const name of Object.keys(headers)) {
      if (names.has(name)) yield { path: ['streams', stream, 'headers', name], message: sentByAuth(name) }
    }
  }
}

function sentByAuth(name: string): string {
  return `\`auth\` sends the credential in the header ${name}, and would overwrite this one: leave one of the two out, or give a stream with another credential an \`auth\` of its own`
}

function headersOf(auth: SourceAuth): ReadonlySet<string> {
  switch (auth.type) {
    case 'basic':
    case 'bearer':
    case 'oauth2':
      return new Set(['authorization'])
    case 'api_key':
    case 'jwt': {
      const place = placementOf(auth)
      return new Set(place.in === 'header' ? [place.name.toLowerCase()] : [])
    }
    case 'rotate':
      return new Set(auth.credentials.flatMap((each) => [...headersOf(each)]))
    default:
      return new Set()
  }
}
