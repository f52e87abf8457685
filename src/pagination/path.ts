// Paths into decoded JSON: `meta.after_cursor`, `data[0].id`, `data[-1].id`, `['@odata.nextLink']`. A path names one
// place: there are no wildcards and no filters. It is compiled once and read per page, or per record.
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { LongDecimal, type Value } from '../ports/json.ts'

/** Reads one place of a value; `undefined` where it is absent. Reading never throws. */
export type PathReader = (value: Value | undefined) => Value | undefined

export type Step = string | number

// One step: a plain key (after a dot, unless it opens the path), an index, or a quoted key for keys that hold dots or brackets.
const step = /(?:^|\.)([^.[\]'"*\s]+)|\[(-?\d+)\]|\[(?:'([^']*)'|"([^"]*)")\]/y

/** The steps of a path, or `undefined` where it isn't one. `$`, alone or as a prefix, is the whole value. */
export function parsePath(text: string): readonly Step[] | undefined {
  const rest = text.startsWith('$.')
    ? text.slice(2)
    : text === '$' || text.startsWith('$[')
      ? text.slice(1)
      : text
  if (rest === '') return text === '$' ? [] : undefined
  if (rest.startsWith('.')) return undefined
  const steps: Step[] = []
  step.lastIndex = 0
  while (step.lastIndex < rest.length) {
    const match = step.exec(rest)
    if (match === null) return undefined
    steps.push(match[2] === undefined ? (match[1] ?? match[3] ?? match[4])! : Number(match[2]))
  }
  return steps
}

/**
 * Compiles a path. `[-1]` is the last element; keys with dots or brackets are quoted: `['a.b']`; `$` is the whole value.
 * @throws ConfigError where the text is no path
 */
export function compilePath(text: string): PathReader {
  const steps = parsePath(text)
  if (steps === undefined) throw new ConfigError('', describeBadPath(text))
  const [first] = steps
  if (first === undefined) return (value) => value
  if (steps.length === 1) return (value) => take(value, first)
  return (value) => {
    let current = value
    for (const each of steps) {
      current = take(current, each)
      if (current === undefined) return undefined
    }
    return current
  }
}

function take(value: Value | undefined, at: Step): Value | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (typeof at === 'number') return Array.isArray(value) ? value.at(at) : undefined
  // Own fields only: a record may lack a field that every object inherits, such as `constructor`.
  if (Array.isArray(value) || value instanceof LongDecimal || !Object.hasOwn(value, at)) return undefined
  return value[at]
}

function describeBadPath(text: string): string {
  return `${JSON.stringify(text)} is no path: write keys with dots and indexes in brackets, as in "meta.after_cursor", "data[0].id" or "['@odata.nextLink']"`
}

/** The path of what `inner` names inside of what `outer` names. */
export function joinPaths(outer: string, inner: string): string {
  const below = inner.replace(/^\$\.?/, '')
  return below === '' || below.startsWith('[') ? `${outer}${below}` : `${outer}.${below}`
}

/** An option that takes a path. */
export const path = z
  .string()
  .refine((text) => parsePath(text) !== undefined, {
    error: (issue) => describeBadPath(String(issue.input)),
  })
  .meta({ title: 'path' })
