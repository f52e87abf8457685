import { isObject, type Value } from '../../ports/json.ts'
import { encodeJson } from '../../records/encode-json.ts'

/** Deeper than this, values are compared as texts: an API may nest deeper than a call stack reaches. */
const mostDepth = 100

/** Whether two values are the same, whatever the order of an object's fields. Ends at the first difference. */
export function sameValue(a: Value, b: Value, depth = 0): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (depth > mostDepth) return encodeJson(a) === encodeJson(b)
  if (Array.isArray(a)) {
    return Array.isArray(b) && sameValues(a, b, depth + 1)
  }
  if (!isObject(a)) return !Array.isArray(b) && !isObject(b) && a.text === b.text
  if (!isObject(b)) return false
  let fields = 0
  for (const field in a) {
    fields++
    if (!Object.hasOwn(b, field) || !sameValue(a[field]!, b[field]!, depth + 1)) return false
  }
  for (const _ in b) fields--
  return fields === 0
}

/** Whether two lists hold the same values in the same order. */
export function sameValues(a: readonly Value[], b: readonly Value[], depth = 0): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (!sameValue(a[at]!, b[at]!, depth)) return false
  return true
}
