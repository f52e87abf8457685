/** What a checkpoint can hold: plain JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * A number whose digits a double cannot hold and that is not an integer (R4).
 * Integers beyond 2^53 arrive as `bigint`; everything else is an ordinary `number`.
 */
export class LongDecimal {
  /** The number as it was sent, for example `0.12345678901234567891`. */
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
  /** `JSON.stringify` can't write a raw number: use `encodeJson` where the digits must stay a number. */
  toJSON(): string {
    return this.text
  }
}

/** A value of a record: JSON, plus the two forms that keep long numbers whole (R4). */
export type Value =
  | null
  | boolean
  | number
  | string
  | bigint
  | LongDecimal
  | Value[]
  | { [key: string]: Value }

/** One JSON object from the API. */
export type JsonRecord = { [field: string]: Value }

/** True for an object of the API, as opposed to a list, a scalar or a long number. */
export function isObject(value: Value | undefined): value is { [key: string]: Value } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LongDecimal)
  )
}
