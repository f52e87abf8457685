// From a sample to its records, without any config: format, place and shape are told by the body itself.
import { ConfigError } from '../errors.ts'
import { readCsv } from '../http/decode/csv.ts'
import { errorBodyMessage } from '../http/decode/error-body.ts'
import { formatOf } from '../http/decode/format-options.ts'
import { readJson } from '../http/decode/json.ts'
import { readJsonLines } from '../http/decode/json-lines.ts'
import { readXml } from '../http/decode/xml.ts'
import type { PageView } from '../pagination/paginator.ts'
import { isObject, type Json, type JsonRecord, type Value } from '../ports/json.ts'
import { detectRecords } from '../source/response/detect-records.ts'
import { compileSelector, selectRecords } from '../source/response/select.ts'
import { asResponse, type Sample } from './fetch-sample.ts'
import { type SampleFormat, sniffFormat } from './sample-format.ts'

/** Where the records are and what they are made of, as a stream's options say it. */
export interface RecordsShape {
  readonly format: SampleFormat
  readonly delimiter?: string
  /** Path; '' is the body itself. */
  readonly records: string
  /** The records are the values of an object, whose keys go into this field. */
  readonly map?: string
  readonly unwrap?: string
  /** How it was told, and what else it might be. */
  readonly notes: readonly string[]
}

export interface ReadSample {
  readonly shape: RecordsShape
  /** As a paginator sees the page. */
  readonly view: PageView
  /** As they are loaded: after `unwrap`. */
  readonly records: readonly JsonRecord[]
}

/**
 * Reads a sample. `shape`: what an earlier page showed, which this one is read by.
 * @throws ConfigError where the answer holds nothing that records could be taken from
 */
export async function readSample(sample: Sample, shape?: RecordsShape): Promise<ReadSample> {
  const { url, status, headers, contentType } = sample
  const sniffed = sniffFormat(contentType, sample.bytes.subarray(0, 64 * 1024).toString())
  if (sniffed.format === undefined)
    throw new ConfigError('', nothingToRead(url, status, sniffed.what, contentType))
  if (sniffed.format === 'csv' || sniffed.format === 'jsonl') {
    const records = await readLines(sample, sniffed.format, sniffed.delimiter)
    return {
      shape: { ...sniffed, records: '', notes: [`format: ${sniffed.format}, by what was sent`] },
      view: { url, status, headers, body: undefined, records },
      records,
    }
  }
  const options = { url }
  const { value } =
    sniffed.format === 'xml'
      ? await readXml(asResponse(sample), { ...options, namespaces: 'keep' })
      : await readJson(asResponse(sample), options)
  const found = shape ?? shapeOf(value, sniffed.format, url)
  const selector = compileSelector({
    path: found.records,
    optional: shape !== undefined,
    ...(found.map !== undefined && { as: { map: found.map } }),
    ...(found.format === 'xml' && { valueField: '#text', absentIsEmpty: true }),
  })
  const { records } = selectRecords(value, selector, { url, status })
  const view = { url, status, headers, body: value, records }
  return found.unwrap === undefined && shape === undefined
    ? unwrapped({ shape: found, view, records })
    : { shape: found, view, records: lifted(records, found.unwrap) }
}

function nothingToRead(url: string, status: number, what: string, contentType: string): string {
  if (what === 'nothing')
    return `${url} answered ${status} with an empty body: there is nothing to tell a list by. Check the path, and the parameters that the endpoint needs`
  if (what === 'a web page')
    return `${url} answered a web page (content-type: ${contentType || 'none'}), where an API answers data: that is a login or documentation page. Give the address of the API itself, and a credential with --auth if it needs one`
  return `${url} answered ${what}, and init reads JSON, JSON Lines, CSV and XML: give the address of a list in one of these`
}

async function readLines(
  sample: Sample,
  format: 'csv' | 'jsonl',
  delimiter: string | undefined,
): Promise<readonly JsonRecord[]> {
  const records: JsonRecord[] = []
  const common = {
    url: sample.url,
    maxLineSize: 16 << 20,
    batchBytes: 1 << 20,
    async onRecords(more: JsonRecord[]) {
      for (const record of more) records.push(record)
    },
  }
  const response = asResponse(sample)
  if (format === 'jsonl') await readJsonLines(response, common)
  else {
    const csv = formatOf({ type: 'csv', ...(delimiter !== undefined && { delimiter }) })
    if (csv.type === 'csv') await readCsv(response, { ...common, format: csv })
  }
  return records
}

