// A success by its status may be something else: what the config says it is, an answer that isn't ready yet, or an error in its body (R2).
// What is thrown here is thrown inside the attempt, so that the layers of the client repeat, wait and renew as they do after a refusal.
import type { Answer, EndAction, React } from '../../http/answer.ts'
import { HttpStatusError, RetriesExhaustedError } from '../../http/errors.ts'
import { statusError } from '../../http/status-error.ts'
import { diagnose, notReady } from '../../http/trouble.ts'
import type { Clock } from '../../ports/runtime.ts'

export interface JudgeContext {
  readonly clock: Clock
  readonly react: React | undefined
  /** What the request was for. */
  readonly about: string | undefined
}

/** @throws HttpStatusError where it is no success */
export function judgeSuccess(answer: Answer, { clock, react, about }: JudgeContext): void {
  const now = clock.now()
  const ruling = react?.(answer)
  if (ruling !== undefined) throw statusError(answer, { now, about, ruling })
  const trouble = notReady(answer, now)
  if (trouble !== undefined) throw statusError(answer, { now, about, trouble })
}

/**
 * A 202 to a GET says that the API has taken the request and has not got the answer. Where there are no records in it, it isn't
 * there yet: it is waited for as one that says so itself, and never taken for an empty list, or for a record (R2, R6).
 * @throws HttpStatusError where the answer is such a 202
 */
export function refuseAccepted(answer: Answer, { clock, about }: JudgeContext): void {
  if (answer.status !== 202 || answer.method !== 'GET') return
  const trouble = { kind: 'not-ready', retryAfterMs: undefined } as const
  throw statusError(answer, { now: clock.now(), about, trouble })
}

/** What an error body under a success is, where it is something that a repeat, a wait or a new token heals; else the error that it gave. */
export function judgeErrorBody(error: unknown, answer: Answer, { clock, about }: JudgeContext): unknown {
  const now = clock.now()
  const trouble = diagnose(answer, now)
  return trouble.kind === 'refused' ? error : statusError(answer, { now, about, trouble })
}

/** How the config ends a slice before its list has ended. */
export interface EarlyEnd {
  readonly action: EndAction
  /** Why, without secrets. */
  readonly reason: string
  readonly error: HttpStatusError
}

/** The end of the slice that a failed request means, where the config says that it means one. */
export function earlyEndOf(failure: unknown): EarlyEnd | undefined {
  const isLast = failure instanceof RetriesExhaustedError
  const error = isLast ? failure.cause : failure
  if (!(error instanceof HttpStatusError)) return undefined
  const action = isLast ? error.finally : error.action
  if (action !== 'ignore' && action !== 'skip-record' && action !== 'stop-slice') return undefined
  return { action, reason: error.message, error }
}
