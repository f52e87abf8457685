// How requests wait for one quota or for several (Q1, Q2).
//
// What a request needs of all its queues is taken at one moment, when it can have all of it: nobody holds a part while waiting
// for the rest, so that what was granted is sent at once, there is no deadlock, and a wait that is aborted leaves nothing to give back.
//
// Who waits for the same queues waits in one line, in the order of arrival; only the first of a line is looked at. The firsts
// of all lines that touch, the earliest of them first, are led through their queues, from the narrowest (an endpoint's) to the widest
// (the account's), by one rule:
//
//   A waiter stands in its narrowest queue. It steps on to the next one if nobody who came earlier stands in this one, and this
//   one's meters allow its cost. Past the last queue it is granted, and takes from all of them.
//
// So a waiter whose endpoint is throttled doesn't stand in its account's queue, and whoever waits there for another endpoint goes by;
// as soon as its endpoint allows it, it stands in the account's queue before everybody who came later.
//
// Nobody starves, as long as each meter allows a cost some time after the last taking, and goes on allowing it until the next: let w be
// the waiter that came first among those who are never granted. Those who came before it are granted or leave; from then on nobody
// stands before w. In its narrowest queue it stands always, so nobody else takes from it, its meters come to allow w, and w steps
// on for good. In the next queue it now stands always; and so on to the last. Each waiter may list its queues in an order of
// its own, since the proof needs no more than w's.
import { QuotaImpossibleError } from './errors.ts'
import type { QuotaQueue } from './queue.ts'
import type { OnQuotaWait, Permit } from './quota.ts'

/**
 * Waits for all of `queues`, and takes `cost` from each at one moment.
 * @param queues each once, the narrowest first
 * @throws QuotaImpossibleError a cost that no wait makes possible
 */
export async function acquireTogether(
  queues: readonly QuotaQueue[],
  cost = 1,
  signal?: AbortSignal,
  onWait?: OnQuotaWait,
): Promise<Permit> {
  signal?.throwIfAborted()
  for (const queue of queues)
    if (!(cost > 0) || cost > queue.maxCost) throw new QuotaImpossibleError(queue.name, cost, queue.maxCost)
  if (isFree(queues, cost)) return grant(queues, cost)
  return new Promise((resolve, reject) => {
    const waiter: Waiter = {
      cost,
      signal,
      onWait,
      resolve,
      reject,
      line: lineOf(queues),
      arrival: arrivals++,
      before: undefined,
      behind: undefined,
      over: false,
      heldUpAt: undefined,
    }
    join(waiter)
  })
}

/** Those who wait for the same queues, in the order of arrival. */
export interface Line {
  readonly queues: readonly QuotaQueue[]
  first: Waiter | undefined
  last: Waiter | undefined
}

interface Waiter {
  readonly cost: number
  readonly signal: AbortSignal | undefined
  readonly onWait: OnQuotaWait | undefined
  readonly resolve: (permit: Permit) => void
  readonly reject: (reason: unknown) => void
  readonly line: Line
  /** Counts all waiters: the order of arrival. */
  readonly arrival: number
  before: Waiter | undefined
  behind: Waiter | undefined
  /** Granted, aborted or failed. */
  over: boolean
  /** The queue that it was last told that it waits for. */
  heldUpAt: QuotaQueue | undefined
}

let arrivals = 0

function isFree(queues: readonly QuotaQueue[], cost: number): boolean {
  for (const queue of queues) {
    if (queue.lines.size > 0) return false
    const now = queue.now()
    if (queue.readyAt(cost, now) > now) return false
  }
  return true
}

function grant(queues: readonly QuotaQueue[], cost: number): Permit {
  for (const queue of queues) queue.take(cost)
  return new QueuePermit(queues, cost)
}

function lineOf(queues: readonly QuotaQueue[]): Line {
  for (const line of queues[0]!.lines)
    if (line.queues.length === queues.length && line.queues.every((queue, at) => queue === queues[at]))
      return line
  return { queues, first: undefined, last: undefined }
}

