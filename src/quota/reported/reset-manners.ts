// What an API does at a reset, as far as its replies have shown. Nothing is taken for granted that would have a request refused.

/** Agreeing replies that it takes to be sure. One that disagrees undoes it for good. */
const enough = { roundedUp: 2, full: 3 }

export class ResetManners {
  /** `down`: the reset is up to a second later than what is told. */
  #rounding: 'unknown' | 'up' | 'down' = 'unknown'
  #roundedUp = 0
  #full: 'unknown' | 'yes' | 'no' = 'unknown'
  #timesFull = 0
  #onTime = true
  #maySlide = false

  /** What has to be waited beyond the moment that is told. */
  lateness(precisionMs: number): number {
    return this.#rounding === 'up' ? 0 : precisionMs
  }
  /** Whether it is worth keeping the last request of a window for the moment of the reset, to see how it is rounded. */
  isRoundingUnknown(precisionMs: number): boolean {
    return precisionMs > 1 && this.#rounding === 'unknown'
  }
  /** The whole budget is there after a reset: windows are fixed. Else one request goes ahead, and its reply tells. */
  get resetsFully(): boolean {
    return this.#full === 'yes'
  }
  /** Requests may be sent so early that they arrive just after the reset. */
  get isOnTime(): boolean {
    return this.#onTime
  }

  /**
   * A reply showed the budget reset, and came at a time when it would not have been yet, had what was told been rounded down or to the
   * nearest number.
   */
  sawRoundedUp(): void {
    if (this.#rounding === 'unknown' && ++this.#roundedUp >= enough.roundedUp) this.#rounding = 'up'
  }
  /** A request that was sent after the moment that was told was counted before the reset. */
  sawNoReset(): void {
    this.#rounding = 'down'
  }
  /** After a reset everything was there, also what a sliding window would have held back still. `sure`: it can be no other way. */
  sawFull(sure: boolean): void {
    if (this.#full === 'unknown' && (sure || ++this.#timesFull >= enough.full)) this.#full = 'yes'
  }
  /** Less was there than a fixed window would have had: it slides, or somebody else was faster. */
  sawNotFull(): void {
    this.#timesFull = 0
    this.#maySlide = true
  }
  get maySlide(): boolean {
    return this.#maySlide && this.#full !== 'yes'
  }
  /** The reset moved before it came: the budget flows back evenly. */
  sawMove(): void {
    this.#full = 'no'
    this.#maySlide = true
  }
  /** A request was refused soon after a reset, against what was known. */
  wasRefused(): void {
    this.#rounding = 'down'
    this.#full = 'no'
    this.#onTime = false
  }
}
