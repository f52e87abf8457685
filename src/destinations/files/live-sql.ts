// One DuckDB statement that reads exactly the live rows of a table, with the types that its columns have now.
//
// A file keeps the columns that it was written with: files of one schema and one format are read together, and what they hold is turned
// into what it would be had the columns been what they are now from the start.

import type { Column, ColumnType, TableSchema } from '../../ports/schema.ts'
import { DIGITS_COLUMN, LOAD_ID_COLUMN, ROW_COLUMN } from '../../records/column-name.ts'
import { sameType } from '../../records/column-type.ts'
import { sqlType } from '../duckdb/columns.ts'
import { convert } from '../duckdb/convert.ts'
import { identifier, literal } from '../duckdb/quote.ts'
import { type KeyRule, type LiveFile, schemaOf, type TableState } from './manifest/state.ts'

/** What readers of lines have room for by default, and what no line of a table that has none longer needs more than. */
const PLAIN_LINE = 2 * 1024 * 1024

const loadId = identifier(LOAD_ID_COLUMN)
const rowNumber = identifier(ROW_COLUMN)

/**
 * The statement for a table.
 * @param location where a file is, given its path below the pipeline's folder
 */
export function liveSql(
  name: string,
  tables: ReadonlyMap<string, TableState>,
  location: (path: string) => string,
): string {
  const table = tables.get(name)!
  const columns = schemaOf(table)?.columns ?? []
  const names = [...columns.map((column) => identifier(column.name)), loadId]
  if (table.files.length === 0)
    return `SELECT ${[...columns.map(nothing), `CAST(NULL AS VARCHAR) AS ${loadId}`].join(', ')} WHERE false`
  const { rule } = table
  const kept = names.map((column) => `kept.${column}`).join(', ')
  const all = (files: readonly LiveFile[], numbered: boolean) =>
    groupFiles(files)
      .map((group) => groupSql(group, table, columns, numbered, location))
      .join('\nUNION ALL\n')
  if (rule !== undefined && 'owner' in rule) {
    const owner = tables.get(rule.owner)
    const counting = owner && countingRows(owner, location)
    const owned = table.files.filter(({ numbered }) => numbered)
    if (counting === undefined || owned.length === 0) return all(table.files, false)
    // Of a file that does not say which records its rows belong to, every row counts.
    const others = table.files.filter(({ numbered }) => !numbered)
    const ownerless = others.length === 0 ? '' : `${all(others, false)}\nUNION ALL\n`
    return `${ownerless}SELECT ${kept} FROM (
${all(owned, true)}
) AS kept SEMI JOIN (
${counting}
) AS owners ON kept.${loadId} = owners.${loadId} AND kept.${rowNumber} = owners.${rowNumber}`
  }
  return countingRows(table, location, names) ?? all(table.files, false)
}

/**
 * The rows of a table with a key that count, one of each key; undefined where every row counts.
 * @param names what is selected of them; by default what tells them apart
 */
function countingRows(
  table: TableState,
  location: (path: string) => string,
  names: readonly string[] = [loadId, rowNumber],
): string | undefined {
  const columns = schemaOf(table)?.columns ?? []
  const { rule } = table
  if (rule === undefined || 'owner' in rule || table.files.length === 0) return undefined
  const key = keyColumns(rule, columns)
  if (key === undefined) return undefined
  const parts = groupFiles(table.files).map((files) => groupSql(files, table, columns, true, location))
  const loads = table.files.map((file) => `(${literal(file.loadId)}, ${file.sequence})`)
  return `SELECT ${names.map((name) => `kept.${name}`).join(', ')} FROM (
${parts.join('\nUNION ALL\n')}
) AS kept JOIN (VALUES ${loads.join(', ')}) AS loads(id, number) ON kept.${loadId} = loads.id
QUALIFY row_number() OVER (PARTITION BY ${key.join(', ')} ORDER BY ${orderOf(rule, columns)}) = 1`
}

/** The columns of the table's key; undefined where one has none yet. */
function keyColumns({ key }: KeyRule, columns: readonly Column[]): string[] | undefined {
  const found = key.map((field) => columns.find((column) => column.field === field))
  if (found.includes(undefined)) return undefined
  return found.map((column) => `kept.${identifier(column!.name)}`)
}

/** The row of a key that counts comes first. */
function orderOf({ keep, version: field }: KeyRule, columns: readonly Column[]): string {
  if (keep === 'first') return `loads.number, kept.${rowNumber}`
  const version = columns.find((column) => column.field === field)
  const newest = version === undefined ? '' : `kept.${identifier(version.name)} DESC NULLS LAST, `
  return `${newest}loads.number DESC, kept.${rowNumber} DESC`
}

/** Files that are read alike. */
function groupFiles(files: readonly LiveFile[]): LiveFile[][] {
  const groups = new Map<string, LiveFile[]>()
  for (const file of files) {
    const id = JSON.stringify([file.format, file.compression, file.schema, file.numbered ?? false])
    const group = groups.get(id)
    if (group === undefined) groups.set(id, [file])
    else group.push(file)
  }
  return [...groups.values()]
}

