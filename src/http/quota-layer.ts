import type { Clock } from '../ports/runtime.ts'
import { AdaptiveConcurrency } from '../quota/adaptive/adaptive-concurrency.ts'
import { combineQuotas, isQueued } from '../quota/combine.ts'
import { QuotaQueue } from '../quota/queue.ts'
import type { Quota, QuotaPriority } from '../quota/quota.ts'
import type { QuotaUsage } from '../quota/usage.ts'
import { QuotaPausedError } from './errors.ts'
import type { Account, Call, Layer } from './layer.ts'

export interface QuotaLayerOptions {
  /** For messages. */
  readonly source: string
  readonly priority: QuotaPriority | undefined
  /** Longest wait for a quota, in milliseconds. */
  readonly patienceMs: number
  /** Requests under way at once, for each account, at most: fewer where the API slows under them, or refuses so many. */
  readonly maxConcurrent: number
  readonly clock: Clock
  /** Before a wait: the least time that it takes, `Infinity` where that is not known. */
  readonly onHold: (quota: string, expectedMs: number, call: Call) => void
  /** After it: how long it was. */
  readonly onWait: (quota: string, delayMs: number, call: Call) => void
  /** After an attempt: what the limits that it took from came to. */
  readonly onUse: (usage: readonly QuotaUsage[], call: Call) => void
}

/**
 * Waits before an attempt for the account's quotas, one of its places, and the call's own quotas, all taken at one moment (Q1): who waits
 * for an endpoint or the account takes no place, and who waits for a place spends no quota. What is held is given
 * back once the attempt is over. A wait for a place alone is no wait for quota, and is not told of.
 */
export function quotaLayer({
  source,
  priority,
  patienceMs,
  maxConcurrent,
  clock,
  onHold,
  onWait,
  onUse,
}: QuotaLayerOptions): Layer {
  // Places are an account's own: one line for all would let the throttling of one account hold back the others.
  const accounts = new WeakMap<Account, { places: QuotaQueue; combined: WeakMap<readonly Quota[], Quota> }>()

  function quotaOf({ account, quotas }: Call): { readonly quota: Quota; readonly places: QuotaQueue } {
    let known = accounts.get(account)
    if (known === undefined) {
      const places = new QuotaQueue('maxConcurrent', [new AdaptiveConcurrency(maxConcurrent)], clock)
      known = { places, combined: new WeakMap() }
      accounts.set(account, known)
    }
    const { places, combined } = known
    let quota = combined.get(quotas)
    if (quota === undefined) {
      quota = combineQuotas([...account.quotas, places, ...quotas])
      combined.set(quotas, quota)
    }
    return { quota, places }
  }

  const foreignTo = ({ account, quotas }: Call) =>
    [...account.quotas, ...quotas].filter((quota) => !isQueued(quota)).map(({ name }) => name)

  return (next) => async (call, consume) => {
    const { quota, places } = quotaOf(call)
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
    const { method, headers } = call.request
    const permit = await quota.acquire({
      signal: call.signal,
      request: { method, url: call.url, headers },
      flow: call.stream,
      priority,
      values: call.values,
      onWait(expectedMs, name = foreignTo(call).join(' and ')) {
        told = true
        heldNowBy(name === places.name ? undefined : name)
        if (heldBy === undefined) return
        if (Number.isFinite(expectedMs) && expectedMs > patienceMs)
          throw new QuotaPausedError(source, heldBy, clock.now() + expectedMs, patienceMs)
        onHold(heldBy, expectedMs, call)
      },
    })
    if (told) heldNowBy(undefined)
    else if (clock.now() > asked) {
      // A quota of another make may wait without a word; without one, the clock has moved on by itself.
      const foreign = foreignTo(call)
      if (foreign.length > 0) onWait(foreign.join(' and '), clock.now() - asked, call)
    }
    try {
      call.recheck()
    } catch (error) {
      if (permit.cancel) permit.cancel()
      else permit.release()
      throw error
    }
    try {
      return await next({ ...call, permit }, consume)
    } finally {
      permit.release()
      const used = permit.usage?.().filter((usage) => usage.quota !== places.name && isTelling(usage)) ?? []
      if (used.length > 0) onUse(used, call)
    }
  }
}

/** A limit of unknown size that refused nothing is nothing to tell of. */
function isTelling({ granted, refused }: QuotaUsage): boolean {
  return granted !== null || refused > 0
}
