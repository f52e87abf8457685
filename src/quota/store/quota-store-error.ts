import { SluiceError } from '../../errors.ts'

/** The store that quotas are shared by can't be asked: nothing is sent without it (Q1). */
export class QuotaStoreError extends SluiceError {
  readonly code = 'QUOTA_STORE_FAILED'
  readonly recovery = 'stop-stream'
  constructor(quota: string, cause: unknown) {
    super(
      `the store that processes share the quota of ${quota} by could not be asked ${mostFailures} times in a row, and without it nothing is sent: ${cause instanceof Error ? cause.message : String(cause)}. Check quotaStore, and whether its server runs`,
      { cause },
    )
  }
}

const mostFailures = 5
const firstRetryMs = 200

/** Failures of a store in a row: when to ask again, and when those who wait are told. */
export class StoreFailures {
  readonly #quota: string
  #count = 0
  #askAgainAt = Number.NEGATIVE_INFINITY
  #last: unknown

  /** @param quota for messages */
  constructor(quota: string) {
    this.#quota = quota
  }
  /** @returns when it is worth asking again */
  failed(error: unknown, now: number): number {
    this.#last = error
    this.#askAgainAt = now + firstRetryMs * 2 ** Math.min(this.#count++, mostFailures)
    return this.#askAgainAt
  }
  answered(): void {
    this.#count = 0
  }
  /**
   * Whoever comes later finds the store asked once more.
   * @throws QuotaStoreError where there were too many, and it is not time to ask again
   */
  check(now: number): void {
    if (this.#count >= mostFailures && now < this.#askAgainAt)
      throw new QuotaStoreError(this.#quota, this.#last)
  }
}