/** @throws ConfigError where the body is an error, or a scalar */
function shapeOf(body: Value, format: SampleFormat, url: string): RecordsShape {
  const failure = errorBodyMessage(body)
  const candidates = detectRecords(body)
  const [best, ...rest] = candidates
  if (failure !== undefined && (best === undefined || best.count === 0))
    throw new ConfigError('', `${url} answered an error under a success status: ${failure}`)
  if (best !== undefined) {
    const others = rest.filter(({ count }) => count > 0).map(({ path, count }) => `${path} (${count})`)
    const how = best.by === 'name' ? 'by its name' : 'the likeliest list'
    return {
      format,
      records: best.path,
      notes: [
        ...(best.path === '' ? [] : [`records: ${best.count} at ${best.path}, ${how}`]),
        ...(others.length > 0 ? [`other lists in the answer: ${others.slice(0, 5).join(', ')}`] : []),
      ],
    }
  }
  if (!isObject(body))
    throw new ConfigError(
      '',
      `${url} answered ${format === 'json' ? 'one JSON value' : 'one value'} and no list of records: give the address of a list`,
    )
  if (Object.keys(body).length === 0)
    throw new ConfigError(
      '',
      `${url} answered an empty object: there is nothing to tell a list by. Give the address of a list that has records`,
    )
  const map = mapIn(body)
  if (map !== undefined) {
    return {
      format,
      records: map.path,
      map: map.field,
      notes: [
        `the records are the ${map.count} values of an object${map.path === '' ? '' : ` at ${map.path}`}; their keys go into the field ${map.field}`,
      ],
    }
  }
  if (format === 'xml') {
    const element = onlyElement(body)
    if (element !== undefined)
      return {
        format,
        records: element,
        notes: [`no element comes several times: ${element || 'the document'} is taken for one record`],
      }
  }
  return { format, records: '', notes: ['the answer holds no list: it is taken for one record'] }
}

/** An object of at least three objects with nearly the same fields, at the top or one below it. */
function mapIn(body: {
  [key: string]: Value
}): { readonly path: string; readonly field: string; readonly count: number } | undefined {
  const places = [['', body] as const, ...Object.entries(body)]
  for (const [path, value] of places) {
    if (!isObject(value) || (path !== '' && !/^[A-Za-z_]\w*$/.test(path))) continue
    const inner = Object.values(value)
    if (inner.length < 3 || !inner.every(isObject)) continue
    const [first = '', ...others] = inner.map((each) => Object.keys(each).toSorted().join('\n'))
    const alike = others.filter((keys) => keys === first).length + 1
    if (first === '' || alike < inner.length * 0.6) continue
    const taken = inner.some((each) => isObject(each) && Object.hasOwn(each, 'id'))
    return { path, field: taken ? 'map_key' : 'id', count: inner.length }
  }
  return undefined
}

/** `feed.entry`: the way down through elements that have one child each. */
function onlyElement(body: { [key: string]: Value }): string | undefined {
  const steps: string[] = []
  let value: Value | undefined = body
  while (isObject(value)) {
    const entries: [string, Value][] = Object.entries(value).filter(([name]) => !name.startsWith('@'))
    const [only] = entries
    if (entries.length !== 1 || only === undefined || !isObject(only[1])) break
    steps.push(only[0])
    value = only[1]
  }
  return steps.length === 0 || steps.some((step) => !/^\w+$/.test(step)) ? undefined : steps.join('.')
}

/** Objects around a record's own fields, as APIs call them. */
const wrappers = ['node', 'properties', 'attributes', 'fields', 'resource', 'item', '_source', 'data']

/** A record that has little beside one object of fields: these are lifted out of it. */
function unwrapped(read: ReadSample): ReadSample {
  const { records, shape } = read
  const wrapper = wrappers.find(
    (name) => records.length > 0 && records.every((record) => isObject(record[name])),
  )
  if (wrapper === undefined || shape.format === 'xml') return read
  const few = records.every((record) => Object.keys(record).length <= 3)
  if (!few) return read
  return {
    ...read,
    shape: {
      ...shape,
      unwrap: wrapper,
      notes: [
        ...shape.notes,
        `a record has little beside the object ${wrapper}: its fields are lifted out of it`,
      ],
    },
    records: lifted(records, wrapper),
  }
}

function lifted(records: readonly JsonRecord[], field: string | undefined): readonly JsonRecord[] {
  if (field === undefined) return records
  return records.map((record) => {
    const { [field]: inner, ...rest } = record
    return isObject(inner) ? { ...inner, ...rest } : record
  })
}

/** The stream's options that say it. */
export function shapeOptions(shape: RecordsShape): { [name: string]: Json } {
  const { format, delimiter, records, map, unwrap } = shape
  return {
    ...(format !== 'json' && {
      format: delimiter === undefined ? format : { type: 'csv', delimiter },
    }),
    ...(records !== '' && { records }),
    ...(map !== undefined && { recordsAs: { map } }),
    ...(unwrap !== undefined && { unwrap }),
  }
}
