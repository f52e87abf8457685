import type { Clock } from '../ports/runtime.ts'
import { AdaptiveConcurrency } from '../quota/adaptive/adaptive-concurrency.ts'
import { combineQuotas, isQueued } from '../quota/combine.ts'
import { QuotaQueue } from '../quota/queue.ts'
import type { Permit, Quota, QuotaPriority } from '../quota/quota.ts'
import { explaining, type QuotaLimit, type QuotaUse, quotaLimit } from '../quota/usage.ts'
import { HttpStatusError, QuotaPausedError } from './errors.ts'
import type { Account, Call, Layer } from './layer.ts'
import { AttemptWaits, type NamedQuota, PlaceWaits } from './quota-waits.ts'

export interface QuotaLayerOptions {
  /** For messages. */
  readonly source: string
  readonly priority: QuotaPriority | undefined
  /** Longest wait for quotas before an attempt, all together, in milliseconds. A wait for a place is none. */
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

/**
 * Waits before an attempt for the account's quotas, one of its places, and the call's own quotas, all taken at one moment (Q1): who waits
 * for an endpoint or the account takes no place, and who waits for a place spends no quota. What is held is given
 * back once the attempt is over. A wait for a place is told of where it lasts.
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
  const placeWaits = new PlaceWaits(clock)
  // Places are an account's own: one line for all would let the throttling of one account hold back the others.
  const accounts = new WeakMap<Account, { places: QuotaQueue; combined: WeakMap<readonly Quota[], Quota> }>()

  const placesName = `requests under way at once (maxConcurrent ${maxConcurrent})`

  function quotaOf({ account, quotas }: Call): { readonly quota: Quota; readonly places: QuotaQueue } {
    let known = accounts.get(account)
    if (known === undefined) {
      const places = new QuotaQueue(placesName, [new AdaptiveConcurrency(maxConcurrent)], clock, {
        limit: quotaLimit(placesName, 'places'),
      })
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

  const isTooLong = (waitedMs: number, expectedMs: number) =>
    Number.isFinite(expectedMs) && waitedMs + expectedMs > patienceMs

  return (next) => async (call, consume) => {
    const { quota, places } = quotaOf(call)
    const asked = clock.now()
    let known: AttemptWaits | undefined
    const waits = () => {
      known ??= new AttemptWaits(clock, placeWaits, {
        onHold: (held, expectedMs) => onHold(held, expectedMs, call),
        onWait: (held, delayMs) => onWait(held, delayMs, call),
      })
      return known
    }
    const pause = (expectedMs: number, held: NamedQuota) => {
      known?.end()
      const until = clock.now() + expectedMs
      onPause(held, until, call)
      return new QuotaPausedError(source, held.name, until, patienceMs)
    }
    const { method, headers } = call.request
    let permit: Permit
    try {
      permit = await quota.acquire({
        signal: call.signal,
        request: { method, url: call.url, headers },
        flow: call.stream,
        priority,
        values: call.values,
        patience: {
          ms: patienceMs,
          tooLong: (expectedMs, name, limit) => pause(expectedMs, { name, limit }),
        },
        onWait(expectedMs, name = foreignTo(call).join(' and '), limit?: QuotaLimit) {
          const held = { name, limit }
          if (limit !== undefined && limit === places.limit) waits().forPlace(held)
          // One of another make doesn't know how long it is waited for.
          else if (limit === undefined && isTooLong(clock.now() - asked, expectedMs))
            throw pause(expectedMs, held)
          else waits().forQuota(held, expectedMs)
        },
      })
    } finally {
      known?.end()
    }
    if (known === undefined && clock.now() > asked) {
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
