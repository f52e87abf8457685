// The parameters of an operation, and how it hands out its list by them and by the envelope of its answer.
import { detectPagination } from '../../pagination/detect/detect-pagination.ts'
import { offsetKeys, pageParams, plain } from '../../pagination/detect/names.ts'
import type { PaginatorOptions } from '../../pagination/options.ts'
import { compilePath } from '../../pagination/path.ts'
import type { Json, JsonRecord } from '../../ports/json.ts'
import { type ApiDocument, isNode, listOf, type Node, textOf } from './document.ts'
import type { FoundList } from './schema.ts'

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly schema: Node
  readonly description: string
  /** What it may be sent with: its default, its example, or the first of its values. */
  readonly example: Json | undefined
  /** Whether that is one of several that would do: neither the default nor the only value. */
  readonly isExample: boolean
}

/** Those of the path and of the operation; the operation's own take the place of others of the same name. */
export function parametersOf(document: ApiDocument, path: Node, operation: Node): readonly Parameter[] {
  const found = new Map<string, Parameter>()
  for (const each of [...listOf(path['parameters']), ...listOf(operation['parameters'])]) {
    const node = document.resolve(each)
    const name = textOf(node?.['name'])
    const place = textOf(node?.['in'])
    if (node === undefined || name === undefined || place === undefined) continue
    // Swagger 2.0 has the schema in the parameter itself.
    const schema = document.resolve(node['schema']) ?? node
    const example = [schema['default'], node['example'], schema['example'], listOf(schema['enum'])[0]].find(
      isScalar,
    )
    const isOnly = isScalar(schema['default']) || listOf(schema['enum']).length === 1
    found.set(`${place} ${name}`, {
      name,
      in: place,
      required: node['required'] === true,
      schema,
      description: textOf(node['description']) ?? '',
      example,
      isExample: example !== undefined && !isOnly,
    })
  }
  return [...found.values()]
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' ? value !== '' : typeof value === 'number' || typeof value === 'boolean'
}

const tokenParams =
  /^(cursor|page_?token|next_?page_?token|next_?token|next_?cursor|continuation(_?token)?|marker|bookmark|page\[(cursor|after)\]|after|start_?cursor|starting_?after|pagination_?token|page_?cursor|scroll_?id)$/i
const sizeParams =
  /^(limit|per_?page|page_?size|max_?results|max_?items|count|first|take|top|\$top|page\[(size|limit)\]|results_?per_?page)$/i
const keysetParams = /^(starting_after|after_id|since_id)$/i

/** Whether the operation takes a token of the next page. */
export function takesToken(parameters: readonly Parameter[]): boolean {
  return parameters.some(({ name, in: place }) => place === 'query' && tokenParams.test(name))
}

export interface DerivedPaging {
  readonly options: PaginatorOptions
  readonly notes: readonly string[]
}

