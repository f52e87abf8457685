import { compilePath } from '../../pagination/path.ts'
import { isObject, type JsonRecord, type Value } from '../../ports/json.ts'
import { setField } from './fields.ts'

/** The items of a list as records: an item that is no object becomes `{ value: item }`. An object is a list of one. */
export function itemsAt(path: string): (record: JsonRecord) => readonly JsonRecord[] {
  const read = compilePath(path)
  return (record) => {
    const found = read(record)
    if (found === undefined || found === null) return []
    return (Array.isArray(found) ? found : [found]).map((item) => (isObject(item) ? item : { value: item }))
  }
}

/**
 * Puts fields of a record before those of an item.
 * @throws Error where the item has another value under one of the names
 */
export function carrier(
  fields: Readonly<Record<string, string>>,
): (record: JsonRecord, item: JsonRecord) => JsonRecord {
  const readers = Object.entries(fields).map(([name, path]) => [name, compilePath(path)] as const)
  return (record, item) => {
    const carried: JsonRecord = {}
    for (const [name, read] of readers) setField(carried, name, read(record) ?? null)
    for (const name of Object.keys(item)) {
      if (!Object.hasOwn(carried, name)) setField(carried, name, item[name] as Value)
      else if (carried[name] !== item[name]) {
        throw new Error(
          `an item has a field ${JSON.stringify(name)} of its own, which the one that is carried down would hide: carry it under another name`,
        )
      }
    }
    return carried
  }
}
