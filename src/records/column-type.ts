import type { ColumnType } from '../ports/schema.ts'

// The types form a lattice: `widen` is commutative, associative and idempotent, so that a column ends with the same type
// whatever the order its values came in. Nothing on the way up loses a digit (R4): where no number type holds both
// sides exactly, the answer is text. `null` is no type: a column appears with its first value.

type Kind = ColumnType['kind']

/** The most digits that a decimal column holds, in every warehouse that Sluice knows. */
export const MAX_DECIMAL_DIGITS = 38

const KINDS = [
  'boolean',
  'integer',
  'bigint',
  'decimal',
  'double',
  'date',
  'timestamp',
  'text',
  'json',
] as const

/** The least kind that holds both, for every pair. `decimal` still has its digits to be counted. */
// biome-ignore format: a table is read by its columns
const JOINED: Readonly<Record<Kind, readonly Kind[]>> = {
  //          boolean    integer    bigint     decimal    double    date    timestamp    text    json
  boolean:   ['boolean', 'text',    'text',    'text',    'text',   'text', 'text',      'text', 'json'],
  integer:   ['text',    'integer', 'bigint',  'decimal', 'double', 'text', 'text',      'text', 'json'],
  bigint:    ['text',    'bigint',  'bigint',  'decimal', 'text',   'text', 'text',      'text', 'json'],
  decimal:   ['text',    'decimal', 'decimal', 'decimal', 'text',   'text', 'text',      'text', 'json'],
  double:    ['text',    'double',  'text',    'text',    'double', 'text', 'text',      'text', 'json'],
  date:      ['text',    'text',    'text',    'text',    'text',   'date', 'text',      'text', 'json'],
  timestamp: ['text',    'text',    'text',    'text',    'text',   'text', 'timestamp', 'text', 'json'],
  text:      ['text',    'text',    'text',    'text',    'text',   'text', 'text',      'text', 'json'],
  json:      ['json',    'json',    'json',    'json',    'json',   'json', 'json',      'json', 'json'],
}

const SIMPLE = {
  boolean: { kind: 'boolean' },
  integer: { kind: 'integer' },
  bigint: { kind: 'bigint' },
  double: { kind: 'double' },
  date: { kind: 'date' },
  timestamp: { kind: 'timestamp' },
  text: { kind: 'text' },
  json: { kind: 'json' },
} as const satisfies Partial<Record<Kind, ColumnType>>

/** The column types without parameters, by kind. */
export const columnTypes: { readonly [K in keyof typeof SIMPLE]: ColumnType & { readonly kind: K } } = SIMPLE

/** The least type that holds every value of `a` and of `b`, digit for digit. */
export function widen(a: ColumnType, b: ColumnType): ColumnType {
  const kind = JOINED[a.kind][KINDS.indexOf(b.kind)]!
  if (kind !== 'decimal') return SIMPLE[kind]
  return decimalType(Math.max(integerDigits(a), integerDigits(b)), Math.max(scaleOf(a), scaleOf(b)))
}

/** The decimal type with so many digits before and after the point, or text where there are more than 38 together. */
export function decimalType(integerDigits: number, scale: number): ColumnType {
  const precision = Math.max(1, integerDigits + scale)
  return precision > MAX_DECIMAL_DIGITS ? SIMPLE.text : { kind: 'decimal', precision, scale }
}

export function sameType(a: ColumnType, b: ColumnType): boolean {
  if (a === b) return true
  if (a.kind !== b.kind) return false
  return a.kind !== 'decimal' || b.kind !== 'decimal' || (a.precision === b.precision && a.scale === b.scale)
}

/** For messages: `integer`, `decimal(20,18)`. */
export function typeName(type: ColumnType): string {
  return type.kind === 'decimal' ? `decimal(${type.precision},${type.scale})` : type.kind
}

/** Digits before the point: 2^53 has 16, 2^63 has 19. */
function integerDigits(type: ColumnType): number {
  if (type.kind === 'decimal') return type.precision - type.scale
  return type.kind === 'bigint' ? 19 : 16
}

function scaleOf(type: ColumnType): number {
  return type.kind === 'decimal' ? type.scale : 0
}
