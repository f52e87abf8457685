import type { Meter, SentRequest } from '../meters/meter.ts'
import type { RoundTrip } from '../meters/round-trip.ts'
import type { QuotaReply } from '../quota.ts'
import type { RateReport } from './report.ts'
import type { ServerClock } from './server-clock.ts'

/** A budget and the reports of it. */
export interface ReportedMeter extends Meter {
  take(cost: number, now: number, order?: number): void
  cancel(cost: number, now: number, order?: number): void
  settle(sent: SentRequest, now: number, reply: QuotaReply | undefined, wallNow: number): void
  /** A report in the reply to a request that was not taken from this meter. */
  observe(report: RateReport, sent: SentRequest, now: number): void
  isIdle(now: number): boolean
  /** What can be said of it now; `undefined`: nothing, it holds nobody back. */
  state(now: number): BudgetLevel | undefined
}

export interface BudgetLevel {
  readonly limit: number | undefined
  readonly remaining: number
  /** By the queue's time; `undefined` where it isn't known. */
  readonly resetAt: number | undefined
}

export interface BudgetOptions {
  readonly serverClock: ServerClock
  readonly roundTrip: RoundTrip
  /** `spread`: what remains is spread evenly until the reset. */
  readonly pace: 'burst' | 'spread'
  /** What a reply says of this budget. */
  readonly reportIn: ReportIn
}

export type ReportIn = (
  reply: QuotaReply,
  sent: SentRequest,
  now: number,
  wallNow: number,
) => RateReport | undefined
