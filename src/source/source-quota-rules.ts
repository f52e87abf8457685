// Limits of a source that can hold for none of its requests, as far as that is known before they are sent.
import { sourceOrigins } from '../http/request-url.ts'
import { isSecret } from '../options/secret.ts'
import type { QuotaEntry } from '../quota/declared/entry.ts'
import { type PatternToken, patternsMeet, patternTokens } from '../quota/declared/pattern-overlap.ts'
import { absolutePattern, textPattern } from '../quota/declared/url-pattern.ts'
import { holdsPlaceholder, textParts } from '../template/placeholder.ts'
import { isInScope, placeholderScopes } from './request/placeholder-scopes.ts'
import { methodOf } from './request/request-options.ts'
import type { RestSettings, StreamSettings } from './rest-options.ts'
import type { StreamProblem } from './stream-rules.ts'

type Source = Pick<RestSettings, 'baseUrl' | 'headers' | 'quotas' | 'check' | 'streams'>

/** What is known of a request when a pipeline is loaded. */
interface KnownRequest {
  readonly method: string
  /** As it is written; absent where replies tell it. */
  readonly path: string | undefined
  /** By lower-case name: its value; `null` where only a run knows it; a secret is put on after the quota was waited for. */
  readonly headers: ReadonlyMap<string, string | null | typeof secret>
}

const secret = Symbol('secret')

/** Paginators whose pages are at URLs that replies name. */
const following: readonly string[] = ['link-header', 'next-url', 'auto']

/** Redirects may lead elsewhere, and are not reckoned with. */
export function* sourceQuotaProblems(source: Source): Iterable<StreamProblem> {
  const streams = Object.values(source.streams)
  // Its requests are whatever its code makes of them.
  const isCustom = streams.some(({ paginate }) => paginate?.type === 'custom')
  const requests = isCustom ? [] : knownRequests(source)
  const paths = pathTest(source.baseUrl)
  for (const [index, entry] of source.quotas.entries()) {
    const at = (...rest: string[]) => ['quotas', index, ...rest]
    if (!isCustom) {
      const problem = classProblem(entry.for, requests, paths)
      if (problem !== undefined) yield { path: at('for', ...problem.path), message: problem.message }
      yield* headerProblems(entry.each, requests, at('each', 'header'))
      if (
        typeof entry.each === 'object' &&
        'path' in entry.each &&
        !meetsAny(entry.each.path, requests, paths)
      )
        yield { path: at('each', 'path'), message: noPath([entry.each.path], requests) }
    }
    const unknown = unknownPlaceholder(entry.each, streams)
    if (unknown !== undefined) yield { path: at('each'), message: unknown }
  }
}

function classProblem(
  requested: QuotaEntry['for'],
  requests: readonly KnownRequest[],
  paths: PathTest,
): { readonly path: readonly string[]; readonly message: string } | undefined {
  if (requested === undefined) return undefined
  const { methods, path, header = {} } = requested
  const byMethod = ({ method }: KnownRequest) => methods === undefined || methods.includes(method)
  const byPath = (request: KnownRequest) =>
    path === undefined || path.some((pattern) => paths(pattern, request.path))
  const byHeader = (request: KnownRequest) =>
    Object.entries(header).every(([name, pattern]) => mayCarry(request, name, pattern))
  if (requests.some((request) => byMethod(request) && byPath(request) && byHeader(request))) return undefined
  if (!requests.some(byMethod)) {
    const used = [...new Set(requests.map(({ method }) => method))].join(' and ')
    return {
      path: ['methods'],
      message: `the requests of this source ask with ${used}, so the limit would hold for none of them: write one of these, or leave \`methods\` out`,
    }
  }
  if (!requests.some(byPath)) return { path: ['path'], message: noPath(path ?? [], requests) }
  for (const [name, pattern] of Object.entries(header)) {
    if (requests.some((request) => mayCarry(request, name, pattern))) continue
    return { path: ['header', name], message: noHeader(name, requests) }
  }
  return {
    path: [],
    message:
      'no request of this source is all of this at once, so the limit would hold for none of them: write an entry for each class of requests, or leave out what does not belong to it',
  }
}

