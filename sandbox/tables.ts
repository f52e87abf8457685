// How the sandbox keeps its records: a base that is computed from the index, and beside it only what has changed since.
import type { DeskRecord } from './data.ts'
import { mix } from './random.ts'

const DAY = 86_400
/** So many neighbours share one second, so that every boundary between pages or windows can fall inside a second. */
const SAME_SECOND = 4

/** The times of `count` records, spread over `span` seconds from `start`, ascending, in groups that share a second. */
export class Timeline {
  readonly count: number
  readonly start: number
  readonly span: number
  constructor(count: number, start: number, span: number) {
    this.count = count
    this.start = start
    this.span = span
  }
  at(index: number): number {
    return this.start + Math.floor(((index - (index % SAME_SECOND)) * this.span) / this.count)
  }
}

/** The first index in [0, count) for which `reached` holds, given that it holds for every later one; else `count`. */
export function firstIndex(count: number, reached: (index: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (reached(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** A place in a change feed: everything before (second, index) has been read. */
export interface Place {
  readonly second: number
  readonly index: number
}

/**
 * Records that can change. Each stands once in the feed, at the time of its last change: a change takes it out of its place and
 * puts it near the end. Ordered by (generated, index).
 */
export class ChangeFeed {
  readonly #timeline: Timeline
  readonly #seed: number
  /** Changed and new records in feed order. An entry that is not its record's newest is dead and is skipped. */
  readonly #tail: DeskRecord[] = []
  readonly #newest = new Map<number, DeskRecord>()
  #count: number

  constructor(timeline: Timeline, seed: number) {
    this.#timeline = timeline
    this.#seed = seed
    this.#count = timeline.count
  }

  get count(): number {
    return this.#count
  }

  record(index: number): DeskRecord {
    return this.#newest.get(index) ?? this.#base(index)
  }

  #base(index: number): DeskRecord {
    const generated = this.#timeline.at(index)
    const bits = mix(this.#seed, index)
    // A third was last touched by the system, days after its last real update: older than any `start_time` near it.
    const updated = bits % 3 === 0 ? generated - (bits % (3 * DAY)) : generated
    return { index, version: 0, created: updated - (bits % DAY), updated, generated, deleted: false }
  }

  insert(second: number): void {
    const index = this.#count++
    this.#put({ index, version: 0, created: second, updated: second, generated: second, deleted: false })
  }

  /** `system` moves `generated` and leaves `updated` alone. A deleted record stays deleted. */
  change(index: number, second: number, kind: 'update' | 'system' | 'delete'): void {
    const old = this.record(index)
    this.#put({
      ...old,
      version: old.version + 1,
      generated: second,
      updated: kind === 'system' ? old.updated : second,
      deleted: old.deleted || kind === 'delete',
    })
  }

  #put(record: DeskRecord): void {
    const tail = this.#tail
    const place = { second: record.generated, index: record.index }
    tail.splice(
      firstIndex(tail.length, (at) => !isBefore(tail[at] as DeskRecord, place)),
      0,
      record,
    )
    this.#newest.set(record.index, record)
  }

  /** Live records at or after `from` that were generated at `until` or earlier, in feed order. */
  *from(from: Place, until: number): Generator<DeskRecord> {
    const { count } = this.#timeline
    const isReached = (index: number) => {
      const second = this.#timeline.at(index)
      return second > from.second || (second === from.second && index >= from.index)
    }
    for (let index = firstIndex(count, isReached); index < count; index++) {
      if (this.#timeline.at(index) > until) return
      if (!this.#newest.has(index)) yield this.#base(index)
    }
    const tail = this.#tail
    for (
      let at = firstIndex(tail.length, (i) => !isBefore(tail[i] as DeskRecord, from));
      at < tail.length;
      at++
    ) {
      const record = tail[at] as DeskRecord
      if (record.generated > until) return
      if (this.#newest.get(record.index) === record) yield record
    }
  }
}

function isBefore(record: DeskRecord, place: Place): boolean {
  return record.generated < place.second || (record.generated === place.second && record.index < place.index)
}

/** Records that are only ever added, ordered by time. Times are epoch seconds. */
export class AppendLog {
  readonly #timeline: Timeline
  readonly #added: number[] = []

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  get count(): number {
    return this.#timeline.count + this.#added.length
  }

  time(index: number): number {
    const { count } = this.#timeline
    return index < count ? this.#timeline.at(index) : (this.#added[index - count] as number)
  }

  append(second: number): void {
    this.#added.push(second)
  }

  /** The first index whose time is `second` or later. */
  firstSince(second: number): number {
    return firstIndex(this.count, (index) => this.time(index) >= second)
  }
}

/** An event of a raw export. `received` is when the server got it. Epoch seconds. */
export interface ExportEvent {
  readonly index: number
  readonly time: number
  readonly received: number
}

/** Events by UTC day. An event may arrive days after its time, and then joins the end of its own day. */
export class DayFiles {
  readonly #timeline: Timeline
  readonly #late = new Map<number, ExportEvent[]>()
  #count: number

  constructor(timeline: Timeline) {
    this.#timeline = timeline
    this.#count = timeline.count
  }

  get count(): number {
    return this.#count
  }

  /** The day (in days since 1970) of the first event. */
  get firstDay(): number {
    return Math.floor(this.#timeline.start / DAY)
  }

  add(time: number, received: number): void {
    const day = Math.floor(time / DAY)
    const list = this.#late.get(day)
    const event = { index: this.#count++, time, received }
    if (list) list.push(event)
    else this.#late.set(day, [event])
  }

  *day(day: number): Generator<ExportEvent> {
    const { count } = this.#timeline
    const end = (day + 1) * DAY
    for (let index = firstIndex(count, (i) => this.#timeline.at(i) >= day * DAY); index < count; index++) {
      const time = this.#timeline.at(index)
      if (time >= end) break
      yield { index, time, received: time + 2 }
    }
    yield* this.#late.get(day) ?? []
  }

  *days(): Generator<number> {
    const days = new Set(this.#late.keys())
    const last = this.#timeline.start + this.#timeline.span
    for (let day = this.firstDay; day * DAY <= last; day++) days.add(day)
    yield* [...days].sort((a, b) => a - b)
  }
}
