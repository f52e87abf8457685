// From the address of a list to a pipeline that reads it: by its first answer, and its second page where there is one.
import { sourceClient } from '../config/source-client.ts'
import { surround } from '../config/surroundings.ts'
import { systemLookup } from '../config/system-lookup.ts'
import { ConfigError } from '../errors.ts'
import type { Client } from '../http/client.ts'
import { parseOptions } from '../options/parse-options.ts'
import type { SecretLookup } from '../options/secret.ts'
import type { PaginatorOptions } from '../pagination/options.ts'
import type { Json } from '../ports/json.ts'
import type { QueryValue, RequestSpec } from '../ports/request.ts'
import type { Runtime } from '../ports/runtime.ts'
import { restFields } from '../source/rest-options.ts'
import type { AuthDraft } from './auth-flag.ts'
import { confirmPages } from './confirm-pages.ts'
import { type DetectedKey, detectKey, isOwnKeyName } from './detect-key.ts'
import type { OptionDraft, PipelineDraft } from './draft.ts'
import { fetchSample, type Sample } from './fetch-sample.ts'
import { sourceNameOf, streamNameOf, variableName } from './names.ts'
import { quotaSuggestion } from './rate-limit-notes.ts'
import { type RecordsShape, readSample, shapeOptions } from './read-sample.ts'
import { timeFields } from './time-fields.ts'

export interface DraftUrlOptions {
  readonly auth?: AuthDraft | undefined
  /** The key that the user names, in place of what the records show. */
  readonly key?: readonly string[] | undefined
  readonly signal?: AbortSignal
  /** Default: the machine's. */
  readonly runtime?: Runtime
  /** Default: the environment. */
  readonly lookup?: SecretLookup
}

/** An address apart: what goes where in a pipeline. */
export interface SplitAddress {
  readonly baseUrl: string
  readonly path: string
  readonly query: { readonly [name: string]: QueryValue }
  readonly sourceName: string
  readonly streamName: string
  /** Secrets that were typed into the address, by their parameter. Values are never written (S1). */
  readonly secrets: ReadonlyMap<string, { readonly variable: string; readonly value: string }>
}

const clientOptions = restFields.omit({ type: true, check: true, streams: true })

/** Parameters that hold a credential, by their name. */
const secretName =
  /^(api_?key|apikey|key|token|access_?token|auth|auth_?token|secret|client_secret|password|sig|signature|app_?key|appid)$/i

/** @throws ConfigError where it is no web address, or holds a user and a password */
export function splitAddress(text: string): SplitAddress {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new ConfigError(
      '',
      `${JSON.stringify(text)} is no address: write one that starts with http:// or https://`,
    )
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    throw new ConfigError(
      '',
      'the address holds a user or a password, which would be written into the file: leave them out, and name the variables that hold them with --auth basic:USER_VARIABLE:PASSWORD_VARIABLE',
    )
  const path = url.pathname.replaceAll('{', '{{').replaceAll('}', '}}')
  const at = path.lastIndexOf('/', path.length - 2)
  const last = path.slice(at + 1)
  const sourceName = sourceNameOf(url.hostname)
  const secrets = new Map<string, { readonly variable: string; readonly value: string }>()
  const query: { [name: string]: QueryValue } = {}
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name)
    if (secretName.test(name) && values[0] !== '') {
      secrets.set(name, { variable: variableName(sourceName, name), value: values[0]! })
      continue
    }
    const escaped = values.map((value) => value.replaceAll('{', '{{').replaceAll('}', '}}'))
    query[name] = escaped.length === 1 ? escaped[0]! : escaped
  }
  return {
    baseUrl: url.origin + (last === '' ? '' : path.slice(0, at)),
    path: last === '' ? '/' : last,
    query,
    sourceName,
    streamName: streamNameOf(url.pathname),
    secrets,
  }
}

/** An address that has answered. Close it when it has been looked at. */
export interface AskedUrl extends AsyncDisposable {
  readonly address: SplitAddress
  readonly client: Client
  readonly request: RequestSpec
  readonly sample: Sample
}

