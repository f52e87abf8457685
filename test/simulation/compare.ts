// Whether a table holds the truth: the same keys, each once, and under each key the same values with every digit.
//
// A warehouse has types where JSON has texts: a time is the same time in another spelling, a number the same number. So both sides are
// brought into one form, which is written here anew instead of being taken from the product: a value that the product changes on its
// way would otherwise be changed on both sides alike.
import { BrokenPromiseError } from './failure.ts'

export interface TruthRow {
  readonly key: string
  readonly json: string
}

/** What a warehouse gives back: scalars, times and nested values as text. */
export type Cell = null | boolean | number | bigint | string
export type Row = Readonly<Record<string, Cell>>

/** @throws BrokenPromiseError that names the first row and field that differ */
export function compareTable(
  table: string,
  key: string,
  truth: Iterable<TruthRow>,
  rows: readonly Row[],
): void {
  const found = new Map<string, Row>()
  for (const row of rows) {
    const id = String(row[key])
    if (found.has(id)) throw new BrokenPromiseError('exactly once', `${table}: ${id} is there twice`)
    found.set(id, row)
  }
  let wanted = 0
  for (const { key: id, json } of truth) {
    wanted++
    const row = found.get(id)
    if (row === undefined)
      throw new BrokenPromiseError('exactly once', `${table}: ${id} is lost (${rows.length} rows are there)`)
    compareRecord(`${table} ${id}`, unwrapped(parseTruth(json)), row)
  }
  if (found.size === wanted) return
  throw new BrokenPromiseError('exactly once', `${table} has ${found.size} rows, the truth ${wanted}`)
}

/** A number is kept as the text that it was sent as. */
interface Digits {
  readonly digits: string
}
type Truth = null | boolean | string | Digits | Truth[] | { [field: string]: Truth }

const NUMBER_OR_STRING = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** `JSON.parse` that turns every number into its digits, by quoting it first. */
function parseTruth(json: string): { [field: string]: Truth } {
  const quoted = json.replace(NUMBER_OR_STRING, (token) =>
    token[0] === '"' ? token : `{"digits":"${token}"}`,
  )
  return JSON.parse(quoted)
}

function unwrapped(record: { [field: string]: Truth }): { [field: string]: Truth } {
  const { properties, ...rest } = record
  return properties === undefined ? record : { ...rest, ...(properties as { [field: string]: Truth }) }
}

function compareRecord(where: string, truth: { [field: string]: Truth }, row: Row): void {
  for (const field in truth) {
    const cell = row[field] ?? null
    if (isSame(truth[field]!, cell)) continue
    throw new BrokenPromiseError(
      'every value',
      `${where}: ${field} should be ${JSON.stringify(truth[field])} and is ${typeof cell} ${String(cell)}`,
    )
  }
  for (const field in row) {
    if (field in truth || field.startsWith('_sluice_') || row[field] === null) continue
    throw new BrokenPromiseError(
      'every value',
      `${where}: ${field} is ${String(row[field])}, the API sent none`,
    )
  }
}

function isSame(truth: Truth, cell: Cell): boolean {
  if (truth === null || cell === null) return truth === cell
  if (typeof truth === 'boolean') return String(truth) === String(cell)
  if (typeof truth === 'string') return truth === cell || isSameTime(truth, cell)
  if (isDigits(truth))
    return typeof cell !== 'boolean' && plainDigits(truth.digits) === plainDigits(String(cell))
  return typeof cell === 'string' && canonical(truth) === canonical(parseTruth(cell))
}

function isSameTime(truth: string, cell: Cell): boolean {
  return (
    typeof cell === 'string' &&
    /^\d{4}-\d\d-\d\dT/.test(truth) &&
    /^\d{4}-\d\d-\d\dT.*Z$/.test(cell) &&
    Date.parse(truth) === Date.parse(cell)
  )
}

function isDigits(value: Truth): value is Digits {
  return typeof value === 'object' && value !== null && 'digits' in value && typeof value.digits === 'string'
}

/** A number as its significant digits and a power of ten, so that 1, 1.0 and 10e-1 are the same. */
function plainDigits(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (match === null) return text
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}

function canonical(value: Truth): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isDigits(value)) return plainDigits(value.digits)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const fields = Object.keys(value).sort()
  return `{${fields.map((field) => `${JSON.stringify(field)}:${canonical(value[field]!)}`).join()}}`
}
