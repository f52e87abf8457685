import type { Clock } from '../ports/runtime.ts'
import { combineQuotas } from '../quota/combine.ts'
import { Concurrency } from '../quota/concurrency.ts'
import { QuotaQueue } from '../quota/queue.ts'
import type { Quota } from '../quota/quota.ts'
import type { Call, Layer } from './layer.ts'

export interface QuotaLayerOptions {
  /** The client's own, the widest first. */
  readonly quotas: readonly Quota[]
  /** Requests under way at once. */
  readonly maxConcurrent: number
  readonly clock: Clock
  /** Before a wait: the least time that it takes, `Infinity` where that is not known. */
  readonly onHold: (quota: string, expectedMs: number, call: Call) => void
  /** After it: how long it was. */
  readonly onWait: (quota: string, delayMs: number, call: Call) => void
}

/**
 * Waits before an attempt for the client's quotas, one of its places, and the call's own quotas, all taken at one moment (Q1): who waits
 * for an endpoint or the account takes no place of the client, and who waits for a place spends no quota. What is held is given
 * back once the attempt is over. A wait for a place alone is no wait for quota, and is not told of.
 */
export function quotaLayer({ quotas, maxConcurrent, clock, onHold, onWait }: QuotaLayerOptions): Layer {
  const places = new QuotaQueue('maxConcurrent', [new Concurrency(maxConcurrent)], clock)
  const own = combineQuotas([...quotas, places])
  const combined = new WeakMap<readonly Quota[], Quota>()

  function quotaOf(call: Call): Quota {
    if (call.quotas.length === 0) return own
    let quota = combined.get(call.quotas)
    if (quota === undefined) {
      quota = combineQuotas([own, ...call.quotas])
      combined.set(call.quotas, quota)
    }
    return quota
  }

  const namesOf = (call: Call) => [...quotas, ...call.quotas].map(({ name }) => name).join(' and ')

  return (next) => async (call, consume) => {
    const quota = quotaOf(call)
    const asked = clock.now()
    let told = false
    let since = asked
    let heldBy: string | undefined
    const heldNowBy = (name: string | undefined) => {
      const now = clock.now()
      if (heldBy !== undefined && now > since) onWait(heldBy, now - since, call)
      heldBy = name
      since = now
    }
    const permit = await quota.acquire(undefined, call.signal, (expectedMs, name = namesOf(call)) => {
      told = true
      heldNowBy(name === places.name ? undefined : name)
      if (heldBy !== undefined) onHold(heldBy, expectedMs, call)
    })
    // A quota of another make may wait without a word.
    if (told) heldNowBy(undefined)
    else if (clock.now() > asked) onWait(namesOf(call), clock.now() - asked, call)
    try {
      call.recheck()
    } catch (error) {
      if (permit.cancel) permit.cancel()
      else permit.release()
      throw error
    }
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
