// A stream's request with placeholders: `projects/{parent.id}/issues`. It is compiled once, and filled once a slice. What a placeholder is:
// placeholder.ts.
import { ConfigError } from '../errors.ts'
import { flattenQuery } from '../http/request-query.ts'
import { writePath } from '../options/explain.ts'
import { compilePath } from '../pagination/path.ts'
import { type Json, LongDecimal, type Value } from '../ports/json.ts'
import type { QueryValue, RequestSpec } from '../ports/request.ts'
import { type TextPart, textParts } from './placeholder.ts'

/** What placeholders stand for, by their first word: `{ parent: { id: 7 }, slice: { from: '2024-01-01' } }`. */
export type TemplateValues = Readonly<Record<string, Value>>

export interface RequestTemplate {
  /** The placeholders that it holds, each once, as in `parent.id`. */
  readonly placeholders: readonly string[]
  /**
   * The request with each placeholder replaced. A text that is one placeholder and nothing else takes its value with its type: in the
   * query null takes the parameter away, a list repeats its name and an object makes bracketed names; a header that is null is
   * not sent. In a path, values are encoded; one that opens the path may be a whole URL, and one that is the path an address below
   * the origin, as in `/files/7.csv`, or of a job one below the base URL.
   * @throws ConfigError where a value is missing, or can't stand where it should
   */
  fill(values: TemplateValues): RequestSpec
}

/** Takes a text apart: what counts as a placeholder. */
export type TextReader = (text: string) => readonly TextPart[]

interface Found {
  readonly names: Set<string>
  readonly parts: TextReader
}

type Path = readonly (string | number)[]
type Filler<T> = (values: TemplateValues) => T

/** Compiles the texts of a request. What holds no placeholder is kept as it is. */
export function requestTemplate(request: RequestSpec, parts: TextReader = textParts): RequestTemplate {
  const found: Found = { names: new Set(), parts }
  const url = pathFiller(request.url, found)
  const query = queryFiller(request.query, found)
  const headers = headersFiller(request.headers, found)
  const body = request.body === undefined ? undefined : jsonFiller(request.body, ['body'], found)
  const isFixed = !url && !query && !headers && !body
  return {
    placeholders: [...found.names],
    fill(values) {
      if (isFixed) return request
      return {
        ...request,
        ...(url && { url: url(values) }),
        ...(query && { query: query(values) }),
        ...(headers && { headers: headers(values) }),
        ...(body && { body: body(values) }),
      }
    },
  }
}

