import { Heap } from './heap.ts'
import type { Line } from './line.ts'
import { isBefore } from './rank.ts'

/** Those who stand in one queue: the firsts of their lines. */
export class Standing {
  readonly #byRank = new Heap<Line>((a, b) => isBefore(a.first!.rank, b.first!.rank))
  readonly #byArrival = new Heap<Line>((a, b) => a.first!.rank.arrival < b.first!.rank.arrival)

  get front(): Line | undefined {
    return this.#byRank.first
  }
  /** Who came first of them. */
  get earliest(): Line | undefined {
    return this.#byArrival.first
  }
  add(line: Line): void {
    this.#byRank.add(line)
    this.#byArrival.add(line)
  }
  delete(line: Line): void {
    this.#byRank.delete(line)
    this.#byArrival.delete(line)
  }
  /** The line's first has another rank now. */
  moved(line: Line): void {
    this.#byRank.moved(line)
  }
}
