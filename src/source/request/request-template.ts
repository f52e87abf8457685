// A stream's request with placeholders: `projects/{parent.id}/issues`. It is compiled once, and filled once a slice.
import { ConfigError } from '../../errors.ts'
import { compilePath, type PathReader } from '../../pagination/path.ts'
import { type Json, LongDecimal, type Value } from '../../ports/json.ts'
import type { QueryValue, RequestSpec } from '../../ports/request.ts'

/** What placeholders stand for, by their first word: `{ parent: { id: 7 }, slice: { from: '2024-01-01' } }`. */
export type TemplateValues = Readonly<Record<string, Value>>

export interface RequestTemplate {
  /** The placeholders that it holds, each once, as in `parent.id`. */
  readonly placeholders: readonly string[]
  /**
   * The request with each placeholder replaced. A text that is one placeholder and nothing else takes its value with its type;
   * in a path, values are encoded.
   * @throws ConfigError where a value is missing
   */
  fill(values: TemplateValues): RequestSpec
}

type Filler<T> = (values: TemplateValues) => T

// `{name}` or `{name.field}`; `{{` and `}}` are the braces themselves.
const part = /\{\{|\}\}|\{([A-Za-z_][\w.-]*)\}/g

/** Compiles the texts of a request. What holds no placeholder is kept as it is. */
export function requestTemplate(request: RequestSpec): RequestTemplate {
  const found = new Set<string>()
  // A path that is one placeholder and nothing else is an address that the API gave.
  const isAddress = wholePlaceholder(request.url) !== undefined
  const path = textFiller(request.url, found, isAddress ? String : encodeURIComponent)
  const query = recordFiller(request.query, found) as Filler<RequestSpec['query']> | undefined
  const headers = recordFiller(request.headers, found, String) as Filler<RequestSpec['headers']> | undefined
  const body = request.body === undefined ? undefined : jsonFiller(request.body, found)
  return {
    placeholders: [...found],
    fill(values) {
      if (
        found.size === 0 &&
        path === undefined &&
        query === undefined &&
        headers === undefined &&
        body === undefined
      )
        return request
      return {
        ...request,
        ...(path && { url: path(values) }),
        ...(query && { query: query(values) }),
        ...(headers && { headers: headers(values) }),
        ...(body && { body: body(values) }),
      }
    },
  }
}

function jsonFiller(json: Json, found: Set<string>): Filler<Json> | undefined {
  if (typeof json === 'string') {
    const whole = wholePlaceholder(json)
    if (whole === undefined) return textFiller(json, found, String)
    found.add(whole)
    const read = reader(whole)
    return (values) => read(values) as Json
  }
  if (typeof json !== 'object' || json === null) return undefined
  if (Array.isArray(json)) {
    const items = json.map((item) => jsonFiller(item, found))
    return items.some(Boolean) ? (values) => items.map((fill, at) => fill?.(values) ?? json[at]!) : undefined
  }
  return recordFiller(json as { readonly [key: string]: Json }, found) as Filler<Json> | undefined
}

function recordFiller(
  record: Readonly<Record<string, Json | QueryValue>>,
  found: Set<string>,
  write?: (value: Json) => Json,
): Filler<Readonly<Record<string, Json>>> | undefined {
  const fillers = Object.entries(record).map(
    ([name, value]) => [name, value, jsonFiller(value as Json, found)] as const,
  )
  if (!fillers.some(([, , fill]) => fill)) return undefined
  return (values) =>
    Object.fromEntries(
      fillers.map(([name, value, fill]) => {
        const filled = (fill?.(values) ?? value) as Json
        return [name, write ? write(filled) : filled]
      }),
    )
}

function textFiller(
  text: string,
  found: Set<string>,
  encode: (text: string) => string,
): Filler<string> | undefined {
  if (!/[{}]/.test(text)) return undefined
  const pieces: (string | Filler<string>)[] = []
  let end = 0
  for (const match of text.matchAll(part)) {
    pieces.push(text.slice(end, match.index))
    end = match.index + match[0].length
    const [whole, name] = match
    if (name === undefined) pieces.push(whole[0]!)
    else {
      found.add(name)
      const read = reader(name)
      pieces.push((values) => encode(scalarText(read(values), name)))
    }
  }
  pieces.push(text.slice(end))
  return (values) => pieces.map((piece) => (typeof piece === 'string' ? piece : piece(values))).join('')
}

function wholePlaceholder(text: string): string | undefined {
  return /^\{([A-Za-z_][\w.-]*)\}$/.exec(text)?.[1]
}

function reader(name: string): (values: TemplateValues) => Value {
  const read: PathReader = compilePath(name)
  return (values) => {
    const value = read(values as Record<string, Value>)
    if (value !== undefined) return value
    const scope = Object.keys(values)
    throw new ConfigError(
      '',
      `the placeholder {${name}} stands for nothing here: there ${scope.length === 0 ? 'are no values' : `are values for ${scope.join(', ')}`}. For a brace itself, write {{ or }}`,
    )
  }
}

function scalarText(value: Value, name: string): string {
  if (value instanceof LongDecimal) return value.text
  if (value !== null && typeof value !== 'object') return String(value)
  throw new ConfigError(
    '',
    `the placeholder {${name}} stands inside a text, and its value is ${value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object'}: name a field of it that is a text or a number`,
  )
}
