// What is spent of an account's declared limits, kept for the next process, whether this one ends in order or is killed.
//
// Nobody spends what has not been written: each writing says what was spent, and that as much again as an allowance may be spent within the
// next seconds. What comes after a kill takes all of that to be spent. Requests wait for a writing where the allowance is used up or its
// time is over; a stream that goes on asks for the next one before that, so that it waits for the first alone. An allowance begins with a
// hundredth of the limit, and doubles, up to a tenth, where it is used up before its time: a limit is written some ten times while it
// is spent at once, and every few seconds while it is spent slowly. There is no timer, and who asks nothing writes nothing.
import type { Clock } from '../../ports/runtime.ts'
import { steadyTime } from '../../ports/steady-time.ts'
import { KeptLimit, type KeptLimitOptions } from './kept-limit.ts'
import { type KeptUse, type LimitUse, leftOf, nameHash, type QuotaMemory } from './quota-memory.ts'

/** How long an allowance may be used. */
export const allowanceMs = 5000
const shortestMs = 250
/** A request that was under way when a process was killed may be counted by the server so much later. */
const lateMs = 5000

export class UseKeeper {
  readonly #key: string
  readonly #memory: QuotaMemory
  readonly #clock: Clock
  /** Milliseconds that never go back. */
  readonly now: () => number
  readonly #limits = new Map<string, KeptLimit>()
  /** What earlier processes left; `undefined` as long as it is not known. */
  #earlier: KeptUse | undefined
  #loading = false
  readonly #told = new Set<() => void>()
  #writing: Promise<void> | undefined
  #ends = Number.NEGATIVE_INFINITY
  /** Whether what was written last says something else than what is true, or than what would be if nothing more were sent. */
  #stale = false
  /** Counts the writings that were begun. */
  #begun = 0
  /** That which is on the disk: what was taken since it began is spent of its allowance. */
  #written = 0

  constructor(key: string, memory: QuotaMemory, clock: Clock) {
    this.#key = key
    this.#memory = memory
    this.#clock = clock
    this.now = steadyTime(clock)
  }

  /** @param words tell it from the account's others */
  limit(words: string, options: KeptLimitOptions): KeptLimit {
    const name = nameHash(words)
    let limit = this.#limits.get(name)
    if (limit === undefined) {
      limit = new KeptLimit(this, name, options)
      this.#limits.set(name, limit)
    }
    return limit
  }

  get wallNow(): number {
    return this.#clock.now()
  }
  /** The writing whose allowance is in force. */
  get written(): number {
    return this.#written
  }
  /** The writing that is under way, or the last. */
  get begun(): number {
    return this.#begun
  }

  /** What earlier processes left of a limit; `undefined` as long as that is being read: then `changed` is called once it is known. */
  earlier(name: string, changed: () => void): Partial<LimitUse> | undefined {
    if (this.#earlier !== undefined) return this.#earlier.limits[name] ?? {}
    this.#told.add(changed)
    if (!this.#loading) {
      this.#loading = true
      void this.#load()
    }
    return undefined
  }
  async #load(): Promise<void> {
    const found = await this.#memory.readUse(this.#key).catch(() => undefined)
    this.#earlier = found ?? { limits: {} }
    this.#tell()
  }

  /** Whether the allowance may be used now. */
  get allows(): boolean {
    return this.now() < this.#ends
  }
  /** Whether it is time to write again, where requests go on. */
  get isAging(): boolean {
    return this.now() > this.#ends - allowanceMs / 2
  }
  spent(): void {
    this.#stale = true
  }

  /** Begins a writing, unless one is under way; `changed` is called after it. */
  ask(changed?: () => void): void {
    if (changed !== undefined) this.#told.add(changed)
    this.#writing ??= this.#write(true)
  }

  /** Writes what was spent, of which nothing more may be until the next writing. */
  async save(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
    if (!this.#stale) return
    this.#writing = this.#write(false)
    await this.#writing
  }

  async #write(allows: boolean): Promise<void> {
    const begins = this.now()
    const use = this.#snapshot(allows)
    this.#begun++
    this.#stale = allows
    if (!allows) this.#ends = Number.NEGATIVE_INFINITY
    // What can't be kept stops nothing: the memory has told of it.
    await this.#memory.writeUse(this.#key, use).catch(() => {})
    this.#writing = undefined
    this.#written = this.#begun
    for (const limit of this.#limits.values()) limit.allowed()
    // A disk that takes longer than an allowance lasts must not keep all from going on.
    if (allows) this.#ends = Math.max(begins + allowanceMs, this.now() + shortestMs)
    this.#tell()
  }

  #snapshot(allows: boolean): KeptUse {
    const wallNow = this.#clock.now()
    // Its clock and ours may differ by so much.
    const spentWithin = { from: wallNow - 1000, to: wallNow + allowanceMs + lateMs }
    const limits: Record<string, LimitUse> = {}
    const earlier = this.#earlier?.limits ?? {}
    for (const [name, use] of Object.entries(earlier)) {
      if (this.#limits.has(name)) continue
      const left = leftOf(use, wallNow)
      if (left !== undefined) limits[name] = left
    }
    for (const [name, limit] of this.#limits)
      limits[name] = limit.snapshot({ earlier: earlier[name], allows, spentWithin, wallNow })
    return { limits }
  }

  #tell(): void {
    const told = [...this.#told]
    this.#told.clear()
    for (const changed of told) changed()
  }
}
