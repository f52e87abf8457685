// What some answers took, and whether others took longer.
//
// A window holds the requests that were sent while it was open, not those that were answered: the first answers after any moment are the
// quick ones. Its slowest tenth is left out, so that it is complete before they have come.
//
// Windows are compared by the mean of the logarithms: of answers that are quick or slow by nature it says the same each time, where a median
// jumps from one to the other and a mean follows the slowest. A difference counts where it is larger than chance makes it (Welch's test).

/** So much, added to each, makes what is quick alike: a queue of some milliseconds is none. */
const quickMs = 25
const counted = 0.9
/** What is believed of the spread of the logarithms before any is known, and how many answers that is worth. */
const usualVariance = 0.2 ** 2
const usualWeight = 4

export class LatencyWindow {
  /** Requests that may be in flight. */
  readonly level: number
  #size: number
  #sent = 0
  #full = 0
  #inFlight = 0
  readonly #answers: number[] = []
  #summary: Summary | undefined

  /** @param size requests that it holds */
  constructor(level: number, size: number) {
    this.level = level
    this.#size = size
  }

  get size(): number {
    return this.#size
  }
  get isOpen(): boolean {
    return this.#sent < this.#size
  }
  get isComplete(): boolean {
    return this.#sent >= this.#size && this.#answers.length >= this.#counted
  }
  /** Of its requests, the share that was sent with all in flight that may be. */
  get full(): number {
    return this.#full / this.#sent
  }
  /** In flight when its requests were sent, on average. */
  get inFlight(): number {
    return this.#inFlight / this.#sent
  }
  get #counted(): number {
    return Math.ceil(this.#size * counted)
  }

  /** @param inFlight with this one */
  send(inFlight: number): void {
    this.#sent++
    this.#inFlight += inFlight
    if (inFlight >= this.level) this.#full++
  }
  answer(ms: number): void {
    this.#answers.push(ms)
    this.#summary = undefined
  }
  /** A request that was sent, and says nothing. */
  lose(inFlight: number): void {
    this.#sent--
    this.#inFlight -= inFlight
    if (inFlight >= this.level) this.#full--
  }
  /** Takes so many in all. */
  extend(size: number): void {
    this.#size = size
    this.#summary = undefined
  }

  summary(): Summary {
    this.#summary ??= summaryOf(this.#answers.toSorted((a, b) => a - b).slice(0, this.#counted))
    return this.#summary
  }
}

interface Summary {
  readonly count: number
  /** In milliseconds, `quickMs` included. */
  readonly mean: number
  readonly meanLog: number
  /** Of `meanLog`: the square of its standard error. */
  readonly squaredError: number
}

function summaryOf(answers: readonly number[]): Summary {
  const count = answers.length
  let sum = 0
  let sumLog = 0
  for (const ms of answers) {
    sum += ms + quickMs
    sumLog += Math.log(ms + quickMs)
  }
  const meanLog = sumLog / count
  let squares = usualWeight * usualVariance
  for (const ms of answers) squares += (Math.log(ms + quickMs) - meanLog) ** 2
  return { count, mean: sum / count, meanLog, squaredError: squares / (count - 1 + usualWeight) / count }
}

export interface Slowdown {
  /** How many times as long it took. Of two measures the smaller. */
  readonly ratio: number
  /** Of the means of the logarithms, the difference and its standard error. */
  readonly difference: number
  readonly error: number
}

/** By how much answers in `window` took longer than in `other`. */
export function slowdown(window: LatencyWindow, other: LatencyWindow): Slowdown {
  const slow = window.summary()
  const quick = other.summary()
  const difference = slow.meanLog - quick.meanLog
  return {
    ratio: Math.min(Math.exp(difference), slow.mean / quick.mean),
    difference,
    error: Math.sqrt(slow.squaredError + quick.squaredError),
  }
}
