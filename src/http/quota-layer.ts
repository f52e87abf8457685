import type { Clock } from '../ports/runtime.ts'
import { combineQuotas } from '../quota/combine.ts'
import type { Quota } from '../quota/quota.ts'
import type { Call, Layer } from './layer.ts'

/**
 * Waits for every quota before an attempt, the client's and the call's, and gives back what they hold once it is over (Q1).
 * All are acquired as one, so that a request that waits for its endpoint's quota holds nothing of its account's.
 */
export function quotaLayer(
  quotas: readonly Quota[],
  clock: Clock,
  on: {
    /** Before a wait: the least time that it takes, `Infinity` where that is not known. */
    hold(quota: string, expectedMs: number, call: Call): void
    /** After it: how long it was. */
    wait(quota: string, delayMs: number, call: Call): void
  },
): Layer {
  const own = quotas.length === 0 ? undefined : combineQuotas(quotas)
  return (next) => async (call, consume) => {
    const quota = call.quotas.length === 0 ? own : combineQuotas([...quotas, ...call.quotas])
    if (quota === undefined) return next(call, consume)
    const asked = clock.now()
    const permit = await quota.acquire(undefined, call.signal, (expectedMs) =>
      on.hold(quota.name, expectedMs, call),
    )
    const delayMs = clock.now() - asked
    if (delayMs > 0) on.wait(quota.name, delayMs, call)
    try {
      return await next(call, (response, url) => {
        permit.answered?.()
        return consume(response, url)
      })
    } finally {
      permit.release()
    }
  }
}