/**
 * Asks the address once.
 * @throws ConfigError where it is none; what the client throws where there is no answer
 */
export async function askUrl(text: string, options: DraftUrlOptions = {}): Promise<AskedUrl> {
  const address = splitAddress(text)
  const { query, secrets } = address
  const { auth } = options
  const values = new Map([...secrets.values()].map(({ variable, value }) => [variable, value]))
  const lookup: SecretLookup = (name) => values.get(name) ?? (options.lookup ?? systemLookup)(name)
  const settings = parseOptions(clientOptions, {
    baseUrl: address.baseUrl,
    // A user waits: an API that does not answer is asked once more, and no oftener.
    retry: { maxAttempts: 2 },
    ...(secrets.size > 0 && { query: secretQuery(secrets) }),
    ...(auth && { auth: auth as never }),
  })
  const around = surround({ lookup, ...(options.runtime && { runtime: options.runtime }) })
  try {
    const { client } = sourceClient(address.sourceName, settings, around)
    const request: RequestSpec = {
      method: 'GET',
      url: withoutBraces(address.path),
      query: plainQuery(query),
      headers: {},
    }
    const sample = await fetchSample(client, request, options.signal)
    return { address, client, request, sample, [Symbol.asyncDispose]: around.close }
  } catch (error) {
    await around.close()
    throw error
  }
}

/**
 * Says what was found as a pipeline of one stream; asks for the second page where there is one.
 * @throws ConfigError where the answer is no list
 */
export async function draftAsked(asked: AskedUrl, options: DraftUrlOptions = {}): Promise<PipelineDraft> {
  const { address, client, request, sample } = asked
  const { sourceName, streamName, query, secrets } = address
  const { auth } = options
  const context = { client, request, ...(options.signal && { signal: options.signal }) }
  const first = await readSample(sample)
  const paging = await confirmPages(first, context)
  const records = [...first.records, ...paging.second]
  const key = options.key ?? keyOf(records, streamName, first.shape)
  const { kept, dropped } = withoutPaging(query, paging.options)
  const quota = quotaSuggestion(sample.headers)
  return {
    name: sourceName === 'api' ? `${streamName}_pipeline` : sourceName,
    sourceName,
    notes: [
      'Written by `sluice init` from one answer of the API, and its second page where there was one.',
      'What was found, guessed and left open is said at each option. Look at it before you rely on it: `sluice preview`, `sluice plan`, then `sluice run`.',
    ],
    source: [
      { name: 'baseUrl', value: address.baseUrl },
      ...(auth ? [{ name: 'auth', value: auth }] : []),
      ...(secrets.size > 0
        ? [
            {
              name: 'query',
              value: secretQuery(secrets),
              notes: [
                `The address held what looks like a secret, in ${[...secrets.keys()].join(' and ')}. Its value is not written: set ${[...secrets.values()].map(({ variable }) => variable).join(' and ')} before a run.`,
              ],
            },
          ]
        : []),
    ],
    ...(quota && { sourceSuggestions: [quota] }),
    streams: [
      {
        name: streamName,
        notes: [`${first.records.length} records in the first answer.`],
        options: [
          { name: 'path', value: address.path },
          ...(Object.keys(kept).length > 0
            ? [
                {
                  name: 'query',
                  value: kept as Json,
                  ...(dropped.length > 0 && {
                    notes: [
                      `${dropped.join(', ')} of the address is left out: it names a page, and a run begins with the first`,
                    ],
                  }),
                },
              ]
            : []),
          ...shapeDrafts(first.shape),
          { name: 'paginate', value: paging.options as unknown as Json, notes: paging.notes },
          ...keyDraft(key, streamName, records.length),
        ],
        suggestions: incrementalSuggestion(records),
      },
    ],
  }
}

function secretQuery(secrets: SplitAddress['secrets']): { readonly [name: string]: string } {
  return Object.fromEntries([...secrets].map(([name, { variable }]) => [name, `\${env:${variable}}`]))
}

function plainQuery(query: SplitAddress['query']): { readonly [name: string]: QueryValue } {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map((each) => withoutBraces(String(each))) : withoutBraces(String(value)),
    ]),
  )
}

