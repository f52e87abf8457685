/** What a response's headers say of one budget, when the server had counted the request. */
export interface RateReport {
  /** Tells the budgets of one API apart. Empty where the API gives it no name. */
  readonly bucket: string
  /** What may be spent in all until the reset, where that is told. */
  readonly limit?: number
  /** What may still be spent before the reset: a whole number from 0. */
  readonly remaining: number
  /** When the budget is full again. Absent where the API doesn't say. */
  readonly reset?: ReportedReset
  /** Length of the window in milliseconds, where it is told. */
  readonly windowMs?: number
  /** Flows back evenly instead of all at once: what comes back in a millisecond. */
  readonly restoredPerMs?: number
  /** What is counted, where it is not requests: a request's share of it isn't known beforehand. */
  readonly unit?: 'other'
  /** Counted apart for each top-level resource of the path, as at Discord. */
  readonly perResource?: boolean
}

/** When a budget is full again. `precisionMs`: what the value is a whole number of, rounded up or down. */
export type ReportedReset =
  | { readonly inMs: number; readonly precisionMs: number }
  /** Milliseconds since 1970, by the server's clock. */
  | { readonly at: number; readonly precisionMs: number }