/** How the list goes on, by what the document says. */
export function derivePaging(
  list: FoundList,
  parameters: readonly Parameter[],
  responseHeaders: readonly string[],
): DerivedPaging {
  const query = parameters.filter(({ in: place }) => place === 'query')
  const named = (test: (name: string) => boolean) => query.find(({ name }) => test(name))?.name
  const size = sizeOf(query)
  const withSize = (options: PaginatorOptions): PaginatorOptions =>
    size === undefined || options.type === 'none' ? options : ({ ...options, size } as PaginatorOptions)
  const records = list.path === '' ? list.example : compilePath(list.path)(list.example)
  const headers = Object.fromEntries(
    responseHeaders.map((name) => [
      name.toLowerCase(),
      /^link$/i.test(name) ? '<https://api.example.com/next>; rel="next"' : '1000',
    ]),
  )
  const { options, place } = detectPagination({
    url: 'https://api.example.com/list',
    status: 200,
    headers,
    body: list.example,
    records: (Array.isArray(records) ? records : []) as readonly JsonRecord[],
  })
  const more = 'more' in options && options.more !== undefined ? { more: options.more } : {}
  const by = (what: string) => [`pagination: ${what}`]
  switch (options.type) {
    case 'link-header':
    case 'next-url':
      return {
        options: withSize(options),
        notes: by(`${options.type} at ${place}, as the schema of the answer has it`),
      }
    case 'keyset':
      return { options: withSize(options), notes: by('keyset, by the shape of the list') }
    case 'cursor': {
      const param = String(options.param)
      const declared =
        named((name) => name === param) ??
        named((name) => tokenParams.test(name)) ??
        (/page$/i.test(place ?? '') ? named((name) => pageParams.has(plain(name))) : undefined)
      if (declared !== undefined)
        return {
          options: withSize({ ...options, param: declared }),
          notes: by(`the token at ${place} goes into the parameter ${declared}`),
        }
      break
    }
    case 'page-number': {
      const declared = named((name) => pageParams.has(plain(name)))
      if (declared !== undefined)
        return {
          options: withSize({ ...options, param: declared }),
          notes: by(`page numbers in ${declared}, ended by ${place}`),
        }
      break
    }
    case 'offset': {
      const declared = named((name) => offsetKeys.has(plain(name)))
      if (declared !== undefined)
        return {
          options: withSize({ ...options, param: declared }),
          notes: by(`offset in ${declared}, ended by ${place}`),
        }
      break
    }
    default:
  }
  const keyset = named((name) => keysetParams.test(name))
  if (keyset !== undefined)
    return {
      options: withSize({ type: 'keyset', param: keyset, ...more }),
      notes: by(`the id of the last record goes into ${keyset}`),
    }
  const numbered = named((name) => pageParams.has(plain(name)) || name === 'page[number]')
  if (numbered !== undefined) {
    const first =
      query.find(({ name }) => name === numbered)?.schema['default'] === 0 ? { first: 0 as const } : {}
    return {
      options: withSize({ type: 'page-number', param: numbered, ...first, ...more }),
      notes: by(`page numbers in ${numbered}; the list ends at the first empty page`),
    }
  }
  const offset = named((name) => /^(offset|skip|\$skip|start|startAt|page\[offset\])$/i.test(name))
  if (offset !== undefined)
    return {
      options: withSize({ type: 'offset', param: offset, ...more }),
      notes: by(`offset in ${offset}; the list ends at the first empty page`),
    }
  const token = named((name) => tokenParams.test(name))
  if (token !== undefined)
    return {
      options: { type: 'none' },
      notes: [
        `CHECK pagination: the parameter ${token} takes a token, and nothing in the schema of the answer is known for one. Say where it is: { type: cursor, token: PATH, param: ${token} }`,
      ],
    }
  if (options.type !== 'none')
    return {
      options: withSize(options),
      notes: [
        `CHECK pagination: ${options.type} at ${place}, as the schema of the answer has it; the document names no parameter for it`,
      ],
    }
  return {
    options: { type: 'none' },
    notes: ['pagination: the document names none: one answer is taken for the whole list'],
  }
}

function sizeOf(query: readonly Parameter[]): { readonly param: string; readonly value: number } | undefined {
  for (const { name, schema, description } of query) {
    if (!sizeParams.test(name)) continue
    const stated = /\b(?:max(?:imum)?(?:\s+(?:is|of|value))?:?|between 1 and|up to)\s*(\d{1,5})\b/i.exec(
      description,
    )?.[1]
    const value =
      typeof schema['maximum'] === 'number'
        ? schema['maximum']
        : stated === undefined
          ? undefined
          : Number(stated)
    if (value !== undefined && Number.isInteger(value) && value >= 1 && value <= 100_000)
      return { param: name, value }
  }
  return undefined
}

const sinceParams =
  /^((last_?)?(updated|modified|changed|edited)(_?(at|on|date|time))?[_[.]?(since|after|from|gte?|min|start)\]?|if_?modified_?since|since|start_?time)$/i

/** The parameter by which records that changed since a time are asked for. */
export function sinceParameter(parameters: readonly Parameter[]): Parameter | undefined {
  return parameters.find(
    ({ name, in: place, schema, description }) =>
      place === 'query' &&
      sinceParams.test(name) &&
      (/^date(-time)?$/.test(textOf(schema['format']) ?? '') ||
        /iso.?8601|rfc.?3339|YYYY-MM-DD/i.test(description)),
  )
}

/** Names of the headers that a response declares. */
export function declaredHeaders(response: Node): readonly string[] {
  return isNode(response['headers']) ? Object.keys(response['headers']) : []
}