function noPath(patterns: readonly string[], requests: readonly KnownRequest[]): string {
  const known = [...new Set(requests.flatMap(({ path }) => path ?? []))]
  const near = known.slice(0, 5).map((path) => JSON.stringify(path))
  const more = known.length > near.length ? `, and ${known.length - near.length} more` : ''
  return `no request of this source asks for ${patterns.map((each) => JSON.stringify(each)).join(' or ')}, so the limit would hold for none of them: its paths are ${near.join(', ')}${more}. A path is below \`baseUrl\`, or, where it begins with /, below its origin; \`*\` stands for anything but a /, \`**\` for anything`
}

function mayCarry({ headers }: KnownRequest, name: string, pattern: string): boolean {
  const value = headers.get(name)
  if (value === null) return true
  return typeof value === 'string' && textPattern(pattern)(value)
}

function* headerProblems(
  each: QuotaEntry['each'],
  requests: readonly KnownRequest[],
  path: StreamProblem['path'],
): Iterable<StreamProblem> {
  if (typeof each !== 'object' || !('header' in each)) return
  if (requests.some(({ headers }) => headers.has(each.header))) return
  yield { path, message: noHeader(each.header, requests) }
}

function noHeader(name: string, requests: readonly KnownRequest[]): string {
  const values = requests.flatMap(({ headers }) => headers.get(name) ?? [])
  if (values.includes(secret)) {
    return `the header ${name} holds a variable, which is filled in after the quota was waited for, so the limit would hold for no request: leave the header out here, and name \`methods\` or \`path\``
  }
  if (values.length > 0) {
    const known = [...new Set(values as string[])].map((value) => JSON.stringify(value)).join(', ')
    return `no request of this source has such a ${name}, so the limit would hold for none of them: it is ${known}`
  }
  return `no request of this source has the header ${name}, so none can be told by it: name it in the \`headers\` of the source or of a stream, or leave it out here`
}

/** What is wrong with the placeholders of `each`. */
function unknownPlaceholder(
  each: QuotaEntry['each'],
  streams: readonly StreamSettings[],
): string | undefined {
  if (typeof each !== 'string') return undefined
  const names = textParts(each).flatMap((part) => ('name' in part ? [part.name] : []))
  const scopes = streams.map(placeholderScopes)
  if (scopes.some((scope) => names.every((name) => isInScope(name, scope)))) return undefined
  const unknown = names.find((name) => !scopes.some((scope) => isInScope(name, scope)))
  const known = [
    ...new Set(
      scopes.flatMap((scope) =>
        Object.entries(scope).flatMap(([word, fields]) =>
          fields === 'any' ? [`{${word}.FIELD}`] : fields.map((field) => `{${word}.${field}}`),
        ),
      ),
    ),
  ]
  const there = known.length === 0 ? 'they have none' : `they have ${known.join(', ')}`
  return unknown === undefined
    ? `no stream of this source has a value for all of ${JSON.stringify(each)}, so no request can be told from another by it: write an entry for each stream, in its own \`quotas\``
    : `no stream of this source has a value for {${unknown}}, so no request can be told from another by it: streams get such values from \`slices\`, \`incremental\` or \`job\`, and ${there}. A header is { header: x-tenant }`
}

