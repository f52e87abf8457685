// The field that tells one record from another, by its name and by the records at hand.
import type { JsonRecord, Value } from '../ports/json.ts'
import { LongDecimal } from '../ports/json.ts'

export interface DetectedKey {
  readonly fields: readonly string[]
  /** `name`: it is called like one. `only`: nothing else is unique. `all`: no fewer fields will do, and even these may not. */
  readonly by: 'name' | 'only' | 'together' | 'all'
}

/** What APIs call a record's key, the likeliest first. */
const names = [
  'id',
  'uuid',
  'guid',
  '_id',
  'gid',
  'uid',
  'sid',
  'sysid',
  'recordid',
  'rowid',
  'objectid',
  'insertid',
]
const others = [
  'key',
  'code',
  'number',
  'sku',
  'slug',
  'iso',
  'symbol',
  'hash',
  'sha',
  'reference',
  'ref',
  'email',
  'handle',
]

/** Fields that are tried together. More would take long and mean nothing. */
const mostTogether = 12

/**
 * The key of these records: present, not null and unique in each of them. `stream` is their name, as in `orders` for `order_id`.
 * Undefined where none is, or there are no records.
 */
export function detectKey(records: readonly JsonRecord[], stream: string): DetectedKey | undefined {
  const distinct = withoutRepeats(records)
  const [first] = distinct
  if (first === undefined) return undefined
  const usable = Object.keys(first).filter((field) =>
    distinct.every((record) => isKeyValue(Object.hasOwn(record, field) ? record[field] : undefined)),
  )
  const unique = usable.filter((field) => isUnique(distinct, [field]))
  const ranked = unique
    .map((field) => ({ field, rank: rankOf(field, stream) }))
    .toSorted((a, b) => a.rank - b.rank)
  const best = ranked[0]
  if (best !== undefined && best.rank < notAName) return { fields: [best.field], by: 'name' }
  // One record alone shows of no field that it is unique.
  if (distinct.length < 2) return undefined
  const reserves = ranked.filter(({ field }) => mayIdentify(field, first[field]))
  if (reserves[0] !== undefined && distinct.length >= 10) return { fields: [reserves[0].field], by: 'only' }
  const parts = usable
    .filter((field) => mayIdentify(field, first[field]) || isDay(first[field]))
    .toSorted((a, b) => rankOf(a, stream) - rankOf(b, stream))
    .slice(0, mostTogether)
  for (const [index, one] of parts.entries())
    for (const other of parts.slice(index + 1))
      if (isUnique(distinct, [one, other])) return { fields: [one, other], by: 'together' }
  return undefined
}

/** Whether a field's name alone says that it is the record's own key. */
export function isOwnKeyName(field: string, stream: string): boolean {
  return rankOf(field, stream) < mayBeAnothers
}

/** The field that is called like a key, the likeliest, where nothing but names is known. */
export function keyByName(fields: readonly string[], stream: string): string | undefined {
  const [best] = fields
    .map((field) => ({ field, rank: rankOf(field, stream) }))
    .filter(({ rank }) => rank < notAName)
    .toSorted((a, b) => a.rank - b.rank)
  return best?.field
}

/** Ranks from here on may as well be no key, as `code`. */
const mayBeAnothers = 30
/** Ranks from here on are no names of keys. */
const notAName = 1000

function rankOf(field: string, stream: string): number {
  const plain = field.toLowerCase().replace(/[$_-]/g, '')
  const exact = names.indexOf(field.toLowerCase() === '_id' ? '_id' : plain)
  if (exact >= 0) return exact
  const singular = stream.replace(/ies$/, 'y').replace(/s$/, '').replaceAll('_', '')
  if (/^(.+?)(id|key|uuid|guid|number)$/.exec(plain)?.[1] === singular) return 20
  const known = others.indexOf(plain)
  if (known >= 0) return mayBeAnothers + known
  // `customer_id` is another record's key more often than this one's: only where it is unique over many.
  return /(^|[_a-z])(id|uuid|guid|key|code)$/i.test(field) ? notAName + 1 : notAName + 2
}

/** Prices, names, times and flags are unique by chance. */
function mayIdentify(field: string, value: Value | undefined): boolean {
  return (
    /(id|uuid|guid|key|code|slug|number|sku|symbol|type|date|day|name|country|currency|locale|lang)$/i.test(
      field,
    ) &&
    typeof value !== 'boolean' &&
    !(typeof value === 'number' && !Number.isInteger(value))
  )
}

function isDay(value: Value | undefined): boolean {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value)
}

function isKeyValue(value: Value | undefined): boolean {
  if (value === null || value === undefined || value === '' || typeof value === 'boolean') return false
  return typeof value !== 'object' || value instanceof LongDecimal
}

function isUnique(records: readonly JsonRecord[], fields: readonly string[]): boolean {
  const seen = new Set(records.map((record) => JSON.stringify(fields.map((field) => String(record[field])))))
  return seen.size === records.length
}

/** A list that shifts while it is read gives a record twice: it tells nothing against its key. */
function withoutRepeats(records: readonly JsonRecord[]): readonly JsonRecord[] {
  const seen = new Set<string>()
  return records.filter((record) => {
    const text = fingerprint(record)
    return !seen.has(text) && seen.add(text) !== undefined
  })
}

/** The same for equal records. */
export function fingerprint(record: JsonRecord): string {
  return JSON.stringify(record, (_, value) => (typeof value === 'bigint' ? String(value) : value))
}
