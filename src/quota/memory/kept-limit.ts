import type { Meter, SentRequest } from '../meters/meter.ts'
import type { Spend } from '../meters/spend.ts'
import type { QuotaRefusal, QuotaReply } from '../quota.ts'
import { type LimitUse, leftOf, nameHash } from './quota-memory.ts'
import type { UseKeeper } from './use-keeper.ts'

export interface KeptLimitOptions {
  /** What may be spent at once. */
  readonly amount: number
  /** Milliseconds after which what was spent counts no more. */
  readonly heldMs: number
  /** Whether it is one limit for each of several parts. */
  readonly parted: boolean
}

export interface SnapshotOptions {
  /** What earlier processes left of this limit. */
  readonly earlier: LimitUse | undefined
  /** Whether the allowance may be spent from now on. */
  readonly allows: boolean
  /** When what is not over yet may be counted. */
  readonly spentWithin: { readonly from: number; readonly to: number }
  readonly wallNow: number
}

/** Of an amount: the first allowance, and the largest. */
const leastShare = 0.01
const largestShare = 0.1
/** Entries that what was spent of a limit is written in: a window comes back in so many steps, after a restart. */
const mostEntries = 64
const mostEntriesOfPart = 8
/** Tenants or resources, those that spent most. */
const mostParts = 1000
/** Kills whose allowances are told apart. */
const mostOthers = 4
const rounding = 1e-6

/** One declared limit, with all its tenants or resources: each of them has the same allowance. */
export class KeptLimit {
  /** What it is kept by. */
  readonly name: string
  readonly keeper: UseKeeper
  readonly #options: KeptLimitOptions
  readonly #least: number
  /** Those that something was taken of, but for those of which nothing counts any more. */
  readonly #meters = new Set<KeptMeter>()
  /** Parts that earlier processes left something of, which their meters count now. */
  readonly #restored = new Set<string>()
  #allowance = 0
  /** That of the writing that is under way. */
  #next: number
  /** The most that a part took of the allowance. */
  #peak = 0
  /** The largest cost that had no room in it, until something was taken: other limits may need a writing first. */
  #needed = 0

  constructor(keeper: UseKeeper, name: string, options: KeptLimitOptions) {
    this.keeper = keeper
    this.name = name
    this.#options = options
    this.#least = Math.max(1, options.amount * leastShare)
    this.#next = this.#least
  }

  /** @param part names the tenant or resource; '' where there is one limit for all */
  keep(meter: Meter, part: string): Meter {
    return new KeptMeter(this, meter, part === '' ? '' : nameHash(part))
  }

  get allowance(): number {
    return this.#allowance
  }
  get next(): number {
    return this.#next
  }
  /** @param cost 0: something was taken */
  need(cost: number): void {
    this.#needed = cost === 0 ? 0 : Math.max(this.#needed, cost)
  }
  took(meter: KeptMeter, taken: number): void {
    this.#meters.add(meter)
    this.#peak = Math.max(this.#peak, taken)
    this.keeper.spent()
  }
  /** What an earlier process spent of a part. */
  spentOf(part: string, { parts = {}, others = [] }: Partial<LimitUse>): readonly Spend[] {
    const isNamed = Object.hasOwn(parts, part)
    if (isNamed) this.#restored.add(part)
    const spent = isNamed ? parts[part]! : others
    return spent.map(([from, to, cost]) => ({ from, to, cost }))
  }

