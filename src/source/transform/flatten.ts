import { parsePath } from '../../pagination/path.ts'
import { isObject, type JsonRecord, type Value } from '../../ports/json.ts'
import { setFree } from './fields.ts'
import type { TransformStep } from './transform-options.ts'

type Options = NonNullable<TransformStep['flatten']>

/** Lifts the fields of objects beside those of the record. A name that is taken becomes `name_2`. */
export function flattener(options: Options): (record: JsonRecord) => JsonRecord {
  const { separator, prefix, lists, keep, depth = Number.POSITIVE_INFINITY } = options
  const fields = options.fields && new Set(options.fields.map((field) => String(parsePath(field)![0])))

  const isNested = (value: Value): value is JsonRecord | Value[] =>
    isObject(value) ? Object.keys(value).length > 0 : lists && Array.isArray(value) && value.length > 0

  function lift(into: JsonRecord, name: string, value: JsonRecord | Value[], level: number): void {
    for (const [key, inner] of Object.entries(value)) {
      const full = prefix || Array.isArray(value) ? `${name}${separator}${key}` : key
      if (level < depth && isNested(inner)) lift(into, full, inner, level + 1)
      else setFree(into, full, inner)
    }
  }

  return (record) => {
    const names = Object.keys(record)
    const nested = (name: string) => (fields?.has(name) ?? true) && isNested(record[name]!)
    if (!names.some(nested)) return record
    const flat: JsonRecord = {}
    // What stands beside the objects keeps its name.
    for (const name of names) if (!nested(name) || keep) setFree(flat, name, record[name]!)
    for (const name of names) if (nested(name)) lift(flat, name, record[name] as JsonRecord, 1)
    return flat
  }
}