function groupSql(
  files: readonly LiveFile[],
  table: TableState,
  columns: readonly Column[],
  ordered: boolean,
  location: (path: string) => string,
): string {
  const { format, numbered, schema } = files[0]!
  const own = ordered ? [loadId, rowNumber] : [loadId]
  const held = table.schemas[schema]!.columns
  const typed = held.map(({ name, type }) => `${typedValue(files[0]!, name, type)} AS ${identifier(name)}`)
  const counted = format === 'parquet' ? 'file_row_number' : 'CAST(NULL AS BIGINT)'
  const row = numbered ? rowNumber : counted
  const number = ordered ? [`CAST(${row} AS BIGINT) AS ${rowNumber}`] : []
  let sql = `SELECT ${[...typed, loadId, ...number].join(', ')} FROM ${reader(files, held, location)}`
  // One step after the other, as the table was widened: 5 that became text and then JSON is "5".
  for (const [before, after] of widenings(table, schema, held.length)) {
    const widened = held.map(({ name }, at) => {
      const from = before.columns[at]!.type
      const to = after.columns[at]!.type
      const column = identifier(name)
      return sameType(from, to) ? column : `${convert(column, from, to)} AS ${column}`
    })
    sql = `SELECT ${[...widened, ...own].join(', ')} FROM (${sql})`
  }
  const names = columns.map((column, at) => (at < held.length ? identifier(column.name) : nothing(column)))
  return `SELECT ${[...names, ...own].join(', ')} FROM (${sql})`
}

/** The schemas since the one of a file, in pairs, that widened one of its columns. */
function widenings({ schemas }: TableState, from: number, columns: number): [TableSchema, TableSchema][] {
  const pairs: [TableSchema, TableSchema][] = []
  let before = schemas[from]!
  for (const after of schemas.slice(from + 1)) {
    const { columns: narrow } = before
    const isWider = after.columns.slice(0, columns).some(({ type }, at) => !sameType(narrow[at]!.type, type))
    if (!isWider) continue
    pairs.push([before, after])
    before = after
  }
  return pairs
}

function nothing({ name, type }: Column): string {
  return `CAST(NULL AS ${sqlType(type)}) AS ${identifier(name)}`
}

/** The table function that reads the files, with their columns as they stand in them. */
function reader(
  files: readonly LiveFile[],
  held: readonly Column[],
  location: (path: string) => string,
): string {
  const { format, compression, numbered } = files[0]!
  const paths = `[${files.map(({ path }) => literal(named(location(path)))).join(', ')}]`
  const longest = Math.max(PLAIN_LINE, ...files.map((file) => (file.longestLine ?? 0) + 1024))
  const packed = `compression => '${compression === 'gzip' ? 'gzip' : format === 'csv' ? 'none' : 'uncompressed'}'`
  switch (format) {
    case 'parquet':
      return `read_parquet(${paths}, file_row_number => true, hive_partitioning => false)`
    case 'jsonl': {
      const members = [
        [LOAD_ID_COLUMN, 'VARCHAR'],
        ...held.map(({ name, type }) => [name, memberType(type)]),
        [DIGITS_COLUMN, 'MAP(VARCHAR, VARCHAR)'],
        ...(numbered ? [[ROW_COLUMN, 'BIGINT']] : []),
      ]
      const columns = members.map(([name, type]) => `${literal(name!)}: '${type}'`).join(', ')
      return `read_json(${paths}, format => 'newline_delimited', hive_partitioning => false, ${packed}, maximum_object_size => ${longest}, columns => {${columns}})`
    }
    case 'csv': {
      const cells = [LOAD_ID_COLUMN, ...(numbered ? [ROW_COLUMN] : []), ...held.map(({ name }) => name)]
      const columns = cells.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ')
      return `read_csv(${paths}, ${packed}, auto_detect => false, hive_partitioning => false, header => true, delim => ',', quote => '"', escape => '"', nullstr => '', allow_quoted_nulls => false, max_line_size => ${longest}, columns => {${columns}})`
    }
  }
}

/** A path that names one file, whatever it holds: DuckDB takes `*`, `?` and `[` for patterns. */
function named(path: string): string {
  return path.replace(/[*?[]/g, '[$&]')
}

/** What a member of a line is read as. Numbers of a decimal column are read as their digits. */
function memberType(type: ColumnType): string {
  return type.kind === 'decimal' ? 'VARCHAR' : sqlType(type)
}

/** A column's value in the type that the file was written with. */
function typedValue({ format }: LiveFile, name: string, type: ColumnType): string {
  const value = identifier(name)
  if (format === 'csv') return type.kind === 'text' ? value : `CAST(${value} AS ${sqlType(type)})`
  if (format === 'parquet') return type.kind === 'json' ? `CAST(${value} AS JSON)` : value
  const digits = `${identifier(DIGITS_COLUMN)}[${literal(name)}]`
  if (type.kind === 'decimal') return `CAST(coalesce(${digits}, ${value}) AS ${sqlType(type)})`
  if (type.kind === 'json')
    return `CASE WHEN ${digits} IS NULL THEN ${value} ELSE CAST(${digits} AS JSON) END`
  return value
}
