import { ConfigError, SluiceError } from '../../errors.ts'
import { errorBodyMessage } from '../../http/decode/error-body.ts'
import { nearest } from '../../options/nearest.ts'
import { parsePath } from '../../pagination/path.ts'
import { isObject, type JsonRecord, type Value } from '../../ports/json.ts'
import { compileQuery, type Query, queryProblem } from './json-path.ts'
import { type Reject, type Shape, shapeOf } from './record-shape.ts'
import { isPlainPath, isWholeBody, type RecordsAs } from './records-options.ts'
import { kindOf, listed } from './values.ts'

export interface SelectorOptions {
  /** Path of the records in the body, plain or as JSONPath; empty where the body itself is the list, or the one record. */
  readonly path: string
  /** The path may be absent, or null, where there are no records (R2). */
  readonly optional: boolean
  /** What the records are, where they are no list of objects. */
  readonly as?: RecordsAs | undefined
  /** The field that takes an item that is no object. Default `value`. */
  readonly valueField?: string
  /** Whether an element without children may stand for an empty list, as it does in XML: its records are then absent. Default false. */
  readonly absentIsEmpty?: boolean
  /** The name of the side list that this is, where it isn't the stream's own. */
  readonly side?: string
}

/** Finds records in bodies. Compiled once, used for each page. */
export interface RecordSelector extends SelectorOptions {
  readonly steps: readonly Step[]
  readonly query: Query | undefined
  readonly shape: Shape | undefined
}

export interface Selected {
  readonly records: JsonRecord[]
  /** Items that can't become a record. */
  readonly rejects?: readonly Reject[]
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

interface Response {
  readonly url: string
  readonly status: number
}

/** @throws ConfigError where the path is none */
export function compileSelector(options: SelectorOptions): RecordSelector {
  const { path, as } = options
  const isPlain = isPlainPath(path)
  const problem = isPlain ? undefined : queryProblem(path)
  if (problem !== undefined) {
    throw new ConfigError('records', `${JSON.stringify(path)} is no path, and no JSONPath either: ${problem}`)
  }
  return {
    ...options,
    steps: isWholeBody(path) ? [] : isPlain ? (parsePath(path) ?? [path]) : [],
    query: isPlain ? undefined : compileQuery(path),
    shape: as && shapeOf(as),
  }
}

/**
 * The records of a response. A list gives its items, an object is one record; an item that is no object becomes
 * `{ value: item }`, so that nothing is lost.
 * @throws ApiErrorBodyError where there are no records and the body says that something went wrong (R2)
 * @throws SelectorEmptyError where the path leads to nothing, or to what can't be records (R2)
 */
export function selectRecords(body: Value, selector: RecordSelector, response: Response): Selected {
  const { query, shape, steps, optional, absentIsEmpty } = selector
  // A body that says what went wrong is the main list's affair.
  const refuseError = () => {
    if (selector.side === undefined) refuseErrorBody(body, response)
  }
  let found: Value | undefined
  if (query === undefined) found = follow(body, steps)
  else {
    const result = query(body)
    if ('items' in result) found = result.items
    else {
      refuseError()
      if (optional) return { records: [] }
      throw miss(
        selector,
        response,
        `\`${optionOf(selector)}: ${selector.path}\` found nothing: ${result.missing}. ${remedy(selector, result.isNull)}`,
      )
    }
  }
  if (Array.isArray(found)) {
    if (found.length === 0) refuseError()
    if (shape === undefined) return { records: asRecords(found, selector.valueField) }
  } else {
    if (found === undefined || found === null || found === body) refuseError()
    if (!isObject(found)) {
      if ((found === undefined || found === null) && optional) return { records: [] }
      if (absentIsEmpty) {
        if (found === undefined && steps.length > 1 && follow(body, steps.slice(0, -1)) !== undefined)
          return { records: [] }
        if (found !== undefined && shape === undefined)
          return { records: asRecords([found], selector.valueField) }
      }
      throw miss(selector, response, describeMiss(body, selector, found))
    }
    if (shape === undefined) return { records: [found] }
  }
  const shaped = shape(found, body)
  if ('problem' in shaped) throw miss(selector, response, shaped.problem)
  if (shaped.records.length === 0) refuseError()
  return shaped
}

function miss({ path }: RecordSelector, { url }: Response, problem: string): SelectorEmptyError {
  return new SelectorEmptyError(url, path, problem)
}

function optionOf({ side }: RecordSelector): string {
  return side === undefined ? 'records' : `sides.${side}.records`
}

export function asRecords(items: Value[], valueField = 'value'): JsonRecord[] {
  return everyItemIsObject(items)
    ? items
    : items.map((item) => (isObject(item) ? item : { [valueField]: item }))
}

function everyItemIsObject(items: Value[]): items is JsonRecord[] {
  for (const item of items) if (!isObject(item)) return false
  return true
}

function refuseErrorBody(body: Value, response: Response): void {
  const message = errorBodyMessage(body)
  if (message !== undefined) throw new ApiErrorBodyError(response.url, response.status, message)
}

type Step = string | number

function follow(body: Value, steps: readonly Step[]): Value | undefined {
  let value: Value | undefined = body
  for (const at of steps) {
    value = step(value, at)
    if (value === undefined) return undefined
  }
  return value
}

function step(value: Value | undefined, at: Step): Value | undefined {
  if (typeof at === 'number') return Array.isArray(value) ? value.at(at) : undefined
  return isObject(value) && Object.hasOwn(value, at) ? value[at] : undefined
}

function remedy({ side }: RecordSelector, isNull: boolean): string {
  const change = side === undefined ? 'set `optionalRecords: true`' : `leave out \`sides.${side}.required\``
  return isNull
    ? `If that means that there are no records, ${change}`
    : `If the API leaves it out when there are no records, ${change}`
}

function describeMiss(body: Value, selector: RecordSelector, found: Value | undefined): string {
  const { path, steps } = selector
  const option = optionOf(selector)
  const asked = isWholeBody(path) ? 'the body' : `\`${option}: ${path}\``
  if (found === null) return `${asked} is null. ${remedy(selector, true)}`
  if (found !== undefined) {
    return `${asked} is ${kindOf(found)}, not a list or an object: point \`${option}\` at the list of records`
  }
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
    const advice = depth === 0 && Array.isArray(parent) ? `; for the list itself, set \`${option}: ''\`` : ''
    return `${asked} found nothing: ${where} is ${kindOf(parent)}, which has no \`${missing}\`${advice}`
  }
  const keys = Object.keys(parent)
  const closest = nearest(missing, keys)
  const suggestion = closest === undefined ? '.' : `; did you mean \`${[...walked, closest].join('.')}\`?`
  return `${asked} found nothing: ${where} has no \`${missing}\`, only ${listed(keys)}${suggestion} ${remedy(selector, false)}`
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
