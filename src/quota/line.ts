// How requests wait for one quota or for several (Q1, Q2).
//
// What a request needs of all its queues is taken at one moment, when it can have all of it: nobody holds a part while waiting
// for the rest, so that what was granted is sent at once, there is no deadlock, and a wait that is aborted leaves nothing to give back.
//
// Who waits for the same queues waits in one line, in the order of rank; only the first of a line is looked at. The firsts
// of all lines, the lowest rank first, are led through their queues, from the narrowest (an endpoint's) to the widest
// (the account's), by one rule:
//
//   A waiter stands in its narrowest queue. It steps on to the next one if nobody of lower rank stands in this one, and this
//   one's meters allow its cost. Past the last queue it is granted, and takes from all of them.
//
// So a waiter whose endpoint is throttled doesn't stand in its account's queue, and whoever waits there for another endpoint goes by;
// as soon as its endpoint allows it, it stands in the account's queue before everybody of higher rank.
//
// Nobody starves, as long as each meter allows a cost some time after the last taking, and goes on allowing it until the next: let w be
// the waiter of the lowest rank among those who are never granted. Those of lower rank are finitely many, and are granted or leave;
// from then on nobody stands before w. In its narrowest queue it stands always, so nobody else takes from it, its meters come to
// allow w, and w steps on for good. In the next queue it now stands always; and so on to the last. Each waiter may list its queues
// in an order of its own, since the proof needs no more than w's.
//
// Where each first stands is remembered, so that a change is followed no further than it reaches: what a queue's meters allow concerns the
// lowest rank that stands there alone; whoever enters a queue concerns the one who stood there in front; whoever leaves it, the next.
// Each of those is led through its queues anew, the lowest rank first. Nobody but the lowest rank in a queue ever stands beyond it.
//
// `rank.ts` says how ranks are given: in one flow first come, first served.
import { QuotaImpossibleError } from './errors.ts'
import { Heap } from './heap.ts'
import { grant, type Take } from './permit.ts'
import type { QuotaQueue } from './queue.ts'
import type { Permit, QuotaAsk } from './quota.ts'
import { flowOf, giveTurnBack, isBefore, type Rank, rankOf, takeTurn } from './rank.ts'
import { Stopwatch } from './stopwatch.ts'

/**
 * Waits for all queues of `takes`, and takes from each at one moment.
 * @param given each queue once, the narrowest first
 * @throws QuotaImpossibleError a cost that no wait makes possible
 */
export async function acquireTogether(given: readonly Take[], ask: QuotaAsk = {}): Promise<Permit> {
  const takes = narrowFirst(given)
  ask.signal?.throwIfAborted()
  for (const { queue, cost } of takes)
    if (!(cost > 0) || cost > queue.maxCost) throw new QuotaImpossibleError(queue.name, cost, queue.maxCost)
  if (isFree(takes)) return grant(takes)
  return new Promise((resolve, reject) => {
    const flow = flowOf(ask)
    const waiter: Waiter = {
      takes,
      ask,
      rank: rankOf(takes, flow),
      resolve,
      reject,
      line: lineOf(takes, flow),
      before: undefined,
      behind: undefined,
      over: false,
      timedBefore: 0,
      heldUpAt: undefined,
      heldUntil: Number.NEGATIVE_INFINITY,
    }
    waiter.rank.waiter = waiter
    join(waiter)
  })
}

/** An account's class of requests is narrower than the places of a client, whichever is listed first. */
function narrowFirst(takes: readonly Take[]): readonly Take[] {
  let wide = false
  for (const { narrow } of takes) {
    if (narrow && wide)
      return [...takes.filter((take) => take.narrow), ...takes.filter((take) => !take.narrow)]
    if (!narrow) wide = true
  }
  return takes
}

/** Those of one flow who wait for the same queues, in the order of rank. */
export interface Line {
  /** Names it in its queues. */
  readonly key: string
  readonly queues: readonly QuotaQueue[]
  first: Waiter | undefined
  last: Waiter | undefined
  /** In so many of its queues its first stands. */
  stands: number
  /** So many wait in it. */
  length: number
  /** How long its firsts waited for a moment that is known, in all. */
  readonly timed: Stopwatch
}

export interface Waiter {
  readonly takes: readonly Take[]
  readonly ask: QuotaAsk
  readonly rank: Rank
  readonly resolve: (permit: Permit) => void
  readonly reject: (reason: unknown) => void
  readonly line: Line
  before: Waiter | undefined
  behind: Waiter | undefined
  /** Granted, aborted or failed. */
  over: boolean
  /** What its line's stopwatch showed when it came. */
  timedBefore: number
  /** The queue that it was last told that it waits for. */
  heldUpAt: QuotaQueue | undefined
  /** Until when, as it was told then. */
  heldUntil: number
}

/** A wait that turns out to be longer by more than this is told of again. */
const notableMs = 60_000
/** So is one of which nothing was known, and which turns out to be longer than this: a run may not have the patience. */
const notableOfUnknownMs = 1000

