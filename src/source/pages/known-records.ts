// The records that were read last, by which a page of a list that shifts is recognised.
import { hash } from 'node:crypto'
import type { JsonRecord, Value } from '../../ports/json.ts'
import { encodeJson } from '../../records/encode-json.ts'
import { firstRun, inOrder, type Run, runBehind, type Standing } from './read-order.ts'
import { sameValue } from './same-values.ts'

/** Tells one record from another, as a text. */
export type RecordIdentity = (record: JsonRecord) => string

/**
 * The key of a record as it comes from the API. Fields that a transform or a slice adds later are the same for all of a list, or not
 * known yet, and left out; a record without any of the others is known by all that it holds.
 */
export function identityBy(key: readonly string[]): RecordIdentity {
  const [only] = key
  if (key.length === 1) return (record) => textOf(record[only!]) ?? encodeJson(record)
  return (record) => {
    const texts = key.map((field) => textOf(record[field]))
    return texts.some((text) => text !== undefined) ? JSON.stringify(texts) : encodeJson(record)
  }
}

function textOf(value: Value | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : `#${encodeJson(value)}`
}

/** What a page was recognised by. */
export interface Recognised {
  /** What of the page is to be handed on, in order: records that were not read, and those that have changed since. */
  readonly fresh: readonly JsonRecord[]
  /** How many of these were not read before in any version, as far as that is known. */
  readonly added: number
  /** Where on the page the record is that was read last; `undefined` where it is not. */
  readonly anchorAt: number | undefined
  /** Where on the page the last record stands of those that were read, in their order. */
  readonly lastAt: number
  /** Counts the records that were read up to that one: it grows from page to page where reading gets on. */
  readonly reached: number
  /** How many of those that were added stand in front of it. */
  readonly between: number
  /** Whether records came again in another place, and the cursor says nothing of why. */
  readonly isReordered: boolean
}

/** The field by which an incremental list is sorted, perhaps: a record that changes moves to the end with it. */
export interface RecordCursor {
  readonly read: (record: JsonRecord) => Value | undefined
  hasRisen(before: Value | undefined, now: Value | undefined): boolean
}

/** Pages whose records are kept: a page that has been pushed back by as many is still recognised. */
const pagesKept = 2
/** Of so many records more than the key is not kept: where the place was lost, and is found far off, they are not handed on again. */
const keysKept = 1000
/** Most keys of the whole list that are kept to notice a record that comes again. */
const mostSampled = 1024
/** How far behind the last record those are by which a later run recognises the place. */
const storedDistances = [0, 1, 2, 3, 4, 5, 6, 7, 16, 32, 64]

interface Known extends Standing {
  /** Absent for those that were read long ago: whether they have changed is not looked at. */
  record: JsonRecord | undefined
  /** It came in between others that had been read. */
  readonly isBetween: boolean
  /** The value of the cursor. */
  cursor: Value | undefined
}

export interface KnownRecordsOptions {
  /** Whether records must be handed on in the order of the list. */
  readonly inOrder: boolean
  readonly fromStart: boolean
  /** Default: every record that comes again in another place tells that the order is not stable. */
  readonly cursor?: RecordCursor | undefined
}

/** Keeps the last pages of one reading. */
export class KnownRecords {
  readonly #identity: RecordIdentity
  /** Whether records must be handed on in the order of the list, so that none may be added in front of those that were read. */
  readonly #inOrder: boolean
  /** In the order in which they were read. */
  readonly #known = new Map<string, Known>()
  #rank = 0
  /** The highest of those that are not kept any more. */
  #dropped = 0
  /** What is read now belongs to it. */
  #run: Run = firstRun
  /** The last record of the page that was read last. */
  #anchor: Known | undefined
  /** Whether the page had none of the records that were read last. */
  #isApart = false
  #tellsOrder = true
  #isWhole: boolean
  #longestPage = 0
  /** Those of which the record is kept. */
  readonly #recent: Known[] = []
  /** With the value of the cursor. */
  readonly #sample = new Map<string, Value | undefined>()
  #sampleEvery = 1
  readonly #cursor: RecordCursor | undefined

  constructor(identity: RecordIdentity, options: KnownRecordsOptions) {
    this.#identity = identity
    this.#inOrder = options.inOrder
    this.#isWhole = options.fromStart
    this.#cursor = options.cursor
  }

