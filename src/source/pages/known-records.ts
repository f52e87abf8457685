// The records that were read last, by which a page of a list that shifts is recognised.
import { createHash } from 'node:crypto'
import type { JsonRecord, Value } from '../../ports/json.ts'
import { encodeJson } from '../../records/encode-json.ts'
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
  /** Where on the page the record is that was read last; `undefined` where it is not. */
  readonly anchorAt: number | undefined
  /** Whether records are in another order than they were read in. */
  readonly isReordered: boolean
}

/** Pages whose records are kept: a page that has been pushed back by as many is still recognised. */
const pagesKept = 2
/** Of so many records more than the key is not kept: where the place was lost, and is found far off, they are not handed on again. */
const keysKept = 1000
/** Most keys of the whole list that are kept to notice a record that comes again. */
const mostSampled = 1024
/** How far behind the last record those are by which a later run recognises the place. */
const storedDistances = [0, 1, 2, 3, 4, 5, 6, 7, 16, 32, 64]

interface Known {
  /** Absent for those that were read long ago: whether they have changed is not looked at. */
  record: JsonRecord | undefined
  /** Counts the records in the order in which they were read. */
  readonly rank: number
}

/** Keeps the last pages of one reading. */
export class KnownRecords {
  readonly #identity: RecordIdentity
  /** Whether records must be handed on in the order of the list, so that none may be added in front of those that were read. */
  readonly #inOrder: boolean
  /** In the order in which they were read. */
  readonly #known = new Map<string, Known>()
  #rank = 0
  #tellsOrder = true
  #isWhole: boolean
  #longestPage = 0
  /** Those of which the record is kept. */
  readonly #recent: Known[] = []
  readonly #sample = new Set<string>()
  #sampleEvery = 1

  constructor(identity: RecordIdentity, options: { readonly inOrder: boolean; readonly fromStart: boolean }) {
    this.#identity = identity
    this.#inOrder = options.inOrder
    this.#isWhole = options.fromStart
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
    if (first < 0) return undefined
    const isUnchanged = (each: Known | undefined, at: number) =>
      each !== undefined && (each.record === undefined || sameValue(each.record, page[at]!))
    const anchor = known.findIndex((each) => each?.rank === this.#rank)
    let isReordered = false
    let highest = 0
    for (const each of known) {
      if (each === undefined) continue
      if (each.rank < highest) isReordered = true
      else highest = each.rank
    }
    const from =
      this.#inOrder && !isReordered ? this.#behind(known, isUnchanged, first) : this.#from(known, first)
    const fresh = page.filter((_, at) => at >= from && !isUnchanged(known[at], at))
    isReordered ||= page.some(
      (record, at) => at > first && known[at] === undefined && this.#sample.has(this.#identity(record)),
    )
    return { fresh, anchorAt: anchor < 0 ? undefined : anchor, isReordered: isReordered && this.#tellsOrder }
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
    const oldest = this.#known.values().next().value!
    const isKept = this.#isWhole || known[first]!.rank - oldest.rank >= known.length
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
    return { fresh: page.slice(place + 1), anchorAt: nearest === 0 ? place : undefined, isReordered: false }
  }

  /** Keeps records that were handed on, from a page of so many. */
  add(records: readonly JsonRecord[], pageLength: number): void {
    this.#longestPage = Math.max(this.#longestPage, pageLength)
    for (const record of records) this.#keep(record)
    const whole = pagesKept * this.#longestPage
    for (const each of this.#recent.splice(0, Math.max(0, this.#recent.length - whole)))
      each.record = undefined
    const most = Math.max(keysKept, whole)
    for (const key of this.#known.keys()) {
      if (this.#known.size <= most) break
      this.#known.delete(key)
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
    const keys = [...this.#known.keys()]
    return storedDistances.flatMap((distance) => {
      const key = keys[keys.length - 1 - distance]
      return key === undefined ? [] : shortHash(key)
    })
  }

  #keep(record: JsonRecord): void {
    const key = this.#identity(record)
    this.#known.delete(key)
    const known: Known = { record, rank: ++this.#rank }
    this.#known.set(key, known)
    this.#recent.push(known)
    if (this.#rank % this.#sampleEvery !== 0) return
    this.#sample.add(key)
    if (this.#sample.size <= mostSampled) return
    this.#sampleEvery *= 2
    let odd = false
    for (const each of this.#sample) {
      odd = !odd
      if (odd) this.#sample.delete(each)
    }
  }
}

/** 66 bits: enough to tell the records of a few pages apart. */
function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 11)
}
