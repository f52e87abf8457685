// Compares a table with the sandbox's truth, record by record and field by field. It reads JSON with every digit, in a way of its own:
// the product's decoder is a part of what is tested.
import type { TruthRow } from '../../sandbox/world.ts'
import type { Json } from '../../src/ports/json.ts'
import type { QueryRow } from './warehouse.ts'

export interface Column {
  readonly field: string
  readonly name: string
}

type Fields = Readonly<Record<string, Json>>

const NUMBER = '\u0000number:'
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** Parses JSON with each number as a marked text of its digits. */
function parseDigits(text: string): Json {
  return JSON.parse(
    text.replace(tokens, (token) =>
      token.startsWith('"') ? token : `"\\u0000number:${canonicalNumber(token)}"`,
    ),
  )
}

/** `3.10`, `3.1` and `31e-1` are one number: a sign, digits without zeros at either end, and the power of ten. */
function canonicalNumber(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (match === null) return text
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = (whole + fraction).replace(/^0+/, '')
  const trimmed = digits.replace(/0+$/, '')
  if (trimmed === '') return '0'
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`
}

/** The fields of a truth record; of a track event, with its properties lifted. */
function fieldsOf(row: TruthRow, unwrap: boolean): Fields {
  const record = parseDigits(row.json) as Fields
  if (!unwrap) return record
  const { properties, ...rest } = record
  return { ...rest, ...(properties as Fields) }
}

function isSame(expected: Json | undefined, found: Json): boolean {
  if (expected === undefined || expected === null) return found === null || found === 'null'
  if (typeof expected === 'object') {
    return typeof found === 'string' && inOrder(parseDigits(found)) === inOrder(expected)
  }
  if (typeof expected === 'string' && expected.startsWith(NUMBER)) {
    return found !== null && canonicalNumber(String(found)) === expected.slice(NUMBER.length)
  }
  if (typeof expected === 'string' && typeof found === 'string' && expected !== found) {
    return /^\d{4}-\d\d-\d\dT/.test(expected) && Date.parse(expected) === Date.parse(found)
  }
  return expected === found
}

/** As JSON whose members are in the order of their names: PostgreSQL's `jsonb` has one of its own. */
function inOrder(value: Json): string {
  return JSON.stringify(value, (_name, inner: Json) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

/** What differs between a table and the truth; empty where they are one. */
export interface Difference {
  /** Keys that are not in the table. */
  readonly missing: readonly string[]
  /** Keys that are in the table more than once. */
  readonly doubled: readonly string[]
  /** Keys of the table that the truth does not know. */
  readonly extra: readonly string[]
  /** Fields whose values are not the truth's. */
  readonly wrong: readonly string[]
}

export function compare(
  rows: readonly QueryRow[],
  columns: readonly Column[],
  truth: Iterable<TruthRow>,
  { key, unwrap }: { readonly key: string; readonly unwrap: boolean },
): Difference {
  const keyColumn = columns.find(({ field }) => field === key)?.name ?? key
  const found = new Map<string, QueryRow>()
  const doubled: string[] = []
  for (const row of rows) {
    const id = String(row[keyColumn])
    if (found.has(id)) doubled.push(id)
    found.set(id, row)
  }
  const missing: string[] = []
  const wrong: string[] = []
  for (const expected of truth) {
    const row = found.get(expected.key)
    if (row === undefined) {
      missing.push(expected.key)
      continue
    }
    found.delete(expected.key)
    const fields = fieldsOf(expected, unwrap)
    for (const field of Object.keys(fields)) {
      // Nulls alone make no column: of what was loaded before a death, no record may have had a value yet.
      if (fields[field] !== null && !columns.some((column) => column.field === field))
        wrong.push(`${expected.key}: no column for ${field}`)
    }
    for (const { field, name } of columns) {
      if (isSame(fields[field], row[name]!)) continue
      wrong.push(
        `${expected.key}: ${field} is ${JSON.stringify(row[name])}, not ${JSON.stringify(fields[field])}`,
      )
    }
  }
  return { missing, doubled, extra: [...found.keys()], wrong }
}
