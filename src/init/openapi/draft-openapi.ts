// From an OpenAPI document to a pipeline: each list is a stream, and a list below a record of another one is read for each of its records.
import { ConfigError } from '../../errors.ts'
import type { Json } from '../../ports/json.ts'
import type { AuthDraft } from '../auth-flag.ts'
import type { OptionDraft, PipelineDraft, StreamDraft } from '../draft.ts'
import { freeName, identifier, sourceNameOf, variableName } from '../names.ts'
import { namesChange } from '../time-fields.ts'
import { baseUrlOf } from './base-url.ts'
import { type ApiDocument, isNode, listOf, textOf } from './document.ts'
import { type ListOperation, listOperations } from './operations.ts'
import { derivePaging, sinceParameter } from './parameters.ts'
import { keyOfItem, placeOf } from './place.ts'
import { deriveAuth } from './security.ts'

export interface DraftOpenApiOptions {
  /** File or address of the document, for messages. */
  readonly place: string
  /** The document's own address, against which relative ones are resolved. */
  readonly address?: string | undefined
  readonly auth?: AuthDraft | undefined
  /** Names of streams, tags, or paths: others are left out. Default: all lists. */
  readonly only?: readonly string[] | undefined
}

/**
 * Says what the document says as a pipeline.
 * @throws ConfigError where it has no list that can be read, or `only` names none of them
 */
export function draftOpenApi(document: ApiDocument, options: DraftOpenApiOptions): PipelineDraft {
  const { root } = document
  const info = isNode(root['info']) ? root['info'] : {}
  const title = textOf(info['title']) ?? ''
  const base = baseUrlOf(document, options.address)
  const host = base.url === undefined ? '' : new URL(base.url).hostname
  const named = host === '' ? 'api' : sourceNameOf(host)
  const sourceName =
    named === 'api'
      ? identifier(title.replace(/\b(the|api|rest|swagger|openapi|v?\d[\d.]*)\b/gi, ' '), 'api')
      : named
  const variable = variableName(sourceName, 'url')
  const operations = listOperations(document)
  if (operations.length === 0)
    throw new ConfigError(
      '',
      `${options.place} has no GET operation whose answer is a list, as far as its schemas tell: give init the address of a list instead`,
    )
  const names = nameOperations(operations)
  const wanted = select(operations, names, options)
  const auth: OptionDraft | undefined = options.auth
    ? { name: 'auth', value: options.auth }
    : deriveAuth(document, sourceName, base.url)
  const streams = withoutOrphans(wanted.map((operation) => draftStream(operation, names, wanted)))
  return {
    name: sourceName,
    sourceName,
    notes: [
      `Written by \`sluice init\` from the OpenAPI document ${options.place}${title === '' ? '' : `: ${title}`} ${textOf(info['version']) ?? ''}`,
      'What a document says and what an API does often differ: look at each stream before you rely on it, with `sluice preview`.',
      ...(wanted.length < operations.length
        ? [`${wanted.length} of its ${operations.length} lists, as chosen.`]
        : []),
    ],
    source: [
      base.url === undefined
        ? {
            name: 'baseUrl',
            value: `\${env:${variable}}${base.below ?? ''}`,
            notes: [
              `CHECK the document names no server: set ${variable} to the API's address${base.below === undefined ? '' : `, which goes before ${base.below}`}`,
            ],
          }
        : { name: 'baseUrl', value: base.url, ...(base.note !== undefined && { notes: [base.note] }) },
      ...(auth ? [auth] : []),
    ],
    streams,
  }
}

