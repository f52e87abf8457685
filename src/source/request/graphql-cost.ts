import { LongDecimal, type Value } from '../../ports/json.ts'

/** What a reply says of the points that queries cost. What it does not say is absent. */
export interface GraphqlCost {
  /** What this query was taken to cost before it ran: a bucket has to hold as much. */
  readonly requested?: number
  /** What it did cost. */
  readonly actual?: number
  /** Points that a full budget holds. */
  readonly limit?: number
  /** Points left. */
  readonly remaining?: number
  /** Points that come back each second, where they do so steadily. */
  readonly restoredPerSecond?: number
  /** When the whole budget comes back, where it does so at once: as the API writes it. */
  readonly resetAt?: string
}

/**
 * The cost that a reply tells of: Shopify's in `extensions.cost`, or GitHub's in `data.rateLimit`, which a query has to ask for;
 * `undefined` where it tells of none.
 */
export function graphqlCost(body: Value | undefined): GraphqlCost | undefined {
  const cost = fieldOf(fieldOf(body, 'extensions'), 'cost')
  if (isFields(cost)) {
    const status = fieldOf(cost, 'throttleStatus')
    return known({
      requested: numberOf(cost, 'requestedQueryCost'),
      actual: numberOf(cost, 'actualQueryCost'),
      limit: numberOf(status, 'maximumAvailable'),
      remaining: numberOf(status, 'currentlyAvailable'),
      restoredPerSecond: numberOf(status, 'restoreRate'),
    })
  }
  const rateLimit = fieldOf(fieldOf(body, 'data'), 'rateLimit')
  if (!isFields(rateLimit)) return undefined
  const resetAt = rateLimit['resetAt']
  return known({
    actual: numberOf(rateLimit, 'cost'),
    limit: numberOf(rateLimit, 'limit'),
    remaining: numberOf(rateLimit, 'remaining'),
    resetAt: typeof resetAt === 'string' ? resetAt : undefined,
  })
}

function known(
  cost: { readonly [Field in keyof GraphqlCost]: GraphqlCost[Field] | undefined },
): GraphqlCost | undefined {
  const found = Object.entries(cost).filter(([, value]) => value !== undefined)
  return found.length === 0 ? undefined : Object.fromEntries(found)
}

function numberOf(value: Value | undefined, field: string): number | undefined {
  const found = fieldOf(value, field)
  return typeof found === 'number' ? found : undefined
}

function fieldOf(value: Value | undefined, field: string): Value | undefined {
  return isFields(value) && Object.hasOwn(value, field) ? value[field] : undefined
}

function isFields(value: Value | undefined): value is { readonly [key: string]: Value } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LongDecimal)
  )
}
