import { serverNow } from '../../http/http-date.ts'
import type { HttpHeaders } from '../../ports/runtime.ts'
import { readBudget, readCommon, readRequestsAndTokens } from './dialects/common.ts'
import { readRateLimitField, readTriplet } from './dialects/ietf.ts'
import { readHubSpot, readSalesforce, readShopify, readZendesk, readZoom } from './dialects/services.ts'
import type { RateLimitHeaders } from './options.ts'
import type { RateReport } from './report.ts'

/** Longest wait that is believed of headers whose names were guessed. */
const longestGuessMs = 24 * 3_600_000

/**
 * What a response's headers say of the API's budgets; what is malformed says nothing.
 * @param wallNow milliseconds since 1970, for a response without `Date`
 */
export function readReports(
  headers: HttpHeaders,
  dialect: RateLimitHeaders,
  wallNow: number,
): readonly RateReport[] {
  if (dialect === false) return []
  const now = serverNow(headers, wallNow)
  if (dialect !== 'auto') {
    return (Array.isArray(dialect) ? dialect : [dialect]).flatMap(
      (names) => readBudget(headers, names, now) ?? [],
    )
  }
  const zoom = readZoom(headers, now)
  // One budget under several names, as servers send them for clients of all ages: the surest says it all.
  const common =
    zoom.length > 0
      ? zoom
      : (readRateLimitField(headers, now) ?? readTriplet(headers, now) ?? readCommon(headers, now) ?? [])
  const reports = [
    ...common,
    ...(readRateLimitField(headers, now, 'beta-') ?? []),
    ...readRequestsAndTokens(headers, now),
    ...readZendesk(headers),
    ...readHubSpot(headers),
    ...readShopify(headers),
    ...readSalesforce(headers),
  ]
  return reports.filter((report) => isBelievable(report, now)).map(withoutZeroLimit)
}

/** A limit of 0 with a reset is a wait, and no budget's size. */
function withoutZeroLimit(report: RateReport): RateReport {
  if (report.limit !== 0) return report
  const { limit: _, ...rest } = report
  return rest
}

function isBelievable({ reset }: RateReport, now: number): boolean {
  if (reset === undefined) return true
  return ('at' in reset ? reset.at - now : reset.inMs) <= longestGuessMs
}
