// The search for the highest rate that an API takes (rates are per millisecond). After each refusal and recovery:
//   back off to 0.9 of the ceiling, and return along a cubic to 0.99 of it, as CUBIC does (RFC 9438; the AWS SDKs' adaptive mode, whose
//   scale this is), within some seconds; hold there; then climb above it in stages, each a step further, until the next refusal.
// A stage that was used to the full and not refused raises the ceiling. The first steps are small where the ceiling has proved right,
// and large where it is a first guess. Holding takes twice as long after each climb that was refused at once, and climbs are paid for: they
// wait until what was accepted outweighs what was refused.
//
// Why not all of the ceiling while holding: windows that the API counts by the second see now more and now fewer requests than were sent
// in a second, since each takes another time on its way.

const backOff = 0.9
const holding = 0.99
/** Of the cubic: per second, and per second cubed. */
const scale = 0.4
const firstStep = 0.015
const stepOfGuess = 0.25
const stepAfterDrop = 0.1
const longestStep = 0.8
const stepGrowth = 3
const shortestHoldMs = 20_000
const longestHoldMs = 120_000
const shortestStageMs = 4000
const longestStageMs = 120_000
/** Refusals that climbs may cost, as a share of what is accepted. */
const refusedShare = 0.002
const longestDebtMs = 1_800_000
/** A stage says something of the API where so much of its rate was used. */
const usedShare = 0.8
/** Refusals that are rarer than this say that the ceiling is right, for an API that counts unevenly. */
const rareAccepted = 400
const rarePauses = 20

export class RateCeiling {
  /** 0: none is known. */
  #ceiling = 0
  /** What it was when the last climb began. */
  #base = 0
  /** The rate of the stage. */
  #level = 0
  #stage: 'hold' | 'climb' = 'hold'
  #stageAt = 0
  #accepted = 0
  #resumedAt = 0
  #climbs = 0
  #step = stepOfGuess
  /** False for a first guess: too low, perhaps, by far. */
  #proven = false
  #holdMs = shortestHoldMs
  #lastPauseMs = 0
  /** How long a stage has to last to say something: as long as the longest pause, which was the rest of a window. */
  #stageMs = shortestStageMs
  #credit = 0
  #refused = 0
  #ran = 0

  get known(): boolean {
    return this.#ceiling > 0
  }
  get value(): number {
    return this.#ceiling
  }

  /** Begins where an earlier search ended. */
  start(ceiling: number, now: number): void {
    this.#proven = true
    this.#step = firstStep
    this.#resume(ceiling, now)
  }

  /** The rate at which to send now. */
  rate(now: number): number {
    this.#advance(now)
    if (this.#stage === 'climb') return this.#level
    const level = this.#level * 1000
    const returnSeconds = Math.cbrt((level * (1 - backOff / holding)) / scale)
    const seconds = Math.min(0, (now - this.#resumedAt) / 1000 - returnSeconds)
    return (level + scale * seconds ** 3) / 1000
  }

  accepted(cost: number): void {
    this.#accepted += cost
    this.#credit += cost * refusedShare
  }

  /** A refusal that ends the stage. */
  stop(now: number): void {
    this.#refused = 0
    this.#ran = now - this.#stageAt
  }

  /** Each refusal, the one that ended the stage included. */
  refused(): void {
    this.#refused++
    // What came before a ceiling was known is no price of a climb.
    if (this.known) this.#credit--
  }

  /**
   * The API accepts again.
   * @param measured what it took from one recovery to this one
   */
  recover(measured: number, pauseMs: number, now: number): void {
    this.#lastPauseMs = pauseMs
    this.#stageMs = Math.min(longestStageMs, Math.max(this.#stageMs, pauseMs * 1.1))
    // A debt is paid back within half an hour, as where a limit has grown since the search that made it.
    this.#credit = Math.max(this.#credit, -measured * refusedShare * longestDebtMs)
    this.#resume(this.known ? this.#found(Math.min(measured, this.#level), pauseMs) : measured, now)
  }

  #found(measured: number, pauseMs: number): number {
    if (this.#stage === 'climb') return this.#foundAbove(measured)
    if (this.#accepted >= rareAccepted * this.#refused && this.#ran >= rarePauses * pauseMs) {
      this.#holdMs = Math.min(longestHoldMs, this.#holdMs * 2)
      return this.#ceiling
    }
    this.#proven = measured >= this.#ceiling * backOff
    this.#step = this.#proven ? firstStep : stepAfterDrop
    if (!this.#proven) this.#holdMs = shortestHoldMs
    return measured
  }

  /** A climb was refused: the ceiling lies between where it began, or the last stage that was not, and here. */
  #foundAbove(measured: number): number {
    let found = measured
    if (this.#proven && measured >= this.#base * backOff)
      found =
        this.#climbs === 1
          ? this.#base
          : Math.min(Math.max(this.#ceiling, measured), this.#ceiling * (1 + this.#step / 8))
    this.#holdMs = found <= this.#base * 1.06 ? Math.min(longestHoldMs, this.#holdMs * 2) : shortestHoldMs
    this.#step = this.#proven ? Math.max(firstStep, this.#step / 8) : firstStep
    this.#proven = true
    return found
  }

  #resume(ceiling: number, now: number): void {
    this.#ceiling = ceiling
    this.#base = ceiling
    this.#climbs = 0
    this.#resumedAt = now
    this.#begin('hold', ceiling * holding, now)
  }

  #advance(now: number): void {
    const elapsed = now - this.#stageAt
    if (elapsed < this.#length()) return
    if (this.#accepted < usedShare * this.#level * elapsed) {
      this.#begin(this.#stage, this.#level, now)
      return
    }
    if (this.#stage === 'climb') {
      this.#ceiling = this.#level
      this.#step = Math.min(longestStep, this.#step * stepGrowth)
    } else if (this.#proven && this.#credit < 0) return
    this.#climbs++
    this.#begin('climb', this.#ceiling * (1 + this.#step), now)
  }

  #length(): number {
    if (this.#stage === 'climb' || !this.#proven) return this.#stageMs
    return Math.max(this.#stageMs, this.#holdMs, Math.min(longestHoldMs, this.#lastPauseMs * 30))
  }

  #begin(stage: 'hold' | 'climb', level: number, now: number): void {
    this.#stage = stage
    this.#level = level
    this.#stageAt = now
    this.#accepted = 0
  }
}
