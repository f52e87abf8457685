import { createHash } from 'node:crypto'
import type { Column } from '../../ports/schema.ts'
import { identifier, quote, storedName } from './names.ts'
import { tableIn, type Workplace } from './workplace.ts'

// What a load finds its rows by. It is no constraint: a table whose rows somebody doubled is loaded all the same. Nor may a long key
// break it, as one beyond 2,700 bytes breaks a B-tree: texts are in a hash index, or in a B-tree by their hash where the key has several fields.

const PREFIX = '_sluice_key_'

/** The index's name, before it is cut to its stored form. */
export function keyIndexName(table: string, columns: readonly Column[]): string {
  const key = createHash('sha256').update(JSON.stringify(columns.map(({ name }) => name)))
  return `${PREFIX}${key.digest('hex').slice(0, 8)}_${table}`
}

/** Whether an index of a table, by its stored name, is one of these. */
export function isKeyIndex(name: string): boolean {
  return name.startsWith(PREFIX)
}

/** Makes the index of a key, unless it is there. */
export async function ensureKeyIndex(
  workplace: Workplace,
  table: string,
  columns: readonly Column[],
  present: ReadonlySet<string>,
): Promise<void> {
  const name = keyIndexName(table, columns)
  if (present.has(storedName(name))) return
  await workplace.connection.run(
    `CREATE INDEX ${identifier(name)} ON ${tableIn(workplace, table)} ${method(columns)}`,
  )
}

/** Drops the indexes of a table whose columns are about to change their types. */
export async function dropKeyIndexes(workplace: Workplace, present: ReadonlySet<string>): Promise<string[]> {
  const own = [...present].filter(isKeyIndex)
  if (own.length > 0)
    await workplace.connection.run(
      `DROP INDEX ${own.map((name) => `${identifier(workplace.schema)}.${quote(name)}`).join(', ')}`,
    )
  return own
}

function method(columns: readonly Column[]): string {
  const [only] = columns
  if (columns.length === 1 && isLong(only!)) return `USING hash (${identifier(only!.name)})`
  return `(${columns.map((column) => hashed(column, '')).join(', ')})`
}

function isLong({ type }: Column): boolean {
  return type.kind === 'text' || type.kind === 'json'
}

/** Conditions under which a row has a key: `value` is SQL for the key's value of a column. The index is found by them. */
export function hasKey(columns: readonly Column[], row: string, value: (at: number) => string): string {
  const equal = columns.map((column, at) => `${row}.${identifier(column.name)} = ${value(at)}`)
  if (columns.length > 1)
    for (const [at, column] of columns.entries())
      if (isLong(column)) equal.push(`${hashed(column, `${row}.`)} = ${hash(column, value(at))}`)
  return equal.join(' AND ')
}

function hashed(column: Column, row: string): string {
  const name = `${row}${identifier(column.name)}`
  return isLong(column) ? hash(column, name) : name
}

function hash({ type }: Column, value: string): string {
  return type.kind === 'json' ? `jsonb_hash_extended(${value}, 0)` : `hashtextextended(${value}, 0)`
}
