import { isObject, LongDecimal, type Value } from '../../ports/json.ts'

/** True for a list or an object. */
export function isContainer(value: Value): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof LongDecimal)
}

/** For messages: up to twelve keys. */
export function listed(keys: readonly string[]): string {
  if (keys.length === 0) return 'no keys at all'
  const shown = keys.slice(0, 12).map((key) => `\`${key}\``)
  return keys.length > shown.length
    ? `${shown.join(', ')} and ${keys.length - shown.length} more`
    : shown.join(', ')
}

/** For messages: what a value is. */
export function kindOf(value: Value): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return isObject(value)
    ? 'an object'
    : `the ${typeof value === 'string' ? 'text' : 'value'} ${JSON.stringify(String(value)).slice(0, 60)}`
}

/** Sets a field, whatever its name: an assignment to `__proto__` would make none. */
export function setField(record: { [key: string]: Value }, name: string, value: Value): void {
  if (name === '__proto__') {
    Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true })
  } else record[name] = value
}
