// Query parameters, and the fields of a form, as a config or a placeholder has them: values inside objects get the bracketed names
// that PHP, Rails and most others read: `{ page: { size: 100 } }` is `page[size]=100`.
import { ConfigError } from '../errors.ts'
import { isSecret, type Secret } from '../options/secret.ts'
import { LongDecimal } from '../ports/json.ts'

export type QueryScalar = string | number | boolean

/** A parameter's value: a list repeats the name, an object makes bracketed names, null takes the parameter away. */
export type QueryTree = QueryScalar | Secret | null | readonly (QueryScalar | Secret | null)[] | QueryObject
export interface QueryObject {
  readonly [name: string]: QueryTree
}

/**
 * The parameters by their names on the wire, in order. What is null or an empty list has no value, but keeps its name: it takes away
 * what a wider place has under it.
 * @throws ConfigError where a list holds objects or lists, for which there is no one spelling
 */
export function flattenQuery(query: QueryObject): ReadonlyMap<string, readonly (QueryScalar | Secret)[]> {
  const flat = new Map<string, readonly (QueryScalar | Secret)[]>()
  for (const [name, value] of Object.entries(query)) put(flat, name, value)
  return flat
}

function put(flat: Map<string, readonly (QueryScalar | Secret)[]>, name: string, value: unknown): void {
  if (value === null || value === undefined) flat.set(name, [])
  else if (Array.isArray(value))
    flat.set(
      name,
      value.flatMap((item) => itemOf(name, item)),
    )
  else if (typeof value !== 'object' || isSecret(value) || value instanceof LongDecimal)
    flat.set(name, itemOf(name, value))
  else for (const [key, inner] of Object.entries(value)) put(flat, `${name}[${key}]`, inner)
}

function itemOf(name: string, value: unknown): readonly (QueryScalar | Secret)[] {
  if (value === null || value === undefined) return []
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [value]
  if (isSecret(value)) return [value]
  if (typeof value === 'bigint' || value instanceof LongDecimal) return [String(value)]
  throw new ConfigError(
    '',
    `${name}: a list of a query or a form holds texts, numbers and booleans, not ${Array.isArray(value) ? 'lists' : 'objects'}: spell out the names that the API wants, as in "${name}[0][id]"`,
  )
}
