// How requests wait for one quota or for several (Q1, Q2).
//
// What a request needs of all its queues is taken at one moment, when it can have all of it: nobody holds a part while waiting
// for the rest, so that what was granted is sent at once, there is no deadlock, and a wait that is aborted leaves nothing to give back.
//
// Who waits for the same queues waits in one line, in the order of rank; only the first of a line is looked at. The firsts
// of all lines that touch, the lowest rank first, are led through their queues, from the narrowest (an endpoint's) to the widest
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
// `rank.ts` says how ranks are given: in one flow first come, first served.
import { QuotaImpossibleError } from './errors.ts'
import { grant, type Take } from './permit.ts'
import type { QuotaQueue } from './queue.ts'
import type { Permit, QuotaAsk } from './quota.ts'
import { flowOf, giveTurnBack, isBefore, type Rank, rankOf, takeTurn } from './rank.ts'

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
    const rank = rankOf(takes, flow)
    join({
      takes,
      ask,
      flow,
      rank,
      resolve,
      reject,
      line: lineOf(takes, flow),
      before: undefined,
      behind: undefined,
      over: false,
      heldUpAt: undefined,
      heldUntil: Number.NEGATIVE_INFINITY,
    })
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
  readonly queues: readonly QuotaQueue[]
  readonly flow: string
  first: Waiter | undefined
  last: Waiter | undefined
}

interface Waiter {
  readonly takes: readonly Take[]
  readonly ask: QuotaAsk
  readonly flow: string
  readonly rank: Rank
  readonly resolve: (permit: Permit) => void
  readonly reject: (reason: unknown) => void
  readonly line: Line
  before: Waiter | undefined
  behind: Waiter | undefined
  /** Granted, aborted or failed. */
  over: boolean
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
  for (const line of takes[0]!.queue.lines)
    if (
      line.flow === flow &&
      line.queues.length === takes.length &&
      line.queues.every((queue, at) => queue === takes[at]!.queue)
    )
      return line
  return { queues: takes.map(({ queue }) => queue), flow, first: undefined, last: undefined }
}

function join(waiter: Waiter): void {
  const { line, ask } = waiter
  if (ask.signal !== undefined) callersOf(ask.signal).add(waiter)
  waiter.before = line.last
  if (line.last === undefined) {
    line.first = waiter
    for (const queue of line.queues) queue.lines.add(line)
  } else line.last.behind = waiter
  line.last = waiter
  if (line.first === waiter) serve(line.queues)
  else if (ask.onWait !== undefined) {
    const { queue, cost } =
      waiter.takes.find((take) => take.queue === line.first!.heldUpAt) ?? waiter.takes[0]!
    const now = queue.now()
    try {
      waiter.heldUntil = queue.readyAt(cost, now)
    } catch (error) {
      drop(waiter, error)
      return
    }
    waiter.heldUpAt = queue
    tell({ waiter, queue, expectedMs: waiter.heldUntil - now })
  }
}

function remove(waiter: Waiter): void {
  const { line } = waiter
  if (waiter.before === undefined) line.first = waiter.behind
  else waiter.before.behind = waiter.behind
  if (waiter.behind === undefined) line.last = waiter.before
  else waiter.behind.before = waiter.before
  if (line.first === undefined) for (const queue of line.queues) queue.lines.delete(line)
  if (waiter.ask.signal !== undefined) forget(waiter.ask.signal, waiter)
}

/** Grants what can be granted in all lines that touch `changed`, directly or through other lines, and sets the timers of their queues. */
export function serve(changed: readonly QuotaQueue[]): void {
  const { queues, lines } = reached(changed)
  /** The queues in which somebody of lower rank stands. */
  const taken = new Set<QuotaQueue>()
  const wakeAt = new Map<QuotaQueue, number>()
  const told: Told[] = []
  for (let index = 0; index < lines.length; ) {
    const line = lines[index]!
    const waiter = line.first!
    const stopped = obstacle(waiter, taken)
    if (stopped instanceof Failure) {
      drop(waiter, stopped.reason)
      if (line.first === undefined) index++
      else sink(lines, index)
      continue
    }
    if (stopped === undefined) {
      waiter.over = true
      remove(waiter)
      takeTurn(waiter.rank)
      for (const queue of line.queues) queue.ranks.granted(waiter.rank)
      for (let other = index + 1; other < lines.length; other++) notePassing(waiter, lines[other]!)
      waiter.resolve(grant(waiter.takes))
      if (line.first === undefined) index++
      else sink(lines, index)
      continue
    }
    const { queue, at, now } = stopped
    for (const passed of line.queues) {
      taken.add(passed)
      if (passed === queue) break
    }
    if (stopped.byMeters) wakeAt.set(queue, at)
    if (waiter.ask.onWait !== undefined && isNews(waiter, queue, at, now)) {
      told.push({ waiter, queue, expectedMs: at - now })
      waiter.heldUpAt = queue
      waiter.heldUntil = at
    }
    index++
  }
  for (const queue of queues) queue.wakeAt(wakeAt.get(queue) ?? Number.POSITIVE_INFINITY)
  // Whoever is told may ask for more: so not before everything stands as it should.
  for (const one of told) tell(one)
}

