// A draft from a document, held against the API itself: what a first answer shows outranks what a document says.
import { sourceClient } from '../config/source-client.ts'
import { type SurroundingsOptions, surround } from '../config/surroundings.ts'
import { ConfigError, isSluiceError, type SluiceError } from '../errors.ts'
import type { Client } from '../http/client.ts'
import { parseOptions } from '../options/parse-options.ts'
import type { SecretLookup } from '../options/secret.ts'
import type { Json } from '../ports/json.ts'
import type { QueryValue, RequestSpec } from '../ports/request.ts'
import { restFields } from '../source/rest-options.ts'
import { confirmPages } from './confirm-pages.ts'
import { detectKey } from './detect-key.ts'
import { type OptionDraft, type PipelineDraft, type StreamDraft, valuesOf, variablesOf } from './draft.ts'
import { fetchSample } from './fetch-sample.ts'
import { type ReadSample, readSample } from './read-sample.ts'

const clientOptions = restFields.omit({ type: true, check: true, streams: true })

export interface ProbeOptions extends SurroundingsOptions {
  readonly signal?: AbortSignal
}

export interface Probed {
  readonly draft: PipelineDraft
  /** Streams that were asked for, and answered. */
  readonly answered: readonly string[]
  /** Streams whose answer could not be had or read, and why. Their notes say it, too. */
  readonly failed: ReadonlyMap<string, SluiceError>
  /** Streams that were not asked for: their requests need the values of their slices. */
  readonly unasked: readonly string[]
}

/**
 * Asks for the first page of each stream that needs no other one's records.
 * @throws ConfigError where a variable that the source needs is not set; nothing is asked then
 */
export async function probeDraft(draft: PipelineDraft, options: ProbeOptions = {}): Promise<Probed> {
  const around = surround(options)
  await using _around = { [Symbol.asyncDispose]: around.close }
  const settings = parseOptions(clientOptions, {
    ...(valuesOf(draft.source) as { baseUrl: string }),
    retry: { maxAttempts: 2 },
  })
  requireVariables(draft, around.lookup)
  const { client } = sourceClient(draft.sourceName, settings, around)
  const streams: StreamDraft[] = []
  const answered: string[] = []
  const unasked: string[] = []
  const failed = new Map<string, SluiceError>()
  for (const stream of draft.streams) {
    if (stream.off !== undefined) {
      streams.push(stream)
      continue
    }
    if (stream.options.some(({ name }) => name === 'slices')) {
      unasked.push(stream.name)
      streams.push({
        ...stream,
        notes: [...stream.notes, 'Not asked for: it needs the values of its slices.'],
      })
      continue
    }
    try {
      streams.push(await probeStream(stream, client, options.signal))
      answered.push(stream.name)
    } catch (error) {
      if (options.signal?.aborted || !isSluiceError(error)) throw error
      failed.set(stream.name, error)
      const note = `CHECK not confirmed, the first page could not be had: ${error.message}`
      streams.push({ ...stream, notes: [...stream.notes, note] })
    }
  }
  return { draft: { ...draft, streams }, answered, failed, unasked }
}

function requireVariables(draft: PipelineDraft, lookup: SecretLookup): void {
  const missing = variablesOf(draft.source).filter((name) => !lookup(name))
  if (missing.length === 0) return
  throw new ConfigError(
    '--probe',
    `asks the API, which needs ${missing.join(' and ')}: not set, or empty. Nothing was asked or written: set ${missing.length === 1 ? 'it' : 'them'}, name other variables with --auth, or leave --probe out`,
  )
}

async function probeStream(
  stream: StreamDraft,
  client: Client,
  signal: AbortSignal | undefined,
): Promise<StreamDraft> {
  const values = valuesOf(stream.options)
  const request: RequestSpec = {
    method: 'GET',
    url: String(values['path']),
    query: (values['query'] ?? {}) as { readonly [name: string]: QueryValue },
    headers: (values['headers'] ?? {}) as { readonly [name: string]: string },
  }
  const first = await readSample(await fetchSample(client, request, signal))
  return compared(stream, first, { client, request, ...(signal && { signal }) })
}

async function compared(
  stream: StreamDraft,
  first: ReadSample,
  context: Parameters<typeof confirmPages>[1],
): Promise<StreamDraft> {
  const notes = [`Asked once: ${first.records.length} records in the first answer.`]
  const values = valuesOf(stream.options)
  const changes = new Map<string, OptionDraft>()
  const said = typeof values['records'] === 'string' ? values['records'] : ''
  const records = first.shape.records
  if (first.records.length === 0)
    return { ...stream, notes: [...stream.notes, ...notes, 'The list is empty: nothing could be confirmed.'] }
  if (records !== said)
    changes.set('records', {
      name: 'records',
      value: records,
      notes: [
        `the document has the records at ${said || 'the top'}; the answer has them at ${records || 'the top'}`,
      ],
    })
  const paging = await confirmPages(first, context)
  const derived = values['paginate'] as { readonly type?: string }
  if (paging.confirmed && paging.options.type !== derived.type)
    changes.set('paginate', {
      name: 'paginate',
      value: paging.options as unknown as Json,
      notes: [...paging.notes, `the document was taken for ${derived.type}`],
    })
  else if (paging.confirmed) notes.push('Its second page was asked for, and holds other records.')
  const sampled = [...first.records, ...paging.second]
  const key = typeof values['key'] === 'string' ? values['key'] : undefined
  const isKey =
    key !== undefined && sampled.every((record) => record[key] !== undefined && record[key] !== null)
  if (!isKey) {
    const found = detectKey(sampled, stream.name)
    if (found !== undefined && found.fields.length === 1) {
      const note =
        key === undefined
          ? 'key: by the records of the answer'
          : `the document has the key ${key}, which the records of the answer lack`
      changes.set('key', { name: 'key', value: found.fields[0]!, notes: [note] })
    } else if (key !== undefined) notes.push(`CHECK key: the records of the answer have no ${key}.`)
  }
  const replaced = stream.options
    .filter(({ name }) => !(name === 'write' && changes.has('key')))
    .map((option) => changes.get(option.name) ?? option)
  const added = [...changes.values()].filter(
    ({ name }) => !stream.options.some((option) => option.name === name),
  )
  return { ...stream, notes: [...stream.notes, ...notes], options: [...replaced, ...added] }
}