function join(waiter: Waiter): void {
  const { line } = waiter
  if (waiter.signal !== undefined) callersOf(waiter.signal).add(waiter)
  waiter.before = line.last
  if (line.last === undefined) {
    line.first = waiter
    for (const queue of line.queues) queue.lines.add(line)
  } else line.last.behind = waiter
  line.last = waiter
  if (line.first === waiter) serve(line.queues)
  else if (waiter.onWait !== undefined) {
    const queue = line.first!.heldUpAt ?? line.queues[0]!
    const now = queue.now()
    waiter.heldUpAt = queue
    tell({ waiter, queue, expectedMs: queue.readyAt(waiter.cost, now) - now })
  }
}

function remove(waiter: Waiter): void {
  const { line } = waiter
  if (waiter.before === undefined) line.first = waiter.behind
  else waiter.before.behind = waiter.behind
  if (waiter.behind === undefined) line.last = waiter.before
  else waiter.behind.before = waiter.before
  if (line.first === undefined) for (const queue of line.queues) queue.lines.delete(line)
  if (waiter.signal !== undefined) forget(waiter.signal, waiter)
}

/** Grants what can be granted in all lines that touch `changed`, directly or through other lines, and sets the timers of their queues. */
export function serve(changed: readonly QuotaQueue[]): void {
  const { queues, lines } = reached(changed)
  /** The queues in which somebody stands who came earlier. */
  const taken = new Set<QuotaQueue>()
  const wakeAt = new Map<QuotaQueue, number>()
  const told: Told[] = []
  for (let index = 0; index < lines.length; ) {
    const line = lines[index]!
    const waiter = line.first!
    const stopped = obstacle(waiter, taken)
    if (stopped === undefined) {
      waiter.over = true
      remove(waiter)
      waiter.resolve(grant(line.queues, waiter.cost))
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
    if (waiter.onWait !== undefined && waiter.heldUpAt !== queue)
      told.push({ waiter, queue, expectedMs: at - now })
    waiter.heldUpAt = queue
    index++
  }
  for (const queue of queues) queue.wakeAt(wakeAt.get(queue) ?? Number.POSITIVE_INFINITY)
  // Whoever is told may ask for more: so not before everything stands as it should.
  for (const one of told) tell(one)
}

/** Whoever touches what changed, the line whose first came earliest in front. */
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
  return { queues, lines: [...lines].sort((a, b) => a.first!.arrival - b.first!.arrival) }
}

/** The queue at which a waiter must stay, and until when; `undefined` where it may go. */
function obstacle(
  { line, cost }: Waiter,
  taken: ReadonlySet<QuotaQueue>,
): { queue: QuotaQueue; at: number; now: number; byMeters: boolean } | undefined {
  for (const queue of line.queues) {
    const now = queue.now()
    const at = queue.readyAt(cost, now)
    const byMeters = !taken.has(queue)
    if (at > now || !byMeters) return { queue, at, now, byMeters }
  }
  return undefined
}

/** Puts the line at `index`, which has a new first, behind those whose first came earlier. */
function sink(lines: Line[], index: number): void {
  const line = lines[index]!
  let at = index
  for (; at + 1 < lines.length && lines[at + 1]!.first!.arrival < line.first!.arrival; at++)
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
    waiter.onWait?.(expectedMs, queue.name)
  } catch (error) {
    waiter.over = true
    remove(waiter)
    waiter.reject(error)
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
    for (const waiter of waiters) {
      if (waiter.line.first === waiter) for (const queue of waiter.line.queues) moved.add(queue)
      waiter.over = true
      remove(waiter)
      waiter.reject(signal.reason)
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

class QueuePermit implements Permit {
  readonly #queues: readonly QuotaQueue[]
  readonly #cost: number
  #state: 'sent' | 'settled' | 'ended' = 'sent'

  constructor(queues: readonly QuotaQueue[], cost: number) {
    this.#queues = queues
    this.#cost = cost
  }
  answered(): void {
    if (this.#state !== 'sent') return
    this.#state = 'settled'
    this.#end('settle')
  }
  release(): void {
    if (this.#state === 'ended') return
    this.answered()
    this.#state = 'ended'
    this.#end('release')
  }
  cancel(): void {
    if (this.#state !== 'sent') return
    this.#state = 'ended'
    this.#end('cancel')
  }
  #end(what: 'settle' | 'release' | 'cancel'): void {
    let awaited = false
    for (const queue of this.#queues) if (queue.end(what, this.#cost)) awaited = true
    if (awaited) serve(this.#queues)
  }
}
