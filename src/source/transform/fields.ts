// Changing a field of a record at a path. Records are never changed in place: what the paginator has seen stays as it was.
import { parsePath } from '../../pagination/path.ts'
import { isObject, type JsonRecord, type Value } from '../../ports/json.ts'

/** Gives the new value; `undefined` leaves the field out. */
export type Change = (value: Value) => Value | undefined

/** A record with the field at `path` changed; the very record where there is no such field. Steps into lists change each item. */
export function fieldChanger(path: string, change: Change): (record: JsonRecord) => JsonRecord {
  const steps = parsePath(path)!
  return (record) => changed(record, steps, change) as JsonRecord
}

function changed(value: Value, [step, ...rest]: readonly (string | number)[], change: Change): Value {
  if (Array.isArray(value)) {
    if (typeof step !== 'number') return value.map((item) => changed(item, [step!, ...rest], change))
    const at = step < 0 ? value.length + step : step
    const old = value[at]
    if (old === undefined) return value
    const now = rest.length === 0 ? change(old) : changed(old, rest, change)
    return now === undefined ? value.toSpliced(at, 1) : value.with(at, now)
  }
  if (!isObject(value) || step === undefined || !Object.hasOwn(value, step)) return value
  const old = value[step]!
  const now = rest.length === 0 ? change(old) : changed(old, rest, change)
  if (now === old) return value
  const copy = { ...value }
  if (now === undefined) delete copy[step]
  else setField(copy, String(step), now)
  return copy
}

/** A record with a field at a path of keys; objects on the way are made where they are missing, and take the place of what is none. */
export function withField(value: Value | undefined, keys: readonly string[], field: Value): JsonRecord {
  const copy: JsonRecord = isObject(value) ? { ...value } : {}
  const [key, ...rest] = keys
  const old = Object.hasOwn(copy, key!) ? copy[key!] : undefined
  setField(copy, key!, rest.length === 0 ? field : withField(old, rest, field))
  return copy
}

/** Sets an own field, also one called `__proto__`. */
export function setField(record: JsonRecord, name: string, value: Value): void {
  if (name === '__proto__')
    Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true })
  else record[name] = value
}

/** Sets a field under its name, or under the next free one (`name_2`) where the name is taken. */
export function setFree(record: JsonRecord, name: string, value: Value): void {
  let free = name
  for (let number = 2; Object.hasOwn(record, free); number++) free = `${name}_${number}`
  setField(record, free, value)
}