/** `{{` is how a path writes a brace that begins no placeholder. */
function withoutBraces(text: string): string {
  return text.replaceAll('{{', '{').replaceAll('}}', '}')
}

/** A page that the address names is not where a run begins. */
function withoutPaging(query: { readonly [name: string]: QueryValue }, paginate: PaginatorOptions) {
  const param = 'param' in paginate && typeof paginate.param === 'string' ? paginate.param : undefined
  const dropped = Object.keys(query).filter((name) => name === param)
  const kept = Object.fromEntries(Object.entries(query).filter(([name]) => name !== param))
  return { kept, dropped }
}

function shapeDrafts(shape: RecordsShape): OptionDraft[] {
  const options = Object.entries(shapeOptions(shape)).map(([name, value]) => ({ name, value }))
  const [first, ...rest] = options
  return first === undefined ? [] : [{ ...first, notes: shape.notes }, ...rest]
}

const enoughForTwoFields = 10

function keyOf(
  records: Parameters<typeof detectKey>[0],
  stream: string,
  { format }: RecordsShape,
): DetectedKey | undefined {
  const key = detectKey(records, stream)
  if (format !== 'csv' && format !== 'jsonl') {
    // Of few records almost any two fields tell one from another; a whole new table with each run loses none.
    return key?.by === 'together' && records.length < enoughForTwoFields ? undefined : key
  }
  if (key !== undefined) return key
  // Rows are committed while they arrive, which needs a key.
  const fields = Object.keys(records[0] ?? {})
  if (format === 'csv' && fields.length > 0 && fields.length <= 32) return { fields, by: 'all' }
  throw new ConfigError(
    '',
    `no field of the ${records.length} records that were read tells one from another, and a stream of format ${format} needs a key: name the field, or several with commas, with --key`,
  )
}

function keyDraft(
  key: DetectedKey | readonly string[] | undefined,
  stream: string,
  sampled: number,
): OptionDraft[] {
  if (key === undefined) {
    const why =
      sampled === 0
        ? 'none could be found, since the list is empty'
        : `none was found, no field that looks like one is in all of the ${sampled} records and different in each`
    return [
      {
        name: 'write',
        value: 'replace',
        notes: [
          `key: ${why}. Each run swaps in a whole new table; with \`key: FIELD\` in place of \`write\` records are updated`,
        ],
      },
    ]
  }
  if (!('by' in key)) return [{ name: 'key', value: keyValue(key) }]
  return [{ name: 'key', value: keyValue(key.fields), notes: [keyNote(key, stream, sampled)] }]
}

function keyValue(fields: readonly string[]): Json {
  return fields.length === 1 ? fields[0]! : [...fields]
}

function keyNote({ by, fields }: DetectedKey, stream: string, sampled: number): string {
  const where = `in all of the ${sampled} records, and different in each`
  switch (by) {
    case 'name':
      if (sampled > 1) return `key: ${where}`
      return isOwnKeyName(fields[0]!, stream)
        ? 'key: by its name'
        : 'CHECK key: by its name alone, since there is one record'
    case 'only':
      return `CHECK key: ${where}, but not called like a key: it may be so by chance`
    case 'together':
      return `CHECK key: no single field will do; these together are ${where}. It may be so by chance`
    case 'all':
      return `CHECK key: no field tells the ${sampled} records apart, so that all of them together are the key: rows that are the same are loaded once`
  }
}

function incrementalSuggestion(records: Parameters<typeof timeFields>[0]): OptionDraft[] {
  const [field] = timeFields(records)
  if (field === undefined) return []
  const of = field.moves ? 'changes' : 'creation (later changes of a record are not seen by it)'
  return [
    {
      name: 'incremental',
      value: {
        by: 'time',
        field: field.field,
        param: 'updated_since',
        start: '2024-01-01',
        ...(field.format !== 'iso' && { format: field.format }),
      },
      notes: [
        `Each run reads the whole list. ${field.field} holds the time of ${of}: if the API can filter by it, name its parameter in \`param\` (updated_since is a placeholder) and take this in:`,
      ],
    },
  ]
}
