import { isSluiceError } from '../errors.ts'
import { retryAfterMs } from '../http/retry-after.ts'
import type { Runtime } from '../ports/runtime.ts'
import { TokenUnavailableError } from './token-error.ts'
import { TransientTokenError } from './token-reply.ts'

const firstDelayMs = 500
const maxDelayMs = 10_000
/** Attempts begin no later than this after the first one; it stays well below the age at which a lock counts as left behind. */
export const patienceMs = 120_000

/**
 * Repeats an attempt that failed for a passing reason: full jitter between 0 and a delay that doubles, from 0.5 s to 10 s, above the
 * server's Retry-After. Only the wait between attempts can be aborted: a request whose reply holds a rotated refresh token
 * must be heard to its end (S2).
 */
export async function retryTokenRequest<T>(
  attempt: () => Promise<T>,
  options: {
    readonly runtime: Runtime
    readonly attempts: number
    readonly place: string
    readonly signal: AbortSignal
  },
): Promise<T> {
  const { clock, random } = options.runtime
  const lastStart = clock.now() + patienceMs
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isTransient(error)) throw error
      const floor = (error instanceof TransientTokenError && retryAfterMs(error.headers, clock.now())) || 0
      const delay = floor + random() * Math.min(maxDelayMs, firstDelayMs * 2 ** (tries - 1))
      const count = tries === 1 ? 'once' : `${tries} times`
      if (tries >= options.attempts || clock.now() + delay > lastStart) {
        const wish = floor > 0 ? ` and asks for ${Math.ceil(floor / 1000)} s before the next request` : ''
        throw new TokenUnavailableError(
          `${options.place} gave no token, asked ${count}: ${error.message}${wish}. Run again when it is available`,
          { cause: error },
        )
      }
      await clock.sleep(delay, options.signal)
    }
  }
}

function isTransient(error: unknown): error is Error {
  return error instanceof TransientTokenError || (isSluiceError(error) && error.recovery === 'retry')
}
