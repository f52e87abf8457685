// The order in which those who wait are served: start-time fair queuing (Goyal, Vin, Cheng: "Start-time Fair Queuing", 1996).
// Each flow's waiters follow one another by their cost, and a flow that comes back begins where the queue stands now. Alone, a
// flow is served first come, first served; of several, each gets the same, however many of its requests wait. Interactive flows
// begin `headStart` earlier: they pass what waits, and yet not for ever.
import type { Take } from './permit.ts'
import type { QuotaAsk } from './quota.ts'

/** The cost that interactive flows may take before those that have waited longer. */
const headStart = 1000

export interface Rank {
  /** Falls where somebody before it leaves. */
  start: number
  /** What it began at if nobody of its flow had been before it. */
  readonly least: number
  /** Counts all waiters: of one start, who came earlier is first. */
  readonly arrival: number
  /** What it takes of its flow's turn: the greatest of its costs. */
  readonly cost: number
}

let arrivals = 0
const interactive = '!'

/** Names the flow that a request belongs to. */
export function flowOf({ flow = '', priority }: QuotaAsk): string {
  return priority === 'interactive' ? interactive + flow : `.${flow}`
}

/** Ranks a request behind those of its flow in all of its queues. */
export function rankOf(takes: readonly Take[], flow: string): Rank {
  let least = Number.NEGATIVE_INFINITY
  let start = Number.NEGATIVE_INFINITY
  let cost = 1
  for (const take of takes) {
    least = Math.max(least, take.queue.ranks.nowOf(flow))
    start = Math.max(start, take.queue.ranks.next(flow))
    cost = Math.max(cost, take.weight ?? take.cost)
  }
  for (const { queue } of takes) queue.ranks.taken(flow, start + cost)
  return { start, least, arrival: arrivals++, cost }
}

/**
 * A waiter left without being served: its flow does not pay for it.
 * @param behind the ranks of those who stand behind it, in order: they move up
 */
export function forgetRank(
  takes: readonly Take[],
  flow: string,
  { cost }: Rank,
  behind: Iterable<Rank>,
): void {
  let moved = cost
  for (const rank of behind) {
    const start = Math.max(rank.least, rank.start - moved)
    moved = rank.start - start
    rank.start = start
    if (moved <= 0) return
  }
  for (const { queue } of takes) queue.ranks.givenBack(flow, moved)
}

/** Below 0 where `a` is served before `b`. */
export function ranksBefore(a: Rank, b: Rank): number {
  return a.start - b.start || a.arrival - b.arrival
}

/** Where one queue stands. */
export class Ranks {
  /** The highest start that was granted. */
  #now = 0
  /** By flow: where its next waiter begins. */
  readonly #next = new Map<string, number>()

  /** Where a flow begins that has not been here. */
  nowOf(flow: string): number {
    return flow.startsWith(interactive) ? this.#now - headStart : this.#now
  }
  next(flow: string): number {
    const now = this.nowOf(flow)
    return Math.max(now, this.#next.get(flow) ?? now)
  }
  taken(flow: string, next: number): void {
    this.#next.set(flow, next)
  }
  givenBack(flow: string, cost: number): void {
    const next = this.#next.get(flow)
    if (next !== undefined) this.#next.set(flow, next - cost)
  }
  granted({ start }: Rank): void {
    this.#now = Math.max(this.#now, start)
  }
  /**
   * Somebody who came later has been granted before the first of another line. That may be so once: who comes from now on begins no
   * earlier than the one who was passed. Where all flows wait for the same queues it would not be needed; where they don't, one who is
   * behind by what its flow had of one queue would be behind in another, too, and by ever more.
   */
  passed({ start }: Rank): void {
    this.#now = Math.max(this.#now, start)
  }
  /** Nobody waits: no flow is owed anything, and none owes. */
  clear(): void {
    this.#next.clear()
  }
}
