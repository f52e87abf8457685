// Conditions on JSON values: filter expressions of JSONPath (RFC 9535, section 2.3.5), as in `@.status == 'open' && @.amount > 0`.
// `@` is the value itself. Compiled once, asked per record.
import { JSONPathEnvironment, JSONPathError, type JSONValue } from 'json-p3'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { LongDecimal, type Value } from '../ports/json.ts'

/** Whether a value meets a condition. Never throws: what is absent meets no comparison, as RFC 9535 has it. */
export type Condition = (value: Value) => boolean

const environment = new JSONPathEnvironment()

/** The library's parser calls itself at each operator and bracket. */
export const mostCharacters = 4000

/**
 * Compiles a condition. Long numbers (R4) are compared as the nearest double, since a number in the condition is one, too.
 * @throws ConfigError where the text is no condition
 */
export function compileCondition(text: string): Condition {
  const problem = problemOf(text)
  if (problem !== undefined) throw new ConfigError('', problem)
  const query = environment.compile(wrapped(text))
  // One item that is matched or not: the same list serves every value, since conditions are asked one at a time.
  const item: JSONValue[] = [null]
  return (value) => {
    item[0] = comparable(value)
    const matches = query.match(item) !== undefined
    item[0] = null
    return matches
  }
}

/** An option that takes a condition. */
export const condition = z
  .string()
  .refine((text) => problemOf(text) === undefined, { error: (issue) => problemOf(String(issue.input)) ?? '' })
  .meta({ title: 'condition' })

function wrapped(text: string): string {
  return `$[?${text}]`
}

function problemOf(text: string): string | undefined {
  const example = `write one as RFC 9535 has it, as in "@.status == 'open' && @.amount > 0", where @ is the record`
  if (text.trim() === '') return `an empty text is no condition: ${example}`
  if (text.length > mostCharacters) {
    return `${JSON.stringify(text.slice(0, 60))}… has ${text.length} characters, and a condition ${mostCharacters} at most`
  }
  let segments: { readonly selectors: readonly unknown[] }[]
  try {
    segments = environment.compile(wrapped(text)).segments
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error
    // The library counts from the beginning of its own wrapping.
    const reason = error.message.replace(/ \('.*$/s, '')
    return `${JSON.stringify(text)} is no condition: ${reason}; ${example}`
  }
  // A text such as `@.a], [?@.b` would compile, too.
  if (segments.length === 1 && segments[0]?.selectors.length === 1) return undefined
  return `${JSON.stringify(text)} is more than one condition: ${example}`
}

/** The value as the library compares it: long numbers as the nearest double. */
export function comparable(value: Value): JSONValue {
  return (holdsLongNumber(value) ? withDoubles(value) : value) as JSONValue
}

function holdsLongNumber(value: Value): boolean {
  if (typeof value === 'bigint') return true
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof LongDecimal) return true
  if (Array.isArray(value)) return value.some(holdsLongNumber)
  for (const name in value) if (holdsLongNumber(value[name]!)) return true
  return false
}

function withDoubles(value: Value): Value {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof LongDecimal) return Number(value.text)
  if (Array.isArray(value)) return value.map(withDoubles)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withDoubles(each)]))
}
