import { LongDecimal, type Value } from '../ports/json.ts'
import { encodeJson } from './encode-json.ts'

/**
 * A value as the text of a text column, `null` for null: strings as they are, long numbers with the digits that they were
 * sent with, other numbers in the shortest form that reads back to the same number, `true` and `false`, nested values as JSON.
 */
export function encodeText(value: Value | undefined): string | null {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'bigint':
      return value.toString()
    case 'object':
      if (value === null) return null
      return value instanceof LongDecimal ? value.text : encodeJson(value)
    default:
      return null
  }
}