function isNews({ heldUpAt, heldUntil }: Waiter, queue: QuotaQueue, at: number, now: number): boolean {
  if (heldUpAt !== queue) return true
  return heldUntil === Number.POSITIVE_INFINITY
    ? at < heldUntil && at > now + notableOfUnknownMs
    : at > heldUntil + notableMs
}

function isFree(takes: readonly Take[]): boolean {
  for (const { queue, cost } of takes) {
    if (queue.lines.size > 0) return false
    const now = queue.now()
    if (queue.readyAt(cost, now) > now) return false
  }
  return true
}

function lineOf(takes: readonly Take[], flow: string): Line {
  let key = flow
  for (const { queue } of takes) key = `${queue.id} ${key}`
  const known = takes[0]!.queue.lines.get(key)
  return (
    known ?? {
      key,
      queues: takes.map(({ queue }) => queue),
      first: undefined,
      last: undefined,
      stands: 0,
      length: 0,
      timed: new Stopwatch(takes[0]!.queue.now),
    }
  )
}

/** Whether its wait comes to more than its patience, if it has to wait for so much more. */
function isTooLong({ ask: { patience }, line, timedBefore }: Waiter, expectedMs: number): boolean {
  if (patience === undefined || expectedMs === Number.POSITIVE_INFINITY) return false
  return line.timed.ms - timedBefore + expectedMs > patience.ms
}

/** Lines whose first is to be led through its queues anew. */
const pending = new Heap<Line>((a, b) => isBefore(a.first!.rank, b.first!.rank))
/** When the queues that were looked at are to be looked at next. */
const wakeAt = new Map<QuotaQueue, number>()
let told: Told[] = []
let serving = false

function join(waiter: Waiter): void {
  const { line, ask } = waiter
  if (ask.signal !== undefined) callersOf(ask.signal).add(waiter)
  waiter.before = line.last
  waiter.timedBefore = line.timed.ms
  if (line.last === undefined) {
    line.first = waiter
    for (const queue of line.queues) queue.lines.set(line.key, line)
  } else line.last.behind = waiter
  line.last = waiter
  line.length++
  if (line.first === waiter) {
    pending.add(line)
    work()
  } else lineUp(waiter)
}

/** Tells one who waits behind others of its line what for, or that it would be too long. */
function lineUp(waiter: Waiter): void {
  const { line, ask, takes } = waiter
  if (ask.onWait === undefined && ask.patience === undefined) return
  const { queue, cost } = takes.find((take) => take.queue === line.first!.heldUpAt) ?? takes[0]!
  const now = queue.now()
  try {
    const tooLong = ask.patience && takes.find((take) => isTooLong(waiter, leastBehind(waiter, take)))
    if (tooLong !== undefined) {
      giveUp(waiter, tooLong.queue, leastBehind(waiter, tooLong))
      work()
      return
    }
    waiter.heldUntil = queue.readyAt(cost, now)
  } catch (error) {
    drop(waiter, error)
    return
  }
  waiter.heldUpAt = queue
  tell({ waiter, queue, expectedMs: waiter.heldUntil - now })
}

/** The least that the last of a line waits for one of its queues. */
function leastBehind({ line }: Waiter, { queue, cost }: Take): number {
  const now = queue.now()
  return queue.readyBehind(line.length - 1, cost, now) - now
}

function remove(waiter: Waiter): void {
  const { line } = waiter
  line.length--
  if (line.first === waiter) {
    pending.delete(line)
    standIn(line, 0)
    line.first = waiter.behind
    if (line.first !== undefined) pending.add(line)
  } else waiter.before!.behind = waiter.behind
  if (waiter.behind === undefined) line.last = waiter.before
  else waiter.behind.before = waiter.before
  if (line.first === undefined)
    for (const queue of line.queues) {
      queue.lines.delete(line.key)
      if (queue.lines.size === 0) wakeAt.set(queue, Number.POSITIVE_INFINITY)
    }
  if (waiter.ask.signal !== undefined) forget(waiter.ask.signal, waiter)
}

/** The line's first stands in the first so many of its queues, and no others. Whoever that concerns is looked at anew. */
function standIn(line: Line, count: number): void {
  for (; line.stands < count; line.stands++) {
    const { standing } = line.queues[line.stands]!
    const { front } = standing
    standing.add(line)
    if (front !== undefined && standing.front === line) pending.add(front)
  }
  while (line.stands > count) {
    line.stands--
    const queue = line.queues[line.stands]!
    const { front } = queue.standing
    queue.standing.delete(line)
    if (front === line) lookAt(queue)
  }
}

/** Who stands in front of a queue, or nobody, is to be looked at. */
function lookAt(queue: QuotaQueue): void {
  const { front } = queue.standing
  if (front === undefined) wakeAt.set(queue, Number.POSITIVE_INFINITY)
  else pending.add(front)
}

