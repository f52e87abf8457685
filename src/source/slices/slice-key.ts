// The keys of partitioned slices: `id=42`, `country=de/id=42`, `id=42/2024-01-01T00:00:00Z`. They are stored as the names of
// checkpoints, shown to users and typed by them, so that they are readable; what has a meaning in them is escaped as in a URL.
import { LongDecimal, type Value } from '../../ports/json.ts'
import { onlySlice } from '../progression.ts'

/** Fields and values as one part of a key: `account=1,id=42`. */
export function keyPart(fields: readonly (readonly [string, Value])[]): string {
  return fields.map(([name, value]) => `${escaped(name)}=${escaped(keyText(value) ?? '')}`).join(',')
}

/** A value as it stands in a key; `undefined` where it is absent, null, a list or an object, and names nothing. */
export function keyText(value: Value | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  if (value instanceof LongDecimal) return value.text
  return typeof value === 'object' ? undefined : String(value)
}

/** The key of a slice inside a partition. The one slice of a partition is called as the partition is. */
export function joinKey(partition: string, inner: string): string {
  return inner === onlySlice ? partition : `${partition}/${inner}`
}

/** The inverse of `joinKey`, where a partition's key has `levels` parts; `undefined` where the key is none of them. */
export function splitKey(key: string, levels: number): { partition: string; inner: string } | undefined {
  const parts = key.split('/')
  if (parts.length < levels || !parts.slice(0, levels).every((part) => part.includes('='))) return undefined
  const inner = parts.slice(levels).join('/')
  return { partition: parts.slice(0, levels).join('/'), inner: inner === '' ? onlySlice : inner }
}

/** `%`, the signs that part a key, and what can't be seen. */
const special = /[%/=,\u0000-\u001f\u007f-\u00a0\u2028\u2029]|[\ud800-\udfff]/gu

function escaped(text: string): string {
  return text.replace(special, (sign) => {
    const code = sign.charCodeAt(0)
    // A surrogate without its pair has no bytes in UTF-8.
    const isHalf = code >= 0xd800 && code <= 0xdfff
    return isHalf ? `%u${code.toString(16).toUpperCase()}` : encodeURIComponent(sign)
  })
}
