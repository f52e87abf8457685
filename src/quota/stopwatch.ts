/** Measures how long something is so, off and on. */
export class Stopwatch {
  readonly #now: () => number
  #ms = 0
  #since: number | undefined

  constructor(now: () => number) {
    this.#now = now
  }
  get ms(): number {
    return this.#since === undefined ? this.#ms : this.#ms + this.#now() - this.#since
  }
  run(on: boolean): void {
    if (on === (this.#since !== undefined)) return
    this.#ms = this.ms
    this.#since = on ? this.#now() : undefined
  }
}
