/** What was spent at some moment between `from` and `to`, both included: in milliseconds since 1970, so that another process understands it. */
export interface Spend {
  readonly from: number
  readonly to: number
  readonly cost: number
}

/** The moment `wall`, in milliseconds since 1970, on a time of another origin. What lies ahead, since a clock was set back, is now. */
export function momentOf(wall: number, now: number, wallNow: number): number {
  return now - Math.max(0, wallNow - wall)
}
