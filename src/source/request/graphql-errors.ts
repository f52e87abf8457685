// Errors of GraphQL, which come under status 200 (https://spec.graphql.org, Response Format).
import { LongDecimal, type Value } from '../../ports/json.ts'
import { graphqlCost } from './graphql-cost.ts'

export type GraphqlVerdict =
  | { readonly kind: 'ok' }
  /** The API wants fewer requests, and says how long to wait where it says it. */
  | { readonly kind: 'throttled'; readonly message: string; readonly waitMs: number | undefined }
  /** Errors beside data: a part of what was asked for is missing. */
  | { readonly kind: 'partial'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }

type Fields = { readonly [key: string]: Value }

/** By letters alone: GitHub's `RATE_LIMITED`, Shopify's `THROTTLED`, Linear's `RATELIMITED`. */
const throttlings: ReadonlySet<string> = new Set([
  'RATELIMIT',
  'RATELIMITED',
  'RATELIMITEXCEEDED',
  'THROTTLED',
  'TOOMANYREQUESTS',
])

/** What a reply to a GraphQL query says went wrong. */
export function graphqlVerdict(body: Value): GraphqlVerdict {
  if (!isFields(body)) return { kind: 'ok' }
  const { errors, data } = body
  if (!Array.isArray(errors) || errors.length === 0) return { kind: 'ok' }
  const message = describe(errors)
  if (errors.some(isThrottling)) return { kind: 'throttled', message, waitMs: waitOf(body) }
  return { kind: holdsData(data) ? 'partial' : 'failed', message }
}

function isThrottling(error: Value): boolean {
  if (!isFields(error)) return false
  const extensions = isFields(error['extensions']) ? error['extensions'] : {}
  return [error['type'], error['code'], extensions['code'], extensions['type']].some(
    (code) => typeof code === 'string' && throttlings.has(code.toUpperCase().replace(/[^A-Z]/g, '')),
  )
}

/** Fields that failed are null: data of nulls alone is none. */
function holdsData(data: Value | undefined): boolean {
  return isFields(data) && Object.values(data).some((value) => value !== null)
}

/** A leaky bucket that holds the cost of the query again: (requested − available) / restore rate. */
function waitOf(body: Fields): number | undefined {
  const { requested, remaining, restoredPerSecond } = graphqlCost(body) ?? {}
  if (requested === undefined || remaining === undefined || !restoredPerSecond) return undefined
  return Math.max(0, Math.ceil(((requested - remaining) / restoredPerSecond) * 1000))
}

const longestMessage = 300

function describe(errors: readonly Value[]): string {
  const shown = errors.slice(0, 3).map(describeOne).join('; ')
  const text = errors.length > 3 ? `${shown}; and ${errors.length - 3} more` : shown
  return text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text
}

function describeOne(error: Value): string {
  if (!isFields(error)) return String(error)
  const { message, path, type, extensions } = error
  const code = type ?? (isFields(extensions) ? extensions['code'] : undefined)
  const at = Array.isArray(path) && path.length > 0 ? ` (at ${path.join('.')})` : ''
  return `${typeof code === 'string' ? `${code}: ` : ''}${typeof message === 'string' ? message : 'an error without a message'}${at}`
}

function isFields(value: Value | undefined): value is Fields {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LongDecimal)
  )
}
