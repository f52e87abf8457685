// What a schema says of the shape of a body: as far down as an envelope goes, and no farther, since schemas can be endless.

import {
  innerUrlKeys,
  moreFlags,
  nextUrlKeys,
  offsetKeys,
  pageKeys,
  plain,
} from '../../pagination/detect/names.ts'
import type { Value } from '../../ports/json.ts'
import { detectRecords } from '../../source/response/detect-records.ts'
import { type ApiDocument, isNode, listOf, type Node, textOf } from './document.ts'

/** A schema with what it is composed of put together. */
export interface FlatSchema {
  readonly type: 'array' | 'object' | 'scalar'
  readonly properties: ReadonlyMap<string, unknown>
  readonly required: ReadonlySet<string>
  readonly items: unknown
  readonly node: Node
}

/** Objects in objects. */
const envelopeDepth = 3
/** Fields of one answer that are looked at: a schema may be wide as well as deep. */
const mostFields = 1000

/** Each schema is put together once: documents refer to the same ones again and again. */
const known = new WeakMap<Node, FlatSchema | null>()

/** Puts together what a schema is composed of; undefined where there is none, or it is a part of itself. */
export function flatten(document: ApiDocument, schema: unknown): FlatSchema | undefined {
  const node = document.resolve(schema)
  if (node === undefined) return undefined
  const before = known.get(node)
  if (before !== undefined) return before ?? undefined
  known.set(node, null)
  const flat = putTogether(document, node)
  known.set(node, flat)
  return flat
}

function putTogether(document: ApiDocument, node: Node): FlatSchema {
  const properties = new Map<string, unknown>()
  const required = new Set<string>()
  let items: unknown = node['items']
  let composed: FlatSchema['type'] | undefined
  const choice = [...listOf(node['oneOf']), ...listOf(node['anyOf'])].find(
    (each) => document.resolve(each)?.['type'] !== 'null',
  )
  for (const part of [...listOf(node['allOf']), ...(choice === undefined ? [] : [choice])]) {
    const flat = flatten(document, part)
    if (flat === undefined) continue
    for (const [name, inner] of flat.properties) properties.set(name, inner)
    for (const name of flat.required) required.add(name)
    items ??= flat.items
    composed = flat.type === 'scalar' ? composed : flat.type
  }
  if (isNode(node['properties']))
    for (const [name, inner] of Object.entries(node['properties'])) properties.set(name, inner)
  for (const name of listOf(node['required'])) if (typeof name === 'string') required.add(name)
  const types = Array.isArray(node['type']) ? node['type'] : [node['type']]
  const type =
    types.includes('array') || (composed === 'array' && properties.size === 0)
      ? 'array'
      : properties.size > 0 || types.includes('object') || composed === 'object'
        ? 'object'
        : items !== undefined
          ? 'array'
          : 'scalar'
  return { type, properties, required, items, node }
}

/** A list in a body. */
export interface FoundList {
  /** As `records` takes it. */
  readonly path: string
  readonly item: FlatSchema | undefined
  /** A body as the schema has it, for looking at: one record, and an envelope that says that there is more. */
  readonly example: Value
}

/**
 * The list in a body of this schema. `last` is the last word of the path, `isDetail` whether the path names one record: a record that holds
 * a list of details is no list.
 */
export function findList(
  document: ApiDocument,
  schema: unknown,
  {
    last,
    isDetail,
    wantsToken,
  }: { readonly last: string; readonly isDetail: boolean; readonly wantsToken: boolean },
): FoundList | undefined {
  const flat = flatten(document, schema)
  if (flat === undefined || flat.type === 'scalar') return undefined
  const items = new Map<string, unknown>()
  const example = exampleOf(document, schema, { wantsToken, items, left: mostFields })
  if (flat.type === 'array') {
    const item = flatten(document, flat.items)
    return item?.type === 'array' ? undefined : { path: '', item, example }
  }
  if (isDetail || flat.properties.has('id')) return undefined
  const candidates = detectRecords(example)
  const sameName = candidates.find(({ path }) => plain(path.split('.').at(-1) ?? '') === plain(last))
  const found =
    sameName ??
    candidates.find(({ by }) => by === 'name') ??
    (candidates.length === 1 ? candidates[0] : undefined)
  if (found === undefined) return undefined
  return { path: found.path, item: flatten(document, items.get(found.path)), example }
}

interface ExampleContext {
  /** Whether a bare `next` is a token: the request takes one. */
  readonly wantsToken: boolean
  /** The item schemas of the lists that were met, by path. */
  readonly items: Map<string, unknown>
  left: number
}

function exampleOf(
  document: ApiDocument,
  schema: unknown,
  context: ExampleContext,
  name = '',
  path = '',
  depth = 0,
  parent = '',
): Value {
  const flat = flatten(document, schema)
  if (flat === undefined) return null
  if (flat.type === 'scalar') return scalarOf(flat.node, name, parent, context.wantsToken)
  if (flat.type === 'array') {
    context.items.set(path, flat.items)
    const item = flatten(document, flat.items)
    return item === undefined || item.type === 'object' ? [{ id: 'x' }] : ['x']
  }
  const body: { [key: string]: Value } = {}
  if (depth >= envelopeDepth) return body
  for (const [key, inner] of flat.properties) {
    if (--context.left < 0) break
    const below = path === '' ? key : `${path}.${key}`
    Object.defineProperty(body, key, {
      value: exampleOf(document, inner, context, key, below, depth + 1, name),
      enumerable: true,
    })
  }
  return body
}

/** A value as a first page has it that is not the last. */
function scalarOf(node: Node, name: string, parent: string, wantsToken: boolean): Value {
  const key = plain(name)
  const types = Array.isArray(node['type']) ? node['type'] : [node['type']]
  if (types.includes('boolean')) return moreFlags.has(key)
  if (types.includes('integer') || types.includes('number'))
    return pageKeys.has(key) ? 1 : offsetKeys.has(key) ? 0 : 1000
  if (!types.includes('string')) return null
  const fixed = node['const'] ?? listOf(node['enum'])[0]
  if (typeof fixed === 'string') return fixed
  const format = textOf(node['format'])
  const says = `${textOf(node['description']) ?? ''} ${textOf(node['example']) ?? ''}`
  const mayBeUrl = nextUrlKeys.has(key) || (innerUrlKeys.has(key) && plain(parent) === 'next')
  const isUrl =
    format === 'uri' ||
    format === 'url' ||
    /ur[il]$|link$|href$/.test(key) ||
    /links$/.test(plain(parent)) ||
    /https?:\/\/|\bur[il]s?\b|\blink\b/i.test(says)
  if (mayBeUrl && (isUrl || !wantsToken)) return 'https://api.example.com/next'
  return 'token'
}
