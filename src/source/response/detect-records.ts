// Where the records of a body are, by what APIs call them and by their shape: lists of objects, not inside records.
import { isObject, pathStep } from '../../pagination/detect/body-fields.ts'
import type { Value } from '../../ports/json.ts'

/** A place that may hold the records. */
export interface RecordsCandidate {
  /** As `records` takes it; '' is the body itself. */
  readonly path: string
  /** How many there are on this page. */
  readonly count: number
  /** Whether its name says so, or its shape alone. */
  readonly by: 'name' | 'shape'
}

/** How many objects around the records are looked into. */
const deepest = 3

/** What APIs call their records, the likeliest first. */
const names = [
  'data',
  'items',
  'results',
  'records',
  'entries',
  'values',
  'value',
  'rows',
  'list',
  'objects',
  'entities',
  'resources',
  'elements',
  'content',
  'contents',
  'payload',
  'hits',
  'docs',
  'documents',
  'nodes',
  'edges',
  'result',
  'response',
] as const
const rankOf = new Map<string, number>(names.map((name, rank) => [name, rank]))

/** Lists around records that hold something else. */
const others = new Set([
  'errors',
  'warnings',
  'links',
  'included',
  'facets',
  'aggregations',
  'columns',
  'fields',
  'schema',
])

/**
 * The places that may hold a body's records, the likeliest first: known names before others, upper levels before lower ones, lists of
 * objects before lists of anything else, longer ones before shorter ones. Empty where nothing is a list; the body may then be one record.
 */
export function detectRecords(body: Value | undefined): readonly RecordsCandidate[] {
  if (Array.isArray(body)) return [{ path: '', count: body.length, by: 'shape' }]
  const found: (RecordsCandidate & { readonly rank: readonly number[] })[] = []
  let level: { readonly prefix: string; readonly value: Value }[] = isObject(body)
    ? [{ prefix: '', value: body }]
    : []
  for (let depth = 0; depth < deepest; depth++) {
    const below: typeof level = []
    for (const { prefix, value } of level) {
      if (!isObject(value)) continue
      for (const [key, inner] of Object.entries(value)) {
        const path = `${prefix}${pathStep(key, prefix === '')}`
        if (isObject(inner)) below.push({ prefix: path, value: inner })
        if (!Array.isArray(inner)) continue
        const name = key.toLowerCase()
        const known = rankOf.get(name)
        const ofObjects = inner.length > 0 && inner.every(isObject)
        // A list of scalars is a detail, unless its name says that it holds the records.
        if (inner.length > 0 && !ofObjects && known === undefined) continue
        found.push({
          path,
          count: inner.length,
          by: known === undefined ? 'shape' : 'name',
          rank: [
            Number(others.has(name)),
            Number(inner.length > 0 && !ofObjects),
            known === undefined ? 1 : 0,
            depth,
            known ?? 0,
            -inner.length,
          ],
        })
      }
    }
    level = below
  }
  return found
    .toSorted((a, b) => compareRanks(a.rank, b.rank))
    .map(({ path, count, by }) => ({ path, count, by }))
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) if (value !== b[index]) return value - b[index]!
  return 0
}
