import type { Clock } from '../ports/runtime.ts'
import { AdaptiveConcurrency } from '../quota/adaptive/adaptive-concurrency.ts'
import { combineQuotas, isQueued } from '../quota/combine.ts'
import { QuotaQueue } from '../quota/queue.ts'
import type { Quota, QuotaPriority } from '../quota/quota.ts'
import { explaining, type QuotaLimit, type QuotaUse } from '../quota/usage.ts'
import { HttpStatusError, QuotaPausedError } from './errors.ts'
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
  readonly onHold: (quota: NamedQuota, expectedMs: number, call: Call) => void
  /** After it: how long it was. */
  readonly onWait: (quota: NamedQuota, delayMs: number, call: Call) => void
  /** In place of a wait that is too long: until when it would be, in milliseconds since 1970. */
  readonly onPause: (quota: NamedQuota, until: number, call: Call) => void
  /** After an attempt: what it took of each limit, and which of them explains that it was refused, if it was. */
  readonly onUse: (uses: readonly QuotaUse[], refusedBy: QuotaUse | undefined, call: Call) => void
}

/** What is waited for. */
export interface NamedQuota {
  readonly name: string
  /** Absent of a quota of another make. */
  readonly limit?: QuotaLimit | undefined
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
  onPause,
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
    let heldBy: NamedQuota | undefined
    const heldNowBy = (quota: NamedQuota | undefined) => {
      const now = clock.now()
      if (heldBy !== undefined && now > since) onWait(heldBy, now - since, call)
      heldBy = quota
      since = now
    }
    const { method, headers } = call.request
    const permit = await quota.acquire({
      signal: call.signal,
      request: { method, url: call.url, headers },
      flow: call.stream,
      priority,
      values: call.values,
      onWait(expectedMs, name = foreignTo(call).join(' and '), limit?: QuotaLimit) {
        told = true
        heldNowBy(name === places.name ? undefined : { name, limit })
        if (heldBy === undefined) return
        if (Number.isFinite(expectedMs) && expectedMs > patienceMs) {
          const until = clock.now() + expectedMs
          onPause(heldBy, until, call)
          throw new QuotaPausedError(source, heldBy.name, until, patienceMs)
        }
        onHold(heldBy, expectedMs, call)
      },
    })
    if (told) heldNowBy(undefined)
    else if (clock.now() > asked) {
      // A quota of another make may wait without a word; without one, the clock has moved on by itself.
      const foreign = foreignTo(call)
      if (foreign.length > 0) onWait({ name: foreign.join(' and ') }, clock.now() - asked, call)
    }
    try {
      call.signal?.throwIfAborted()
      call.recheck()
    } catch (error) {
      if (permit.cancel) permit.cancel()
      else permit.release()
      throw error
    }
    let refusal: HttpStatusError | undefined
    try {
      return await next({ ...call, permit }, consume)
    } catch (error) {
      if (error instanceof HttpStatusError && error.isQuotaRefusal) refusal = error
      throw error
    } finally {
      const uses = permit.uses?.().filter(({ limit }) => limit !== places.limit) ?? []
      permit.release()
      const refusedBy = refusal && explaining(uses, { kind: refusal.limit ?? 'rate' })
      if (uses.length > 0) onUse(uses, refusedBy, call)
    }
  }
}
