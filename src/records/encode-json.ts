import { LongDecimal, type Value } from '../ports/json.ts'

/** A value as JSON text, with long numbers as the digits that they were sent with (R4). */
export function encodeJson(value: Value): string {
  return holdsLongNumber(value) ? write(value) : JSON.stringify(value)
}

function holdsLongNumber(value: Value | undefined): boolean {
  if (typeof value === 'bigint') return true
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) {
    for (const item of value) if (holdsLongNumber(item)) return true
    return false
  }
  if (value instanceof LongDecimal) return true
  for (const field in value) if (holdsLongNumber(value[field])) return true
  return false
}

function write(value: Value): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (value instanceof LongDecimal) return value.text
  if (Array.isArray(value)) return `[${value.map((item) => write(item ?? null)).join(',')}]`
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([field, member]) => `${JSON.stringify(field)}:${write(member)}`).join(',')}}`
}
