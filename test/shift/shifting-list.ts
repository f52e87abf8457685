// A list that others write to while it is read: records are inserted, deleted and updated before each request, and while it is under way.
import type { RequestSpec } from '../../src/ports/request.ts'
import { type Chance, chance } from '../simulation/chance.ts'

export interface Row {
  readonly id: number
  /** What the list is sorted by. It never changes. */
  readonly order: number
  readonly version: number
}

/** How others write to the list. */
export interface Habits {
  /** Records at first. */
  readonly length: number
  /** How many writes there are at each request, and at each answer: up to so many. */
  readonly writes: number
  /** Share of requests at which nothing is written. */
  readonly calm: number
  /** Share of the writes that take out several records in a row. */
  readonly bulk: number
  /** What most writes do. */
  readonly mostly: 'insert' | 'delete' | 'update' | 'anything'
  /** Where most writes are: around the place that is asked for, or anywhere. */
  readonly where: 'near' | 'anywhere'
}

export function habitsOf(seed: number): Habits {
  const draw = chance(seed, 1)
  const kind = draw.random()
  return {
    length:
      kind < 0.75
        ? draw.between(0, 30)
        : kind < 0.97
          ? draw.between(30, 90)
          : kind < 0.999
            ? draw.between(150, 400)
            : draw.between(1200, 2500),
    writes: draw.oneOf([1, 1, 2, 4]),
    calm: draw.oneOf([0, 0.3, 0.6, 0.9]),
    bulk: draw.oneOf([0, 0, 0.1, 0.3]),
    mostly: draw.oneOf(['insert', 'delete', 'update', 'anything', 'anything']),
    where: draw.oneOf(['near', 'anywhere']),
  }
}

/** Most records that a list grows to, so that reading it ends. */
const mostGrown = 40

export class ShiftingList {
  readonly rows: Row[] = []
  /** Those that were there from the beginning on, and still are. */
  readonly lasting: Set<number>
  /** What happened, where that is wanted. */
  readonly log: string[] | undefined
  requests = 0
  writes = 0
  readonly #habits: Habits
  readonly #draw: Chance
  #nextId = 0
  #grown = 0

  constructor(seed: number, habits: Habits, log?: string[]) {
    this.log = log
    this.#habits = habits
    this.#draw = chance(seed, 2)
    for (let at = 0; at < habits.length; at++) this.rows.push({ id: this.#nextId++, order: at, version: 0 })
    this.lasting = new Set(this.rows.map(({ id }) => id))
  }

  /** The page that begins behind `skipped` records, as the list is at some moment before the answer is there. */
  async page(
    skipped: number,
    length: number,
    atOnce: boolean,
  ): Promise<{ readonly items: Row[]; readonly total: number }> {
    this.requests++
    this.#write(skipped)
    // Of requests that are under way at once, any may be answered first.
    const turns = atOnce ? this.#draw.between(0, 12) : 0
    for (let turn = 0; turn < turns; turn++) await null
    this.#write(skipped)
    const items = this.rows.slice(skipped, skipped + length)
    this.log?.push(`page ${skipped}+${length}: ${items.map(({ id }) => id).join(' ')}`)
    return { items, total: this.rows.length }
  }

  #write(near: number): void {
    const { writes, calm, where } = this.#habits
    if (this.#draw.happens(calm)) return
    for (let count = this.#draw.between(1, writes); count > 0; count--) {
      const { length } = this.rows
      const around = Math.min(length, Math.max(0, near + this.#draw.between(-6, 6)))
      this.#writeAt(where === 'near' && this.#draw.happens(0.7) ? around : this.#draw.between(0, length))
    }
  }

  #writeAt(at: number): void {
    const { bulk, mostly } = this.#habits
    const draw = this.#draw
    const what =
      mostly !== 'anything' && draw.happens(0.7) ? mostly : draw.oneOf(['insert', 'delete', 'update'])
    this.writes++
    if (what === 'insert') {
      if (this.#grown++ >= mostGrown) return
      const before = this.rows[at - 1]?.order ?? -1
      const after = this.rows[at]?.order ?? before + 2
      const row = { id: this.#nextId++, order: (before + after) / 2, version: 0 }
      this.rows.splice(at, 0, row)
      this.log?.push(`insert ${row.id} at ${at}`)
    } else if (what === 'delete') {
      const gone = this.rows.splice(at, draw.happens(bulk) ? draw.between(2, 12) : 1)
      for (const { id } of gone) this.lasting.delete(id)
      this.log?.push(`delete ${gone.map(({ id }) => id).join(' ')} at ${at}`)
    } else {
      const row = this.rows[at]
      if (row === undefined) return
      this.rows[at] = { ...row, version: row.version + 1 }
      this.log?.push(`update ${row.id} at ${at}`)
    }
  }
}

/** What a request asks of the list. */
export function askedFor({ query }: RequestSpec): { readonly skipped: number; readonly length: number } {
  const length = Number(query['limit'])
  return {
    skipped: query['page'] === undefined ? Number(query['offset']) : (Number(query['page']) - 1) * length,
    length,
  }
}