/** A stream that is read for each record of one that is left out is left out, too. */
function withoutOrphans(streams: readonly StreamDraft[]): readonly StreamDraft[] {
  const off = new Set(streams.filter((stream) => stream.off !== undefined).map(({ name }) => name))
  const parentOf = ({ options }: StreamDraft) => {
    const slices = options.find(({ name }) => name === 'slices')?.value
    return isNode(slices) ? textOf(slices['stream']) : undefined
  }
  for (let before = -1; before !== off.size; ) {
    before = off.size
    for (const stream of streams) if (off.has(parentOf(stream) ?? '')) off.add(stream.name)
  }
  return streams.map((stream) =>
    stream.off === undefined && off.has(stream.name)
      ? { ...stream, off: `it is read for each record of ${parentOf(stream)}, which is left out` }
      : stream,
  )
}

/** What a user may choose from. */
export function listNames(
  document: ApiDocument,
): readonly { readonly name: string; readonly path: string; readonly summary: string }[] {
  const operations = listOperations(document)
  const names = nameOperations(operations)
  return operations.map((operation) => ({
    name: names.get(operation)!,
    path: operation.path,
    summary: operation.summary,
  }))
}

/** A name each: the last word of the path, with the one before it where that is taken. */
function nameOperations(operations: readonly ListOperation[]): ReadonlyMap<ListOperation, string> {
  const taken = new Set<string>()
  const names = new Map<ListOperation, string>()
  // Short paths first: `/users` is `users`, whatever `/teams/{id}/users` is.
  for (const operation of operations.toSorted((a, b) => depthOf(a.path) - depthOf(b.path))) {
    const words = operation.path.split('/').filter((segment) => segment !== '' && !segment.startsWith('{'))
    const longer = words.length > 1 ? identifier(words.slice(-2).join('_'), operation.name) : operation.name
    const name = taken.has(operation.name) ? freeName(longer, taken) : operation.name
    taken.add(name)
    names.set(operation, name)
  }
  return names
}

function depthOf(path: string): number {
  return path.split('/').length
}

function select(
  operations: readonly ListOperation[],
  names: ReadonlyMap<ListOperation, string>,
  { only, place }: DraftOpenApiOptions,
): readonly ListOperation[] {
  if (only === undefined || only.length === 0) return operations
  const matches = (operation: ListOperation, word: string) =>
    names.get(operation) === word ||
    operation.path === word ||
    operation.tags.some((tag) => tag.toLowerCase() === word.toLowerCase())
  for (const word of only) {
    if (operations.some((operation) => matches(operation, word))) continue
    const all = operations.map((operation) => names.get(operation)!)
    throw new ConfigError(
      '--only',
      `${JSON.stringify(word)} is no stream, tag or path of a list in ${place}: there are ${all.slice(0, 30).join(', ')}${all.length > 30 ? ` and ${all.length - 30} more` : ''}`,
    )
  }
  return operations.filter((operation) => only.some((word) => matches(operation, word)))
}

function draftStream(
  operation: ListOperation,
  names: ReadonlyMap<ListOperation, string>,
  wanted: readonly ListOperation[],
): StreamDraft {
  const name = names.get(operation)!
  const { list, parameters, summary } = operation
  const place = placeOf(operation, names, wanted)
  const given = requiredParameters(operation)
  const paging = derivePaging(list, parameters, operation.responseHeaders)
  const key = keyOfItem(operation, name)
  const off = place.off ?? given.off
  const options: OptionDraft[] = [{ name: 'path', value: place.path }]
  if (Object.keys(given.query).length > 0)
    options.push({ name: 'query', value: given.query, notes: given.notes })
  if (Object.keys(given.headers).length > 0)
    options.push({
      name: 'headers',
      value: given.headers,
      ...(Object.keys(given.query).length === 0 && { notes: given.notes }),
    })
  if (list.path !== '') options.push({ name: 'records', value: list.path })
  options.push({ name: 'paginate', value: paging.options as unknown as Json, notes: paging.notes })
  options.push(keyOption(key, operation))
  if (given.choice !== undefined && key !== undefined && place.slices === undefined) {
    const { name: choice, values } = given.choice
    const word = identifier(choice, 'value')
    options.splice(1, 1, {
      name: 'query',
      value: { ...given.query, [choice]: `{slice.${word}}` },
      notes: [`The document asks for ${choice}: one list for each of its values, see \`slices\``],
    })
    options.push({ name: 'slices', value: { by: 'list', name: word, values: [...values] } })
  }
  if (place.slices !== undefined)
    options.push({
      name: 'slices',
      value: place.slices,
      notes: [
        `one list for each record of ${place.parent}`,
        ...(place.doubt === undefined ? [] : [`CHECK ${place.doubt}`]),
      ],
    })
  const suggestions: OptionDraft[] = []
  const since = sinceParameter(parameters)
  const changed = [...(list.item?.properties.keys() ?? [])].find(namesChange)
  if (changed !== undefined && key !== undefined) {
    if (since === undefined)
      suggestions.push(
        incremental(
          'updated_since',
          changed,
          false,
          `${changed} holds the time of changes: if the API can filter by it, name its parameter in \`param\` and take this in`,
        ),
      )
    else
      options.push(
        incremental(
          since.name,
          changed,
          textOf(since.schema['format']) === 'date',
          `${since.name} takes a time, and ${changed} of a record is one of change. CHECK that the one filters by the other`,
        ),
      )
  }
  return {
    name,
    notes: [`GET ${operation.path}${summary === '' ? '' : `: ${summary}`}`],
    ...(off !== undefined && { off }),
    options,
    suggestions,
  }
}