/** Grants what can be granted now that the meters of `changed` may allow more or less, and sets the timers of the queues that it concerns. */
export function serve(changed: readonly QuotaQueue[]): void {
  for (const queue of changed) lookAt(queue)
  work()
}

function work(): void {
  // What a meter or a clock asks for meanwhile is done by the same round.
  if (serving) return
  serving = true
  try {
    for (let line = pending.first; line !== undefined; line = pending.first) {
      pending.delete(line)
      lead(line)
    }
    for (const [queue, at] of wakeAt) queue.wakeAt(at)
    wakeAt.clear()
  } finally {
    serving = false
  }
  // Whoever is told may ask for more: so not before everything stands as it should.
  const news = told
  told = []
  for (const one of news) tell(one)
}

/** Leads the first of a line through its queues, as far as it may go. */
function lead(line: Line): void {
  const waiter = line.first!
  const { takes, rank } = waiter
  try {
    for (const [index, { queue, cost }] of takes.entries()) {
      if (line.stands === index) standIn(line, index + 1)
      const isFront = queue.standing.front === line
      const now = queue.now()
      const { onWait, patience } = waiter.ask
      const at = isFront || onWait !== undefined || patience !== undefined ? queue.readyAt(cost, now) : now
      if (isFront) wakeAt.set(queue, at > now ? at : Number.POSITIVE_INFINITY)
      if (isFront && at <= now) continue
      standIn(line, index + 1)
      line.timed.run(at < Number.POSITIVE_INFINITY)
      if (isTooLong(waiter, at - now)) giveUp(waiter, queue, at - now)
      else if (onWait !== undefined && isNews(waiter, queue, at, now)) {
        told.push({ waiter, queue, expectedMs: at - now })
        waiter.heldUpAt = queue
        waiter.heldUntil = at
      }
      return
    }
  } catch (error) {
    // A meter can't say when it allows a request.
    drop(waiter, error)
    return
  }
  waiter.over = true
  takeTurn(rank)
  remove(waiter)
  for (const { ranks, standing } of line.queues) {
    ranks.granted(rank)
    const passed = standing.earliest?.first
    if (passed === undefined) continue
    if (passed.rank.arrival < rank.arrival) ranks.passed(passed.rank)
    if (isTooLong(passed, 0)) pending.add(passed.line)
  }
  waiter.resolve(grant(takes))
}

/** Ends a wait without a grant. */
function drop(waiter: Waiter, reason: unknown): void {
  leave(waiter)
  waiter.reject(reason)
}

function leave(waiter: Waiter): void {
  waiter.over = true
  remove(waiter)
  giveTurnBack(waiter.rank, movedUp)
}

/** Ends a wait that would be too long. Its error is made once everything stands as it should. */
function giveUp(waiter: Waiter, queue: QuotaQueue, expectedMs: number): void {
  leave(waiter)
  told.push({ waiter, queue, expectedMs, gaveUp: true })
}

function movedUp(rank: Rank): void {
  const { line } = rank.waiter!
  if (line.first !== rank.waiter) return
  pending.moved(line)
  for (const { standing } of line.queues.slice(0, line.stands)) {
    const { front } = standing
    standing.moved(line)
    if (standing.front === front) continue
    pending.add(front!)
    pending.add(line)
  }
}

interface Told {
  readonly waiter: Waiter
  readonly queue: QuotaQueue
  readonly expectedMs: number
  /** It waits no longer, since that would be too long. */
  readonly gaveUp?: boolean
}

/** A listener that throws fails its own wait, and nobody else's. */
function tell({ waiter, queue, expectedMs, gaveUp = false }: Told): void {
  const { onWait, patience } = waiter.ask
  if (gaveUp) {
    try {
      waiter.reject(patience!.tooLong(expectedMs, queue.name, queue.limit))
    } catch (error) {
      waiter.reject(error)
    }
    return
  }
  if (waiter.over) return
  try {
    onWait?.(expectedMs, queue.name, queue.limit)
  } catch (error) {
    drop(waiter, error)
    work()
  }
}

/** Those who wait under one signal share one listener: a run has one signal and any number of waiters. */
const callers = new WeakMap<AbortSignal, { readonly waiters: Set<Waiter>; readonly onAbort: () => void }>()

function callersOf(signal: AbortSignal): Set<Waiter> {
  const known = callers.get(signal)
  if (known !== undefined) return known.waiters
  const waiters = new Set<Waiter>()
  const onAbort = () => {
    // The last first, so that those behind, who leave as well, need not move up before.
    for (const waiter of [...waiters].reverse()) drop(waiter, signal.reason)
    work()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  callers.set(signal, { waiters, onAbort })
  return waiters
}

function forget(signal: AbortSignal, waiter: Waiter): void {
  const known = callers.get(signal)!
  known.waiters.delete(waiter)
  if (known.waiters.size > 0) return
  signal.removeEventListener('abort', known.onAbort)
  callers.delete(signal)
}
