import type { SluiceEvent } from '../ports/events.ts'

/** What one limit of a source came to in a run. */
export type QuotaReport = {
  readonly source: string
  /** As in `700 requests per 1m`. */
  readonly quota: string
  /** What it allowed from its first request to its last; `null` where that is not known. */
  readonly granted: number | null
  readonly used: number
  /** Requests that the API refused for want of quota. */
  readonly refused: number
  /** Seconds that requests waited for it, added up. */
  readonly waitedSeconds: number
}

/** Sums up what the limits of a run's sources came to. */
export class QuotaCounts {
  readonly #quotas = new Map<string, QuotaReport>()

  add(event: SluiceEvent): void {
    if (event.type !== 'quota.use' && event.type !== 'quota.wait') return
    const { source, quota } = event
    const key = JSON.stringify([source, quota])
    const known = this.#quotas.get(key) ?? {
      source,
      quota,
      granted: null,
      used: 0,
      refused: 0,
      waitedSeconds: 0,
    }
    const { granted, used, refused } = event.type === 'quota.use' ? event : known
    const waitedSeconds = known.waitedSeconds + (event.type === 'quota.wait' ? event.delayMs / 1000 : 0)
    this.#quotas.set(key, { ...known, granted, used, refused, waitedSeconds })
  }

  get all(): readonly QuotaReport[] {
    return [...this.#quotas.values()]
  }
}
