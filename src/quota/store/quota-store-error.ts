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

/** Failures of a store in a row: when to ask again, and when it is enough. */
export class StoreFailures {
  readonly #quota: string
  #count = 0
  #last: unknown

  /** @param quota for messages */
  constructor(quota: string) {
    this.#quota = quota
  }
  /** @returns milliseconds until it is worth asking again */
  failed(error: unknown): number {
    this.#last = error
    return firstRetryMs * 2 ** this.#count++
  }
  answered(): void {
    this.#count = 0
  }
  /** @throws QuotaStoreError where there were too many */
  check(): void {
    if (this.#count >= mostFailures) throw new QuotaStoreError(this.#quota, this.#last)
  }
}
