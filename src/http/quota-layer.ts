import type { Clock } from '../ports/runtime.ts'
import type { Permit, Quota } from '../quota/quota.ts'
import type { Call, Layer } from './layer.ts'

/** Waits for every quota, the client's and the call's, before an attempt, and gives back what they hold once it is over (Q1). */
export function quotaLayer(
  quotas: readonly Quota[],
  clock: Clock,
  onWait: (quota: string, delayMs: number, call: Call) => void,
): Layer {
  return (next) => async (call, consume) => {
    if (quotas.length === 0 && call.quotas.length === 0) return next(call, consume)
    const permits: Permit[] = []
    try {
      for (const quota of [...quotas, ...call.quotas]) {
        const asked = clock.now()
        permits.push(await quota.acquire(undefined, call.signal))
        const delayMs = clock.now() - asked
        if (delayMs > 0) onWait(quota.name, delayMs, call)
      }
      return await next(call, consume)
    } finally {
      for (const permit of permits) permit.release()
    }
  }
}
