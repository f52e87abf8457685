import { SluiceError } from '../errors.ts'
import { errorBodyMessage } from '../http/decode/error-body.ts'
import type { JsonRecord, Value } from '../ports/json.ts'
import { closestName } from './closest-name.ts'
import { isObject } from './field-path.ts'

export interface SelectOptions {
  /** Dotted path of the records in the body; empty where the body itself is the list, or the one record. */
  readonly path: string
  /** The path may be absent, or null, where there are no records (R2). */
  readonly optional: boolean
}

/** R2: the record selector found nothing, or something that can't be records. */
export class SelectorEmptyError extends SluiceError {
  readonly code = 'SELECTOR_EMPTY'
  readonly recovery = 'fix-config'
  readonly url: string
  readonly path: string
  constructor(url: string, path: string, problem: string) {
    super(`${url}: ${problem}`)
    this.url = url
    this.path = path
  }
}

/** R2: the API reported an error in a body under a status of success. */
export class ApiErrorBodyError extends SluiceError {
  readonly code = 'API_ERROR_BODY'
  readonly recovery = 'stop-stream'
  readonly url: string
  constructor(url: string, status: number, message: string) {
    super(`${url}: the API answered ${status}, but its body is an error: ${message}`)
    this.url = url
  }
}

/**
 * The records of a response. An array gives its items, an object is one record; an item that is no object becomes
 * `{ value: item }`, so that nothing is lost.
 * @throws ApiErrorBodyError where there are no records and the body says that something went wrong (R2)
 * @throws SelectorEmptyError where the path leads to nothing, or to a scalar (R2)
 */
export function selectRecords(
  body: Value,
  options: SelectOptions,
  response: { readonly url: string; readonly status: number },
): JsonRecord[] {
  const found = followPath(body, options.path)
  if (Array.isArray(found)) {
    if (found.length === 0) refuseErrorBody(body, response)
    return everyItemIsObject(found) ? found : found.map((item) => (isObject(item) ? item : { value: item }))
  }
  if (found === undefined || found === null || found === body) refuseErrorBody(body, response)
  if (isObject(found)) return [found]
  if ((found === undefined || found === null) && options.optional) return []
  throw new SelectorEmptyError(response.url, options.path, describeMiss(body, options.path, found))
}

function everyItemIsObject(items: Value[]): items is JsonRecord[] {
  for (const item of items) if (!isObject(item)) return false
  return true
}

function refuseErrorBody(body: Value, response: { readonly url: string; readonly status: number }): void {
  const message = errorBodyMessage(body)
  if (message !== undefined) throw new ApiErrorBodyError(response.url, response.status, message)
}

function followPath(body: Value, path: string): Value | undefined {
  let value: Value | undefined = body
  for (const segment of segmentsOf(path)) {
    value = step(value, segment)
    if (value === undefined) return undefined
  }
  return value
}

function segmentsOf(path: string): readonly string[] {
  return path === '' || path === '.' ? [] : path.split('.')
}

function step(value: Value | undefined, segment: string): Value | undefined {
  if (Array.isArray(value)) return /^\d+$/.test(segment) ? value[Number(segment)] : undefined
  return isObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined
}

function describeMiss(body: Value, path: string, found: Value | undefined): string {
  const asked = path === '' ? 'the body' : `\`records: ${path}\``
  if (found === null) {
    return `${asked} is null. If that means that there are no records, set \`optionalRecords: true\``
  }
  if (found !== undefined) {
    return `${asked} is ${kindOf(found)}, not a list or an object: point \`records\` at the list of records`
  }
  let parent: Value = body
  const walked: string[] = []
  for (const segment of segmentsOf(path)) {
    const next = step(parent, segment)
    if (next === undefined) break
    parent = next
    walked.push(segment)
  }
  const where = walked.length === 0 ? 'the body' : `\`${walked.join('.')}\``
  const missing = segmentsOf(path)[walked.length]!
  if (!isObject(parent)) {
    const remedy =
      walked.length === 0 && Array.isArray(parent) ? "; for the list itself, set `records: ''`" : ''
    return `${asked} found nothing: ${where} is ${kindOf(parent)}, which has no \`${missing}\`${remedy}`
  }
  const keys = Object.keys(parent)
  const closest = closestName(missing, keys)
  const suggestion = closest === undefined ? '.' : `; did you mean \`${[...walked, closest].join('.')}\`?`
  return (
    `${asked} found nothing: ${where} has no \`${missing}\`, only ${listed(keys)}${suggestion} ` +
    'If the API leaves it out when there are no records, set `optionalRecords: true`'
  )
}

function listed(keys: readonly string[]): string {
  if (keys.length === 0) return 'no keys at all'
  const shown = keys.slice(0, 12).map((key) => `\`${key}\``)
  return keys.length > shown.length
    ? `${shown.join(', ')} and ${keys.length - shown.length} more`
    : shown.join(', ')
}

function kindOf(value: Value): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return isObject(value)
    ? 'an object'
    : `the ${typeof value === 'string' ? 'text' : 'value'} ${JSON.stringify(String(value)).slice(0, 60)}`
}

/**
 * Lifts the fields of the object at `field` beside the record's others, as in Mixpanel's
 * `{ event, properties: { time, … } }`. A name that is there already keeps its place; the lifted one becomes `field_name`.
 */
export function unwrapRecord(record: JsonRecord, field: string): JsonRecord {
  const inner = record[field]
  if (!isObject(inner)) return record
  const lifted: JsonRecord = {}
  for (const name in record) if (name !== field) lifted[name] = record[name]!
  for (const name in inner) {
    if (name === field || !Object.hasOwn(lifted, name)) lifted[name] = inner[name]!
    else lifted[`${field}_${name}`] = inner[name]!
  }
  return lifted
}