  snapshot({ earlier, allows, spentWithin, wallNow }: SnapshotOptions): LimitUse {
    this.#adjust()
    const { heldMs, parted } = this.#options
    const { from, to } = spentWithin
    const allowance = allows ? this.#next : 0
    const found = new Map<string, { sum: number; spent: LimitUse['others'] }>()
    const left = earlier === undefined ? undefined : leftOf(earlier, wallNow)
    for (const [part, before] of Object.entries(left?.parts ?? {})) {
      if (this.#restored.has(part)) continue
      const spent: LimitUse['others'] = allowance > 0 ? [...before, [from, to, allowance]] : before
      found.set(part, { sum: sumOf(spent), spent })
    }
    for (const meter of this.#meters) {
      const spent = meter
        .spent(wallNow, parted ? mostEntriesOfPart : mostEntries)
        .map((each): [number, number, number] => [each.from, each.to, each.cost])
      const open = meter.inFlight + allowance
      if (open > rounding) spent.push([from, to, open])
      const sum = sumOf(spent)
      // Where two limits say the same in other words, the one that counted more goes.
      if (sum > (found.get(meter.part)?.sum ?? 0)) found.set(meter.part, { sum, spent })
      if (meter.isIdle()) this.#meters.delete(meter)
    }
    const kept = [...found].sort(([, a], [, b]) => b.sum - a.sum).slice(0, mostParts)
    const others = [...(left?.others ?? [])]
    if (allowance > 0) others.push([from, to, allowance])
    return {
      heldMs,
      parts: Object.fromEntries(kept.map(([part, { spent }]) => [part, spent])),
      others: others.length > mostOthers ? [merged(others)] : others,
    }
  }

  /** The snapshot has been written. */
  allowed(): void {
    this.#allowance = this.#next
  }

  #adjust(): void {
    const largest = Math.max(this.#least, this.#options.amount * largestShare)
    if (this.#peak * 2 >= this.#allowance && this.#allowance > 0) this.#next = this.#allowance * 2
    else if (this.#peak * 4 < this.#allowance) this.#next = this.#allowance / 2
    this.#next = Math.max(this.#needed, Math.min(largest, Math.max(this.#least, this.#next)))
    this.#peak = 0
  }
}

/** A meter of which nothing is taken that has not been written: see `use-keeper.ts`. */
class KeptMeter implements Meter {
  readonly maxCost: number
  readonly part: string
  inFlight = 0
  readonly #limit: KeptLimit
  readonly #meter: Meter
  #restored = false
  #changed = () => {}
  /** How far the queue's time is ahead of the keeper's: they differ where the clock was set back between their beginnings. */
  #ahead = 0
  /** The writing that is in force, and what was taken since it began. */
  #written = 0
  #taken = 0
  /** The same of a later one, which is under way. */
  #begun = 0
  #takenSince = 0

  constructor(limit: KeptLimit, meter: Meter, part: string) {
    this.#limit = limit
    this.#meter = meter
    this.part = part
    this.maxCost = meter.maxCost
  }
  onChange(changed: () => void): void {
    this.#changed = changed
    this.#meter.onChange?.(changed)
  }

  readyAt(cost: number, now: number): number {
    const { keeper } = this.#limit
    if (!this.#restored && !this.#restore(now)) return Number.POSITIVE_INFINITY
    const at = this.#meter.readyAt(cost, now)
    if (at > now) return at
    if (keeper.allows && this.#hasRoom(cost)) return at
    this.#limit.need(cost)
    keeper.ask(this.#changed)
    return Number.POSITIVE_INFINITY
  }
  get #now(): number {
    return this.#limit.keeper.now() + this.#ahead
  }
  #restore(now: number): boolean {
    const { keeper, name } = this.#limit
    const earlier = keeper.earlier(name, this.#changed)
    if (earlier === undefined) return false
    this.#restored = true
    this.#ahead = now - keeper.now()
    const spent = this.#limit.spentOf(this.part, earlier)
    if (spent.length > 0) {
      this.#meter.restore?.(spent, now, keeper.wallNow)
      if (!this.isIdle()) this.#limit.took(this, 0)
    }
    return true
  }
  #hasRoom(cost: number): boolean {
    this.#roll()
    const { allowance, next, keeper } = this.#limit
    if (this.#taken + cost > allowance + rounding) return false
    return keeper.begun === keeper.written || this.#takenSince + cost <= next + rounding
  }
  /** Counts from the writing that is in force now. */
  #roll(): void {
    const { written, begun } = this.#limit.keeper
    if (this.#written !== written) {
      this.#taken = this.#begun === written ? this.#takenSince : 0
      this.#written = written
    }
    if (this.#begun !== begun) {
      this.#begun = begun
      this.#takenSince = 0
    }
  }
  #count(cost: number): void {
    this.#roll()
    this.#taken += cost
    if (this.#begun !== this.#written) this.#takenSince += cost
    this.#limit.took(this, this.#taken)
  }

  take(cost: number, now: number, order: number): void {
    this.#meter.take(cost, now, order)
    this.inFlight += cost
    this.#count(cost)
    this.#limit.need(0)
    const { keeper, allowance } = this.#limit
    if (this.#taken * 2 > allowance || keeper.isAging) keeper.ask()
  }
  settle(sent: SentRequest, now: number, reply: QuotaReply | undefined, wallNow: number): void {
    this.inFlight -= sent.cost
    this.#meter.settle?.(sent, now, reply, wallNow)
    this.#count((sent.actual ?? sent.cost) - sent.cost)
  }
  refuse(refusal: QuotaRefusal, sent: SentRequest, now: number): void {
    this.#meter.refuse?.(refusal, sent, now)
  }
  release(sent: SentRequest, now: number): void {
    this.#meter.release?.(sent, now)
  }
  cancel(cost: number, now: number, order: number): void {
    this.inFlight -= cost
    this.#meter.cancel(cost, now, order)
    this.#count(-cost)
  }
  isIdle(now = this.#now): boolean {
    return this.inFlight <= rounding && this.#meter.isIdle?.(now) === true
  }
  spent(wallNow: number, most: number): readonly Spend[] {
    return this.#meter.save?.(this.#now, wallNow, most) ?? []
  }
}

function sumOf(spent: LimitUse['others']): number {
  return spent.reduce((sum, [, , cost]) => sum + cost, 0)
}

function merged(spent: LimitUse['others']): [number, number, number] {
  return [Math.min(...spent.map(([from]) => from)), Math.max(...spent.map(([, to]) => to)), sumOf(spent)]
}
