/** A lock was not free within `lockTimeout`. */
export class LockTimeout extends Error {
  /** Who holds locks of the kind that was waited for, in words; empty where nobody does any more. */
  readonly holders: string
  constructor(holders: string, cause: unknown) {
    super('a lock was not free', { cause })
    this.holders = holders
  }
}

/** The connection broke while a transaction was being committed: whether it came through is not known. */
export class CommitUnknown<Result = unknown> extends Error {
  /** What the work returned, if it did come through. */
  readonly result: Result
  constructor(result: Result, cause: unknown) {
    super('the connection broke during COMMIT', { cause })
    this.result = result
  }
}
