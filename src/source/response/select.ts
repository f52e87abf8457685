import { SluiceError } from '../../errors.ts'
import { errorBodyMessage } from '../../http/decode/error-body.ts'
import { nearest } from '../../options/nearest.ts'
import { parsePath } from '../../pagination/path.ts'
import { type JsonRecord, LongDecimal, type Value } from '../../ports/json.ts'

export interface SelectOptions {
  /** Path of the records in the body; empty where the body itself is the list, or the one record. */
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

type Step = string | number

function followPath(body: Value, path: string): Value | undefined {
  let value: Value | undefined = body
  for (const at of stepsOf(path)) {
    value = step(value, at)
    if (value === undefined) return undefined
  }
  return value
}

/** The schema has checked that it is a path. */
function stepsOf(path: string): readonly Step[] {
  return isWholeBody(path) ? [] : (parsePath(path) ?? [path])
}

/** Whether a record selector means the body itself. */
export function isWholeBody(path: string): boolean {
  return path === '' || path === '.' || path === '$'
}

function step(value: Value | undefined, at: Step): Value | undefined {
  if (typeof at === 'number') return Array.isArray(value) ? value.at(at) : undefined
  return isObject(value) && Object.hasOwn(value, at) ? value[at] : undefined
}

/** True for an object of the API, as opposed to a list, a scalar or a long number. */
function isObject(value: Value | undefined): value is { [key: string]: Value } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LongDecimal)
  )
}

function describeMiss(body: Value, path: string, found: Value | undefined): string {
  const asked = isWholeBody(path) ? 'the body' : `\`records: ${path}\``
  if (found === null) {
    return `${asked} is null. If that means that there are no records, set \`optionalRecords: true\``
  }
  if (found !== undefined) {
    return `${asked} is ${kindOf(found)}, not a list or an object: point \`records\` at the list of records`
  }
  const steps = stepsOf(path)
  let parent: Value = body
  let depth = 0
  for (let next = step(parent, steps[0]!); next !== undefined; next = step(parent, steps[depth]!)) {
    parent = next
    depth++
  }
  const walked = steps.slice(0, depth)
  const where = depth === 0 ? 'the body' : `\`${walked.join('.')}\``
  const missing = String(steps[depth])
  if (!isObject(parent)) {
    const remedy = depth === 0 && Array.isArray(parent) ? "; for the list itself, set `records: ''`" : ''
    return `${asked} found nothing: ${where} is ${kindOf(parent)}, which has no \`${missing}\`${remedy}`
  }
  const keys = Object.keys(parent)
  const closest = nearest(missing, keys)
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
