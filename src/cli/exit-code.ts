import { isSluiceError } from '../errors.ts'

/** What the process's exit code tells. 75 is EX_TEMPFAIL of sysexits.h: try again later. */
export const exitCodes = { done: 0, failed: 1, config: 2, interrupted: 130, paused: 75 } as const

const configCodes = new Set(['CONFIG_INVALID', 'SECRET_MISSING'])

export function exitCodeOf(error: unknown): number {
  if (isSluiceError(error) && configCodes.has(error.code)) return exitCodes.config
  // A preview or a check that finds no room says when there is some, as a run does.
  if (isSluiceError(error) && error.resumeAt !== undefined) return exitCodes.paused
  return isSluiceError(error) && error.code === 'INTERRUPTED' ? exitCodes.interrupted : exitCodes.failed
}
