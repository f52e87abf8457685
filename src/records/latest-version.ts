import type { JsonRecord } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'
import { plainDecimal } from './decimal.ts'
import { type Encoded, encodeValue } from './encode-value.ts'
import { fieldReader } from './field.ts'
import { timestampMicros } from './iso-time.ts'
import { recordKey } from './record-key.ts'

/**
 * The number of the last version of each key among a batch's records, in order of the key's first appearance, for destinations that compare in
 * JavaScript. Without a version field the record read last is the latest; so it is among equal versions. Null is the lowest.
 */
export function latestVersions(
  records: readonly JsonRecord[],
  key: readonly string[],
  version: string | undefined,
  schema: TableSchema,
): Map<string | number, number> {
  const keyOf = recordKey(key, schema)
  const compare = version === undefined ? () => 0 : recordVersions(version, schema)
  const latest = new Map<string | number, number>()
  for (const [at, record] of records.entries()) {
    const name = keyOf(record)
    const known = latest.get(name)
    if (known === undefined || compare(record, records[known]!) >= 0) latest.set(name, at)
  }
  return latest
}

/** Compares two records by their version field, as its column would: below 0 where the first is older. */
export function recordVersions(
  version: string,
  schema: TableSchema,
): (a: JsonRecord, b: JsonRecord) => number {
  const column = schema.columns.find(({ field }) => field === version)
  // No column: every version so far was null.
  if (column === undefined) return () => 0
  const read = fieldReader(version)
  const { type, name } = column
  return (a, b) =>
    compareEncoded(encodeValue(read(a), type, name), encodeValue(read(b), type, name), type.kind)
}

/**
 * Compares two values of one column, nulls lowest: numbers by value, false below true, timestamps by instant, text by code
 * unit.
 */
export function compareEncoded(
  a: Encoded,
  b: Encoded,
  kind: TableSchema['columns'][number]['type']['kind'],
): number {
  if (a === b) return 0
  if (a === null) return -1
  if (b === null) return 1
  if (kind === 'timestamp') return order(timestampMicros(a as string), timestampMicros(b as string))
  if (kind === 'decimal') return compareDecimals(a as string, b as string)
  return order(a, b)
}

function order(a: Exclude<Encoded, null>, b: Exclude<Encoded, null>): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Compares plain decimals digit by digit, whatever their length. */
export function compareDecimals(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => scaled(text)) as [Scaled, Scaled]
  const scale = Math.max(left.scale, right.scale)
  return order(
    left.digits * 10n ** BigInt(scale - left.scale),
    right.digits * 10n ** BigInt(scale - right.scale),
  )
}

interface Scaled {
  readonly digits: bigint
  readonly scale: number
}

function scaled(text: string): Scaled {
  const plain = plainDecimal(text) ?? '0'
  const point = plain.indexOf('.')
  return point < 0
    ? { digits: BigInt(plain), scale: 0 }
    : { digits: BigInt(plain.replace('.', '')), scale: plain.length - point - 1 }
}