  /** Whether everything that was read since the list's beginning is kept. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /**
   * What of the page is new; `undefined` where it has none of the records that were read last. In a list with a stable order all that
   * is unread stands behind each of them, so that nothing unread is in front of the page.
   * @param stored what an earlier run has stored of its last records: by them alone where nothing was read since
   */
  recognise(page: readonly JsonRecord[], stored: readonly string[]): Recognised | undefined {
    if (this.#known.size === 0) return this.#recogniseStored(page, stored)
    const known = page.map((record) => this.#known.get(this.#identity(record)))
    const first = known.findIndex((each) => each !== undefined)
    this.#isApart = first < 0
    if (first < 0) return undefined
    const isUnchanged = (each: Known | undefined, at: number) =>
      each !== undefined && (each.record === undefined || sameValue(each.record, page[at]!))
    const anchor = this.#anchor === undefined ? -1 : known.indexOf(this.#anchor)
    const { outOfOrder, lastAt } = inOrder(known)
    const isReordered = outOfOrder.size > 0
    const from =
      this.#inOrder && !isReordered ? this.#behind(known, isUnchanged, first) : this.#from(known, first)
    const isFresh = page.map((_, at) => at >= from && !isUnchanged(known[at], at))
    const fresh = page.filter((_, at) => isFresh[at])
    const isAdded = (at: number) => isFresh[at] && known[at] === undefined
    let added = 0
    let between = 0
    for (const at of page.keys()) {
      if (!isAdded(at)) continue
      added++
      if (at < lastAt) between++
    }
    const isUnstable =
      [...outOfOrder].some((at) => !this.#hasRisen(known[at]!.cursor, page[at]!)) ||
      page.some((record, at) => at > first && known[at] === undefined && this.#isSampled(record))
    // What follows may stand in front of others that were read, where the anchor is gone or farther behind.
    if (anchor < 0) this.#run = runBehind(known[lastAt]!)
    let behind = known[lastAt]!
    for (let at = lastAt; at >= 0; at--) {
      const each = known[at]
      if (each === undefined) {
        if (isFresh[at]) this.#keep(page[at]!, behind)
      } else if (!outOfOrder.has(at)) {
        behind = each
        if (!isFresh[at]) continue
        each.record = page[at]!
        each.cursor = this.#cursor?.read(page[at]!)
      }
    }
    return {
      fresh,
      added,
      anchorAt: anchor < 0 ? undefined : anchor,
      lastAt,
      reached: known[lastAt]!.rank,
      between,
      isReordered: isUnstable && this.#tellsOrder,
    }
  }

  #hasRisen(before: Value | undefined, record: JsonRecord): boolean {
    return this.#cursor?.hasRisen(before, this.#cursor.read(record)) ?? false
  }

  /** Whether it was read long ago, and its cursor does not say why it comes again. */
  #isSampled(record: JsonRecord): boolean {
    const key = this.#identity(record)
    return this.#sample.has(key) && !this.#hasRisen(this.#sample.get(key), record)
  }

  /** Where to hand on from where what was added in front of the place would come out of order. */
  #behind(
    known: readonly (Known | undefined)[],
    isUnchanged: (each: Known | undefined, at: number) => boolean,
    first: number,
  ): number {
    const last = known.findLastIndex(isUnchanged)
    return last < 0 ? first : last + 1
  }

  /** What stands in front of the first known record was not read if all that was read in front of it is kept. */
  #from(known: readonly (Known | undefined)[], first: number): number {
    const isKept = this.#isWhole || known[first]!.rank - this.#dropped > known.length
    return isKept ? 0 : first
  }

  #recogniseStored(page: readonly JsonRecord[], stored: readonly string[]): Recognised | undefined {
    if (stored.length === 0) return undefined
    let nearest = stored.length
    let place = -1
    for (const [at, record] of page.entries()) {
      const distance = stored.indexOf(shortHash(this.#identity(record)))
      if (distance < 0 || distance > nearest) continue
      nearest = distance
      place = at
    }
    if (place < 0) return undefined
    for (const record of page.slice(0, place + 1)) this.#keep(record)
    const fresh = page.slice(place + 1)
    return {
      fresh,
      added: fresh.length,
      anchorAt: nearest === 0 ? place : undefined,
      lastAt: place,
      reached: this.#rank,
      between: 0,
      isReordered: false,
    }
  }

  /** Keeps records of a page that were handed on. */
  add(records: readonly JsonRecord[], page: readonly JsonRecord[]): void {
    this.#longestPage = Math.max(this.#longestPage, page.length)
    if (this.#isApart) this.#run = { behind: undefined, depth: 0 }
    for (const record of records) this.#keep(record)
    const last = page.at(-1)
    if (last !== undefined) this.#anchor = this.#known.get(this.#identity(last))
    const whole = pagesKept * this.#longestPage
    for (const each of this.#recent.splice(0, Math.max(0, this.#recent.length - whole)))
      each.record = undefined
    const most = Math.max(keysKept, whole)
    for (const [key, { rank }] of this.#known) {
      if (this.#known.size <= most) break
      this.#known.delete(key)
      this.#dropped = Math.max(this.#dropped, rank)
      this.#isWhole = false
    }
  }

  /** The list is read from its beginning once more: what was read stays known, and tells no order. */
  beginAgain(): void {
    this.#tellsOrder = false
    this.#isWhole = true
  }

  /** The last records, for the position: short hashes, the last one first. Keys are data, and longer. */
  stored(): string[] {
    const keys: string[] = []
    for (const [key, { isBetween }] of this.#known) if (!isBetween) keys.push(key)
    return storedDistances.flatMap((distance) => {
      const key = keys[keys.length - 1 - distance]
      return key === undefined ? [] : shortHash(key)
    })
  }

  /** @param behind what it stands in front of, where it came in between */
  #keep(record: JsonRecord, behind?: Known): void {
    const key = this.#identity(record)
    // It was kept where it stands.
    if (this.#known.get(key)?.record === record) return
    this.#known.delete(key)
    const known: Known = {
      record,
      run: behind?.run ?? this.#run,
      rank: behind?.rank ?? ++this.#rank,
      isBetween: behind !== undefined,
      cursor: this.#cursor?.read(record),
    }
    this.#known.set(key, known)
    this.#recent.push(known)
    if (behind === undefined && this.#rank % this.#sampleEvery === 0) this.#addToSample(key)
    if (this.#sample.has(key)) this.#sample.set(key, known.cursor)
  }

  #addToSample(key: string): void {
    this.#sample.set(key, undefined)
    if (this.#sample.size <= mostSampled) return
    this.#sampleEvery *= 2
    let odd = false
    for (const each of this.#sample.keys()) {
      odd = !odd
      if (odd) this.#sample.delete(each)
    }
  }
}

/** 66 bits: enough to tell the records of a few pages apart. */
function shortHash(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 11)
}
