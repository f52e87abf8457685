/** A binary heap whose items may move and leave: the first in O(1), everything else in O(log n). */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #places = new Map<T, number>()
  readonly #isBefore: (a: T, b: T) => boolean

  /** @param isBefore a total order of the items */
  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore
  }

  get first(): T | undefined {
    return this.#items[0]
  }
  get size(): number {
    return this.#items.length
  }
  has(item: T): boolean {
    return this.#places.has(item)
  }

  /** Adds an item that is not there yet. */
  add(item: T): void {
    if (this.#places.has(item)) return
    this.#put(item, this.#items.length)
    this.#rise(item)
  }
  delete(item: T): boolean {
    const place = this.#places.get(item)
    if (place === undefined) return false
    this.#places.delete(item)
    const last = this.#items.pop()!
    if (last !== item) {
      this.#put(last, place)
      this.moved(last)
    }
    return true
  }
  /** To be called after each change of an item's order, before that of another one changes. */
  moved(item: T): void {
    if (this.#places.has(item) && !this.#rise(item)) this.#sink(item)
  }

  #put(item: T, place: number): void {
    this.#items[place] = item
    this.#places.set(item, place)
  }
  #rise(item: T): boolean {
    const from = this.#places.get(item)!
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = this.#items[above]!
      if (!this.#isBefore(item, other)) break
      this.#put(other, place)
      place = above
    }
    if (place === from) return false
    this.#put(item, place)
    return true
  }
  #sink(item: T): void {
    const from = this.#places.get(item)!
    let place = from
    for (;;) {
      let below = 2 * place + 1
      if (below >= this.#items.length) break
      if (below + 1 < this.#items.length && this.#isBefore(this.#items[below + 1]!, this.#items[below]!))
        below++
      const other = this.#items[below]!
      if (!this.#isBefore(other, item)) break
      this.#put(other, place)
      place = below
    }
    if (place !== from) this.#put(item, place)
  }
}
