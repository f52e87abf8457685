import { parseJson } from '../../http/decode/long-numbers.ts'
import { type JsonRecord, LongDecimal, type Value } from '../../ports/json.ts'
import { encodeJson } from '../../records/encode-json.ts'
import { toInstant } from '../incremental/time-format.ts'
import { fieldChanger } from './fields.ts'

export type ConvertedType = 'text' | 'number' | 'boolean' | 'json' | 'time'

/** A value can't be converted; the record is refused with this reason. */
export class ConversionError extends Error {}

/**
 * Gives fields the types that they should have. Null and a missing field stay; an empty text becomes null, except as text.
 * @throws ConversionError where a value is something else
 */
export function converter(
  types: Readonly<Record<string, ConvertedType>>,
): (record: JsonRecord) => JsonRecord {
  const changers = Object.entries(types).map(([field, type]) =>
    fieldChanger(field, (value) => converted(value, type, field)),
  )
  return (record) => changers.reduce((changed, change) => change(changed), record)
}

function converted(value: Value, type: ConvertedType, field: string): Value {
  if (value === null) return null
  if (type === 'text')
    return typeof value === 'object' && !(value instanceof LongDecimal) ? encodeJson(value) : String(value)
  if (value === '') return null
  const result = readers[type](value)
  if (result !== undefined) return result
  const shown = encodeJson(value)
  throw new ConversionError(
    `${field} is ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}, which is no ${type}`,
  )
}

// A number as JSON writes it, with what people and spreadsheets add: a plus sign, zeros in front, spaces around.
const numberText = /^\s*\+?(-?)0*((?:\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*$/

const readers: Readonly<Record<Exclude<ConvertedType, 'text'>, (value: Value) => Value | undefined>> = {
  number(value) {
    if (typeof value === 'number' || typeof value === 'bigint' || value instanceof LongDecimal) return value
    const match = typeof value === 'string' ? numberText.exec(value) : null
    return match === null ? undefined : parseText(`${match[1]}${match[2]}`)
  },
  boolean(value) {
    if (typeof value === 'boolean') return value
    const text =
      typeof value === 'string' || typeof value === 'number' ? String(value).trim().toLowerCase() : ''
    return words.get(text)
  },
  json(value) {
    if (typeof value !== 'string') return value
    try {
      return parseText(value)
    } catch {
      return undefined
    }
  },
  time: (value) => toInstant(value),
}

const words: ReadonlyMap<string, boolean> = new Map([
  ...['true', 't', 'yes', 'y', '1'].map((word) => [word, true] as const),
  ...['false', 'f', 'no', 'n', '0'].map((word) => [word, false] as const),
])

function parseText(text: string): Value {
  return parseJson(text, Buffer.from(text))
}