function knownRequests(source: Source): readonly KnownRequest[] {
  const ofSource = Object.entries(source.headers ?? {})
  const requests = Object.values(source.streams).flatMap((stream) => {
    const { job, headers = {}, paginate, path } = stream
    const written = [...namedHeaders(stream)].map((name) => [name, null] as const)
    const isFollowing = paginate !== undefined && following.includes(paginate.type)
    const own = {
      method: methodOf(stream),
      path: isFollowing || typeof path !== 'string' ? undefined : path,
      headers: [...Object.entries(headers), ...written],
    }
    const ofJob = [job?.create, job?.poll, job?.abort].flatMap((request) =>
      request === undefined
        ? []
        : [
            {
              method: request.method,
              path: request.path,
              headers: [...Object.entries(request.headers ?? {}), ...written],
            },
          ],
    )
    return [own, ...ofJob]
  })
  if (source.check !== undefined) requests.push({ method: 'GET', path: source.check, headers: [] })
  return requests.map((request) => ({
    ...request,
    headers: new Map(
      [...usual, ...ofSource, ...request.headers].map(([name, value]) => [name, knownValue(value)]),
    ),
  }))
}

/** What the client sends by itself. */
const usual = ['accept', 'accept-encoding', 'user-agent', 'content-type', 'idempotency-key'].map(
  (name) => [name, null] as const,
)

function knownValue(value: unknown): string | null | typeof secret {
  if (isSecret(value)) return secret
  return typeof value !== 'string' || holdsPlaceholder(value) ? null : value
}

/** Headers that a paginator, a bound or anything else may be put into: each place that is written as `{ header: name }`. */
function namedHeaders(value: unknown, names = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null || isSecret(value)) return names
  if ('header' in value && typeof value.header === 'string') names.add(value.header.toLowerCase())
  for (const inner of Object.values(value)) namedHeaders(inner, names)
  return names
}

/** Whether a request's path may be one of a pattern's. */
type PathTest = (pattern: string, path: string | undefined) => boolean

function pathTest(baseUrl: Source['baseUrl']): PathTest {
  const base = baseOf(baseUrl)
  return (pattern, path) => {
    if (path === undefined) return true
    // Where the base is not known yet, paths can be compared that both are below it, or both below its origin.
    if (base === undefined && rootOf(pattern) !== rootOf(path)) return true
    const asked = askedPattern(path, base ?? 'https://host.invalid/')
    if (asked === undefined) return true
    const whole = absolutePattern(pattern, base ?? 'https://host.invalid/')
    const short = whole.replace(/\/\*\*$/, '')
    return [whole, short].some((each) => patternsMeet(patternTokens(each), asked))
  }
}

function meetsAny(pattern: string, requests: readonly KnownRequest[], paths: PathTest): boolean {
  return requests.some(({ path }) => paths(pattern, path))
}

function baseOf(baseUrl: Source['baseUrl']): string | undefined {
  if (typeof baseUrl !== 'string') return undefined
  try {
    return sourceOrigins(baseUrl).base
  } catch {
    // It is refused by itself.
    return undefined
  }
}

function rootOf(path: string): string {
  if (/^https?:/i.test(path)) return 'absolute'
  return path.startsWith('/') ? 'origin' : 'base'
}

/** Characters that a URL keeps as they are written. */
const plain = /^[\w.~/:@!$&'()+,;=-]*$/

/** A stream's path as a pattern of a whole URL: a placeholder may be anything. `undefined` where that can't be told. */
function askedPattern(path: string, base: string): PatternToken[] | undefined {
  const [text = ''] = path.split(/[?#]/, 1)
  if (!holdsPlaceholder(text)) {
    if (!URL.canParse(text, base)) return undefined
    // A star is one here.
    return [...new URL(text, base).href].map((character) => (character === '*' ? '\\*' : character))
  }
  const parts = textParts(text)
  if ('name' in parts[0]! || /^https?:/i.test(text)) return undefined
  const tokens = parts.flatMap((part) => ('name' in part ? ['**'] : [...part.text]))
  const literal = parts.map((part) => ('text' in part ? part.text : '')).join('')
  if (!plain.test(literal) || /(?:^|\/)\.\.?(?:\/|$)/.test(literal)) return undefined
  const root = text.startsWith('/') ? new URL(base).origin : base
  return [...root, ...tokens]
}