function pathFiller(text: string, found: Found): Filler<string> | undefined {
  const parts = found.parts(text)
  if (isPlain(parts, text)) return undefined
  let isQuery = false
  const pieces = parts.map((part, at) => {
    if ('text' in part) {
      isQuery ||= part.text.includes('?')
      return () => part.text
    }
    const read = reader(part.name, ['path'], found)
    const inQuery = isQuery
    const next = parts[at + 1]
    const isWhole = at === 0 && (next === undefined || ('text' in next && next.text.startsWith('?')))
    return (values: TemplateValues) => {
      const value = scalarText(read(values), part.name, ['path'])
      if (at === 0 && /^https?:\/\//i.test(value)) return value
      // An address without its origin, as a job may give for its results: it is resolved like any path (R3).
      if (isWhole && (value.startsWith('/') || (part.name.startsWith('job.') && value.includes('/'))))
        return value
      // An empty step asks for another list, and the server of a dotted one resolves it to another path.
      if (!inQuery && (value === '' || value === '.' || value === '..')) {
        throw new ConfigError(
          'path',
          `the value of {${part.name}} is ${JSON.stringify(value)}, which would lead to another place than the path says${remedy(part.name, value)}`,
        )
      }
      return encodeURIComponent(Buffer.from(value).toString())
    }
  })
  return (values) => pieces.map((piece) => piece(values)).join('')
}

/** Words of a stream's own; any other is what a parent is called. */
const ownWords = new Set(['slice', 'cursor', 'job'])

function remedy(name: string, value: string): string {
  const [, word = '', field = ''] = /^(\w+)\.?(.*)$/s.exec(name) ?? []
  return ownWords.has(word)
    ? ''
    : `. Leave such records out of the parents by \`where: "@.${field} != '${value}'"\`, or put the value into \`query\``
}

function queryFiller(query: RequestSpec['query'], found: Found): Filler<RequestSpec['query']> | undefined {
  const fill = recordFiller(query as { readonly [name: string]: Json }, ['query'], found)
  if (fill === undefined) return undefined
  return (values) => {
    const flat = [...flattenQuery(fill(values) as Parameters<typeof flattenQuery>[0])]
    return Object.fromEntries(
      flat.map(([name, each]) => [name, (each.length === 1 ? each[0] : each) as QueryValue]),
    )
  }
}

function headersFiller(
  headers: RequestSpec['headers'],
  found: Found,
): Filler<RequestSpec['headers']> | undefined {
  const fillers = Object.entries(headers).map(([name, text]) => {
    const path = ['headers', name]
    return { name, path, text, fill: jsonFiller(text, path, found) }
  })
  if (!fillers.some(({ fill }) => fill)) return undefined
  return (values) =>
    Object.fromEntries(
      fillers.flatMap(({ name, path, text, fill }) => {
        const filled = fill ? (fill(values) as Value) : text
        return filled === null ? [] : [[name, headerText(filled, path)]]
      }),
    )
}

/** Values come from an API's records; a line break would begin another header. */
function headerText(value: Value, path: Path): string {
  const text = scalarText(value, undefined, path)
  if (!/[^\t\x20-\x7e\x80-\xff]/.test(text)) return text
  throw new ConfigError(
    writePath(path),
    `${JSON.stringify(text)} holds a line break or another character that an HTTP header cannot carry`,
  )
}

function jsonFiller(json: Json, path: Path, found: Found): Filler<Json> | undefined {
  if (typeof json === 'string') return textFiller(json, path, found)
  if (typeof json !== 'object' || json === null) return undefined
  if (!Array.isArray(json)) return recordFiller(json as { readonly [key: string]: Json }, path, found)
  const items = json.map((item, at) => jsonFiller(item, [...path, at], found))
  if (!items.some(Boolean)) return undefined
  return (values) => items.map((fill, at) => (fill ? fill(values) : json[at]!))
}

function recordFiller(
  record: { readonly [key: string]: Json },
  path: Path,
  found: Found,
): Filler<{ readonly [key: string]: Json }> | undefined {
  const fillers = Object.entries(record).map(([key, value]) => {
    const at = [...path, key]
    return { key, value, at, fillKey: textFiller(key, at, found), fill: jsonFiller(value, at, found) }
  })
  if (!fillers.some(({ fillKey, fill }) => fillKey || fill)) return undefined
  return (values) =>
    Object.fromEntries(
      fillers.map(({ key, value, at, fillKey, fill }) => [
        fillKey ? scalarText(fillKey(values) as Value, undefined, at) : key,
        fill ? fill(values) : value,
      ]),
    )
}

function textFiller(text: string, path: Path, found: Found): Filler<Json> | undefined {
  const parts = found.parts(text)
  if (isPlain(parts, text)) return undefined
  const [only] = parts
  if (parts.length === 1 && only !== undefined && 'name' in only) {
    // The value goes on with its type, long numbers too, which a body is written with (R4).
    return reader(only.name, path, found) as Filler<Json>
  }
  const pieces = parts.map((part) => {
    if ('text' in part) return () => part.text
    const read = reader(part.name, path, found)
    return (values: TemplateValues) => scalarText(read(values), part.name, path)
  })
  return (values) => pieces.map((piece) => piece(values)).join('')
}

function isPlain(parts: readonly TextPart[], text: string): boolean {
  const [only] = parts
  return only === undefined || (parts.length === 1 && 'text' in only && only.text === text)
}

function reader(name: string, path: Path, found: Found): Filler<Value> {
  found.names.add(name)
  const read = compilePath(name)
  return (values) => {
    const value = read(values as Record<string, Value>)
    if (value !== undefined) return value
    throw new ConfigError(writePath(path), `{${name}} stands for nothing: ${describeValues(name, values)}`)
  }
}

/** Names what there is, never its value. */
function describeValues(name: string, values: TemplateValues): string {
  const word = /^\w+/.exec(name)?.[0] ?? ''
  const scope = Object.hasOwn(values, word) ? values[word] : undefined
  if (scope === undefined) {
    const words = Object.keys(values)
    return words.length === 0 ? 'there are no values here' : `there are values for ${words.join(', ')}`
  }
  const fields = typeof scope === 'object' && scope !== null ? Object.keys(scope) : []
  const shown = fields.slice(0, 12).join(', ')
  return `\`${word}\` has ${fields.length === 0 ? 'no fields' : `the fields ${shown}${fields.length > 12 ? ` and ${fields.length - 12} more` : ''}`}`
}

function scalarText(value: Value, name: string | undefined, path: Path): string {
  if (value instanceof LongDecimal) return value.text
  if (value !== null && typeof value !== 'object') return String(value)
  const what = value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object'
  throw new ConfigError(
    writePath(path),
    name === undefined
      ? `a text is needed here, and the value is ${what}`
      : `{${name}} stands inside a text, and its value is ${what}: name a field that is a text or a number`,
  )
}