/** The first of `line` has been passed by one who was granted: in the queues that both wait for, this is where they stand now. */
function notePassing({ rank, line: { queues } }: Waiter, line: Line): void {
  const passed = line.first!.rank
  if (passed.arrival > rank.arrival) return
  for (const queue of line.queues) if (queues.includes(queue)) queue.ranks.passed(passed)
}

/** Whoever touches what changed, the line whose first has the lowest rank in front. */
function reached(changed: readonly QuotaQueue[]): { queues: Set<QuotaQueue>; lines: Line[] } {
  const queues = new Set(changed)
  const lines = new Set<Line>()
  // A Set is iterated to its end, what is added on the way included.
  for (const queue of queues) {
    for (const line of queue.lines) {
      if (lines.has(line)) continue
      lines.add(line)
      for (const other of line.queues) queues.add(other)
    }
  }
  return { queues, lines: [...lines].sort((a, b) => (isBefore(a.first!.rank, b.first!.rank) ? -1 : 1)) }
}

/** A meter can't say when it allows a request. */
class Failure {
  readonly reason: unknown
  constructor(reason: unknown) {
    this.reason = reason
  }
}

/** The queue at which a waiter must stay, and until when; `undefined` where it may go. */
function obstacle(
  { takes }: Waiter,
  taken: ReadonlySet<QuotaQueue>,
): { queue: QuotaQueue; at: number; now: number; byMeters: boolean } | Failure | undefined {
  try {
    for (const { queue, cost } of takes) {
      const now = queue.now()
      const at = queue.readyAt(cost, now)
      const byMeters = !taken.has(queue)
      if (at > now || !byMeters) return { queue, at, now, byMeters }
    }
    return undefined
  } catch (error) {
    return new Failure(error)
  }
}

/** Ends a wait without a grant. */
function drop(waiter: Waiter, reason: unknown): void {
  waiter.over = true
  remove(waiter)
  giveTurnBack(waiter.rank, () => {})
  waiter.reject(reason)
}

/** Puts the line at `index`, which has a new first, behind those whose first has a lower rank. */
function sink(lines: Line[], index: number): void {
  const line = lines[index]!
  let at = index
  for (; at + 1 < lines.length && isBefore(lines[at + 1]!.first!.rank, line.first!.rank); at++)
    lines[at] = lines[at + 1]!
  lines[at] = line
}

interface Told {
  readonly waiter: Waiter
  readonly queue: QuotaQueue
  readonly expectedMs: number
}

/** A listener that throws fails its own wait, and nobody else's. */
function tell({ waiter, queue, expectedMs }: Told): void {
  if (waiter.over) return
  try {
    waiter.ask.onWait?.(expectedMs, queue.name, queue.limit)
  } catch (error) {
    drop(waiter, error)
    serve(waiter.line.queues)
  }
}

/** Those who wait under one signal share one listener: a run has one signal and any number of waiters. */
const callers = new WeakMap<AbortSignal, { readonly waiters: Set<Waiter>; readonly onAbort: () => void }>()

function callersOf(signal: AbortSignal): Set<Waiter> {
  const known = callers.get(signal)
  if (known !== undefined) return known.waiters
  const waiters = new Set<Waiter>()
  const onAbort = () => {
    const moved = new Set<QuotaQueue>()
    // The last first, so that those behind, who leave as well, need not move up before.
    for (const waiter of [...waiters].reverse()) {
      if (waiter.line.first === waiter) for (const queue of waiter.line.queues) moved.add(queue)
      drop(waiter, signal.reason)
    }
    if (moved.size > 0) serve([...moved])
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
