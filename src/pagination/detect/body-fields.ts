// The fields of a body around its records, where an API says how its list goes on.
import { LongDecimal, type Value } from '../../ports/json.ts'
import type { PageView } from '../paginator.ts'

/** How deep a body is searched, in objects. */
const deepest = 3

export interface BodyField {
  readonly key: string
  /** As a plain path: `meta.next_cursor`, `['@odata.nextLink']`. */
  readonly path: string
  /** The keys of the objects around it, outermost first. */
  readonly parents: readonly string[]
  readonly value: Value
}

/** The scalar fields of a body outside its records, those of the upper levels first. */
export function* fieldsOf(body: Value | undefined, records: PageView['records']): Iterable<BodyField> {
  interface Inner {
    readonly prefix: string
    readonly parents: readonly string[]
    readonly value: Value | undefined
  }
  let level: Inner[] = [{ prefix: '', parents: [], value: body }]
  for (let depth = 0; depth < deepest; depth++) {
    const below: Inner[] = []
    for (const { prefix, parents, value } of level) {
      if (!isObject(value) || records.some((record) => record === value)) continue
      for (const [key, inner] of Object.entries(value)) {
        const path = `${prefix}${pathStep(key, prefix === '')}`
        if (isObject(inner)) below.push({ prefix: path, parents: [...parents, key], value: inner })
        else if (!Array.isArray(inner)) yield { key, path, parents, value: inner }
      }
    }
    level = below
  }
}

/** A key as a step of a path. */
export function pathStep(key: string, isFirst: boolean): string {
  if (!/^[^.[\]'"*\s$]+$/.test(key)) return key.includes("'") ? `["${key}"]` : `['${key}']`
  return isFirst ? key : `.${key}`
}

export function isObject(value: Value | undefined): value is { [key: string]: Value } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LongDecimal)
  )
}
