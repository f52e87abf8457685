// The order in which those who wait are served: start-time fair queuing (Goyal, Vin, Cheng: "Start-time Fair Queuing", 1996).
// Each flow's waiters follow one another by their cost, and a flow that comes back begins where the queue stands now. Alone, a
// flow is served first come, first served; of several, each gets the same, however many of its requests wait. Interactive flows
// begin `headStart` earlier: they pass what waits, and yet not for ever.
//
// A request has one cost in all its queues, whatever these count: how many times the usual request of a queue it takes, and the greatest of
// that over the queues that hold it up. What it takes of a queue that has room is at nobody's expense, so that it doesn't cost the flow its
// turns in another one.
//
// In one queue a flow's waiters have rising starts in the order of their arrival, at every moment (Q2): each begins no earlier than the one
// before it ends. Who leaves without being served lets those behind begin earlier, and no further than that.
import { Heap } from './heap.ts'
import type { Waiter } from './line.ts'
import type { Take } from './permit.ts'
import type { QuotaAsk } from './quota.ts'

/** The cost that interactive flows may take before those that have waited longer: that of so many usual requests. */
const headStart = 1000
/** So many requests back tell what a usual one takes. */
const usualOf = 100

export interface Rank {
  /** Falls where somebody before it leaves. */
  start: number
  /** What it began at if nobody of its flow had been before it. */
  readonly least: number
  /** Counts all waiters: of one start, who came earlier is first. */
  readonly arrival: number
  /** What it takes of its flow's turn. */
  readonly cost: number
  readonly flow: string
  /** Where it stands among its flow's, in each of its queues. */
  readonly places: readonly Place[]
  /** Whose it is. */
  waiter?: Waiter
}

/** One waiter among those of its flow that wait for one queue, in the order of arrival. */
interface Place {
  readonly rank: Rank
  readonly turns: Turns
  /** Where the flow's turn in the queue ended when it came, less what those did not take who have left since. */
  base: number
  before: Place | undefined
  behind: Place | undefined
}

/** One flow in one queue. */
interface Turns {
  /** Where its next waiter begins. */
  next: number
  last: Place | undefined
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
  for (const { queue } of takes) {
    least = Math.max(least, queue.ranks.nowOf(flow))
    start = Math.max(start, queue.ranks.turnsOf(flow).next)
  }
  start = Math.max(least, start)
  const cost = turnOf(takes)
  const places: Place[] = []
  const rank: Rank = { start, least, arrival: arrivals++, cost, flow, places }
  for (const { queue } of takes) {
    const turns = queue.ranks.turnsOf(flow)
    const place: Place = { rank, turns, base: turns.next, before: turns.last, behind: undefined }
    if (turns.last !== undefined) turns.last.behind = place
    turns.last = place
    turns.next = start + cost
    places.push(place)
  }
  return rank
}

function turnOf(takes: readonly Take[]): number {
  let held = 0
  let greatest = 0
  for (const take of takes) {
    const cost = take.weight ?? take.queue.ranks.relative(take.cost)
    if (cost > held && holdsUp(take)) held = cost
    if (cost > greatest) greatest = cost
  }
  return held > 0 ? held : greatest
}

/** Whether the queue is where its first waits: those that have gone on to a wider one wait for that. */
function holdsUp({ queue, cost }: Take): boolean {
  const front = queue.standing.front
  if (front !== undefined) return front.queues[front.stands - 1] === queue
  const now = queue.now()
  return queue.readyAt(cost, now) > now
}

/** A waiter was served: its flow has had its turn. */
export function takeTurn({ places }: Rank): void {
  for (const place of places) leave(place)
}

/**
 * A waiter left without being served: its flow does not pay for it. Those of its flow that follow in any of its queues move up.
 * @param onMoved called right after a start has fallen, before the next one does
 */
export function giveTurnBack({ start, cost, places }: Rank, onMoved: (rank: Rank) => void): void {
  // Whoever moves up lets others move up, who came later: in the order of arrival each is looked at once.
  const following = new Heap<Rank>((a, b) => a.arrival < b.arrival)
  const endsEarlier = (turns: Turns, behind: Place | undefined, end: number, earlier: number) => {
    if (behind === undefined) {
      if (turns.next === end) turns.next = earlier
    } else if (behind.base === end) {
      behind.base = earlier
      following.add(behind.rank)
    }
  }
  for (const place of places) {
    leave(place)
    endsEarlier(place.turns, place.behind, start + cost, place.base)
  }
  for (let rank = following.first; rank !== undefined; rank = following.first) {
    following.delete(rank)
    const end = rank.start + rank.cost
    let earlier = rank.least
    for (const { base } of rank.places) earlier = Math.max(earlier, base)
    if (earlier >= rank.start) continue
    rank.start = earlier
    onMoved(rank)
    for (const { turns, behind } of rank.places) endsEarlier(turns, behind, end, earlier + rank.cost)
  }
}

function leave(place: Place): void {
  if (place.before !== undefined) place.before.behind = place.behind
  if (place.behind === undefined) place.turns.last = place.before
  else place.behind.before = place.before
}

/** Whether `a` is served before `b`. */
export function isBefore(a: Rank, b: Rank): boolean {
  return a.start < b.start || (a.start === b.start && a.arrival < b.arrival)
}

/** Where one queue stands. */
export class Ranks {
  /** The highest start that was granted. */
  #now = 0
  /** The mean of the costs that were taken. */
  #usual = 1
  #taken = 0
  readonly #turns = new Map<string, Turns>()

  /** Where a flow begins that has not been here. */
  nowOf(flow: string): number {
    return flow.startsWith(interactive) ? this.#now - headStart : this.#now
  }
  turnsOf(flow: string): Turns {
    let turns = this.#turns.get(flow)
    if (turns === undefined) {
      turns = { next: Number.NEGATIVE_INFINITY, last: undefined }
      this.#turns.set(flow, turns)
    }
    return turns
  }
  took(cost: number): void {
    this.#taken = Math.min(usualOf, this.#taken + 1)
    this.#usual += (cost - this.#usual) / this.#taken
  }
  /** A cost in usual requests of this queue. */
  relative(cost: number): number {
    return this.#taken === 0 ? 1 : cost / this.#usual
  }
  granted({ start }: Rank): void {
    this.#now = Math.max(this.#now, start)
  }
  /**
   * Somebody who came later has been granted before this one. That may be so once: who comes from now on begins no
   * earlier than the one who was passed. Where all flows wait for the same queues it would not be needed; where they don't, one who is
   * behind by what its flow had of one queue would be behind in another, too, and by ever more.
   */
  passed({ start }: Rank): void {
    this.#now = Math.max(this.#now, start)
  }
  /** Nobody waits: no flow is owed anything, and none owes. */
  clear(): void {
    this.#turns.clear()
  }
}
