// The headers that most APIs have in one spelling or another: limit, remaining, reset, side by side.
import type { HttpHeaders } from '../../../ports/runtime.ts'
import { countHeader, textHeader } from '../header-value.ts'
import type { RateReport } from '../report.ts'
import { parseReset, type ResetUnit } from '../reset-value.ts'

/** Headers of one budget, in lower case. */
export interface BudgetHeaders {
  readonly remaining?: string | undefined
  readonly reset?: string | undefined
  readonly resetUnit?: ResetUnit | undefined
  readonly limit?: string | undefined
  readonly used?: string | undefined
  /** A header that names the budget. */
  readonly bucket?: string | undefined
}

/** Nothing where the headers don't say what is left, or say it in no way that can be understood. */
export function readBudget(
  headers: HttpHeaders,
  names: BudgetHeaders,
  serverNow: number,
): RateReport | undefined {
  const count = (name: string | undefined) => (name === undefined ? undefined : countHeader(headers, name))
  const limit = count(names.limit)
  const used = count(names.used)
  const remaining =
    count(names.remaining) ??
    (limit === undefined || used === undefined ? undefined : Math.max(0, limit - used))
  if (remaining === undefined) return undefined
  const text = names.reset === undefined ? undefined : textHeader(headers, names.reset)
  const reset = text === undefined ? undefined : parseReset(text, names.resetUnit ?? 'seconds', serverNow)
  // A header for the reset that is missing or can't be read leaves what remains without an end.
  if (names.reset !== undefined && reset === undefined) return undefined
  const bucket = (names.bucket === undefined ? undefined : textHeader(headers, names.bucket)) ?? ''
  return { bucket, remaining, ...(limit !== undefined && { limit }), ...(reset && { reset }) }
}

/** `x-ratelimit-*` and `x-rate-limit-*`: GitHub, Discord, Intercom, SendGrid, Jira; X, Okta. The surest first: Discord sends the first two resets. */
const spellings: readonly BudgetHeaders[] = [
  ...['x-ratelimit-', 'x-rate-limit-'].flatMap((prefix) =>
    ['reset-after', 'reset'].map((reset) => ({
      remaining: `${prefix}remaining`,
      reset: `${prefix}${reset}`,
      limit: `${prefix}limit`,
      // GitHub's search, core and graphql.
      bucket: `${prefix}resource`,
    })),
  ),
]

export function readCommon(headers: HttpHeaders, serverNow: number): readonly RateReport[] | undefined {
  for (const names of spellings) {
    const report = readBudget(headers, names, serverNow)
    if (report === undefined) continue
    // Too many requests are in flight, as Okta says it: a limit of 0, nothing left, and a reset that is a guess. No budget is spent.
    if (names.limit === 'x-rate-limit-limit' && report.limit === 0 && report.remaining === 0) return undefined
    const discord = textHeader(headers, 'x-ratelimit-bucket')
    return [discord === undefined ? report : { ...report, bucket: discord, perResource: true }]
  }
  return undefined
}

/** OpenAI's requests and tokens, Anthropic's under another name. What a request takes of the tokens is known after it. */
const requestsAndTokens: readonly (BudgetHeaders & { readonly name: string; readonly unit?: 'other' })[] = [
  ...(['requests', 'tokens', 'input-tokens', 'output-tokens'] as const).flatMap((kind) => [
    {
      name: kind,
      remaining: `x-ratelimit-remaining-${kind}`,
      reset: `x-ratelimit-reset-${kind}`,
      limit: `x-ratelimit-limit-${kind}`,
      ...(kind !== 'requests' && { unit: 'other' as const }),
    },
    {
      name: kind,
      remaining: `anthropic-ratelimit-${kind}-remaining`,
      reset: `anthropic-ratelimit-${kind}-reset`,
      limit: `anthropic-ratelimit-${kind}-limit`,
      ...(kind !== 'requests' && { unit: 'other' as const }),
    },
  ]),
]

export function readRequestsAndTokens(headers: HttpHeaders, serverNow: number): readonly RateReport[] {
  return requestsAndTokens.flatMap((names) => {
    const report = readBudget(headers, names, serverNow)
    if (report === undefined) return []
    return { ...report, bucket: names.name, ...(names.unit && { unit: names.unit }) }
  })
}