function keyOption(key: string | undefined, { list }: ListOperation): OptionDraft {
  if (key !== undefined) return { name: 'key', value: key }
  const why =
    (list.item?.properties.size ?? 0) === 0
      ? 'the schema names no fields'
      : 'no field of the schema is called like one'
  return {
    name: 'write',
    value: 'replace',
    notes: [
      `key: ${why}. Each run swaps in a whole new table; with \`key: FIELD\` in place of \`write\` records are updated`,
    ],
  }
}

function incremental(param: string, field: string, isDate: boolean, note: string): OptionDraft {
  return {
    name: 'incremental',
    value: {
      by: 'time',
      field,
      param,
      start: '2000-01-01',
      ...(isDate && { format: 'date', fieldFormat: 'iso' }),
    },
    notes: [note],
  }
}

function requiredParameters({ parameters }: ListOperation): {
  readonly query: { readonly [name: string]: Json }
  readonly headers: { readonly [name: string]: Json }
  readonly notes: readonly string[]
  /** The one parameter that takes one of a few values. */
  readonly choice?: { readonly name: string; readonly values: readonly string[] }
  readonly off?: string
} {
  const query: { [name: string]: Json } = {}
  const headers: { [name: string]: Json } = {}
  const missing: string[] = []
  const examples: string[] = []
  const choices: { readonly name: string; readonly values: readonly string[] }[] = []
  for (const { name, in: place, required, example, isExample, schema } of parameters) {
    if (!required || (place !== 'query' && place !== 'header')) continue
    if (/^(authorization|accept|content-type)$/i.test(name)) continue
    if (example === undefined) missing.push(name)
    else if (isExample) examples.push(name)
    // A brace would begin a placeholder.
    const value =
      typeof example === 'string' ? example.replaceAll('{', '{{').replaceAll('}', '}}') : (example ?? 'CHECK')
    const values = listOf(schema['enum']).filter((each) => typeof each === 'string')
    if (place === 'query' && values.length > 1 && schema['default'] === undefined)
      choices.push({ name, values })
    if (place === 'query') query[name] = value
    else headers[name] = String(value)
  }
  return {
    query,
    headers,
    notes: [
      examples.length === 0
        ? `the document asks for ${Object.keys({ ...query, ...headers }).join(', ')}, with these values`
        : `CHECK the document asks for ${examples.join(', ')}: the values are its examples, put your own in`,
    ],
    ...(choices.length === 1 && { choice: choices[0]! }),
    ...(missing.length > 0 && {
      off: `it needs ${missing.join(' and ')}, which only you can know: put the value in place of CHECK`,
    }),
  }
}
