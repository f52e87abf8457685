// Secrets inside the texts of a stream's request: marks stand for them until the request is sent (S1).
import { markedText } from '../../http/secret-parts.ts'
import { writePath } from '../../options/explain.ts'
import { isSecret, Secret } from '../../options/secret.ts'
import { holdsPlaceholder } from '../../template/placeholder.ts'

/** The variables whose marks stand in a request, and the option that names each. */
export type MarkedVariables = Map<string, { readonly secret: Secret; readonly option: string }>

/** The value with a mark in the place of every secret in it. Other values are kept as they are. */
export function markSecrets<T>(
  value: T,
  path: readonly (string | number)[],
  found: MarkedVariables,
): Unmarked<T>
export function markSecrets(
  value: unknown,
  path: readonly (string | number)[],
  found: MarkedVariables,
): unknown {
  if (isSecret(value)) {
    for (const variable of value.variables)
      if (!found.has(variable))
        found.set(variable, { secret: new Secret([{ variable }]), option: writePath(path) })
    return markedText(value)
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item, at) => markSecrets(item, [...path, at], found))
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, markSecrets(inner, [...path, key], found)]),
  )
}

/** A text with marks where it holds a placeholder, too, which has to be filled first; else the secret as it is. */
export function markMixed<T>(value: T, path: readonly (string | number)[], found: MarkedVariables): T {
  if (isSecret(value))
    return holdsPlaceholder(markedText(value)) ? (markSecrets(value, path, found) as T) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item, at) => markMixed(item, [...path, at], found)) as T
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, markMixed(inner, [...path, key], found)]),
  ) as T
}

type Unmarked<T> = T extends Secret
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Unmarked<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Unmarked<T[Key]> }
      : T
