import { type ErrorCode, isSluiceError, type Recovery, SluiceError } from '../errors.ts'

/**
 * Something failed, and what had to be done about it failed too. It is the first failure by its code, its recovery and its cause; the
 * message has both.
 */
export class TwoFailuresError extends SluiceError {
  readonly code: ErrorCode
  readonly recovery: Recovery
  /** What failed afterwards. */
  readonly second: unknown
  /** @param consequence what could not be done after the first failure, as in `what was read before could not be committed` */
  constructor(first: unknown, consequence: string, second: unknown) {
    super(`${messageOf(first)}. After that, ${consequence}: ${messageOf(second)}`, { cause: first })
    this.code = isSluiceError(first) ? first.code : 'INTERNAL'
    this.recovery = isSluiceError(first) ? first.recovery : 'stop-stream'
    this.second = second
  }
}

/** What an error says, with its class where it is none of Sluice's. */
export function messageOf(error: unknown): string {
  if (isSluiceError(error)) return error.message
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
