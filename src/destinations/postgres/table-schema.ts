import type { TableSchema } from '../../ports/schema.ts'
import { LOAD_ID_COLUMN, VALID_FROM_COLUMN, VALID_TO_COLUMN } from '../../records/column-name.ts'
import { DestinationSchemaError } from '../errors.ts'
import { sqlType } from './columns.ts'
import { storedName } from './names.ts'
import { instant, LOAD_SETTING, tableIn, type Workplace } from './workplace.ts'

/**
 * Where a load's rows go: into the live table, into the one that a replacement stages beside it (R6), or among the keys that a
 * reconciliation stages.
 */
export type Place = 'live' | 'new' | 'keys'

/** The table's name, before it is cut to its stored form. */
export function tableName(table: string, place: Place): string {
  return place === 'live' ? table : `_sluice_${place}_${table}`
}

/** Under which name, and as what, the columns of a table are noted. */
function noted(table: string, place: Place): [name: string, staged: boolean] {
  return [place === 'keys' ? tableName(table, place) : table, place !== 'live']
}

/** SQL: the default of the column of load ids, so that COPY need not send it with each row. */
export const LOAD_ID_DEFAULT = `current_setting('${LOAD_SETTING}'::text, true)`

/** A table as it is in the database. */
export interface StoredTable {
  /** As Sluice left it. */
  readonly schema: TableSchema
  /** SQL types by stored column name, as they are now. */
  readonly types: ReadonlyMap<string, string>
  /** Stored names. */
  readonly indexes: ReadonlySet<string>
  /** True where it surely has no row. */
  readonly isEmpty: boolean
  /** Whether its column of load ids takes the load's by itself. */
  readonly hasDefault: boolean
  readonly hasHistory: boolean
}

/**
 * The columns of a table, or `null` where it is not there.
 * @throws DestinationSchemaError where the table is not Sluice's, or was changed by someone else
 */
export async function readTableSchema(
  workplace: Workplace,
  table: string,
  place: Place,
): Promise<TableSchema | null> {
  return (await readSoundTable(workplace, table, place))?.schema ?? null
}

/**
 * A table whose columns are as they were left, or `null` where it is not there.
 * @throws DestinationSchemaError where the table is not Sluice's, or was changed by someone else
 */
export async function readSoundTable(
  workplace: Workplace,
  table: string,
  place: Place,
): Promise<StoredTable | null> {
  const stored = await readTable(workplace, table, place)
  if (stored === null) return null
  const { schema, types } = stored
  const expected = schema.columns.map(({ name, type }) => [name, sqlType(type)] as const)
  for (const [name, type] of [...expected, [LOAD_ID_COLUMN, 'text'] as const]) {
    const found = types.get(storedName(name))
    if (found === type) continue
    const problem = found === undefined ? 'is gone' : `has become ${found}, it was ${type}`
    throw new DestinationSchemaError(tableName(table, place), `its column ${name} ${problem}`)
  }
  return stored
}

/**
 * Whether a live table is there, in whatever state: a replacement takes its place.
 * @throws DestinationSchemaError where the table is not Sluice's
 */
export async function hasTable(workplace: Workplace, table: string): Promise<boolean> {
  return (await readTable(workplace, table, 'live')) !== null
}

type TableRow = [
  known: string | null,
  column: string | null,
  type: string | null,
  expression: string | null,
  isEmpty: boolean,
  indexes: string,
  kind: string,
]

async function readTable(workplace: Workplace, table: string, place: Place): Promise<StoredTable | null> {
  const name = tableName(table, place)
  const rows = await workplace.connection.rows<TableRow>(
    `SELECT (SELECT columns FROM ${tableIn(workplace, '_sluice_schemas')} WHERE table_name = $3 AND staged = $4),
       a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid),
       c.relkind = 'r' AND pg_relation_size(c.oid) = 0,
       (SELECT coalesce(json_agg(x.relname), '[]') FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisvalid),
       c.relkind
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE n.nspname = $1 AND c.relname = $2 ORDER BY a.attnum`,
    [storedName(workplace.schema), storedName(name), ...noted(table, place)],
  )
  const [first] = rows
  if (first === undefined) return null
  const [known, , , , isEmpty, indexes, kind] = first
  if (known === null)
    throw new DestinationSchemaError(
      name,
      `it is in schema ${workplace.schema}, but Sluice did not make it. Give the stream another table`,
    )
  // Rows are found by their ids, which say nothing across partitions.
  if (kind !== 'r') throw new DestinationSchemaError(name, 'it is no plain table any more')
  const types = new Map(rows.map(([, column, type]) => [column ?? '', type ?? '']))
  return {
    schema: JSON.parse(known) as TableSchema,
    types,
    indexes: new Set(JSON.parse(indexes) as string[]),
    isEmpty,
    hasDefault: rows.some(
      ([, column, , expression]) => column === LOAD_ID_COLUMN && expression === LOAD_ID_DEFAULT,
    ),
    hasHistory: types.has(VALID_FROM_COLUMN) && types.has(VALID_TO_COLUMN),
  }
}

/** Notes the columns of a table. */
export async function writeTableSchema(
  workplace: Workplace,
  table: string,
  place: Place,
  schema: TableSchema,
  load: { readonly id: string; readonly at: number },
): Promise<void> {
  await workplace.connection.run(
    `INSERT INTO ${tableIn(workplace, '_sluice_schemas')} (table_name, staged, columns, load_id, updated_at)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (table_name, staged) DO UPDATE
     SET columns = excluded.columns, load_id = excluded.load_id, updated_at = excluded.updated_at`,
    [...noted(table, place), JSON.stringify(schema), load.id, instant(load.at)],
  )
}

export async function forgetTableSchema(workplace: Workplace, table: string, place: Place): Promise<void> {
  await workplace.connection.run(
    `DELETE FROM ${tableIn(workplace, '_sluice_schemas')} WHERE table_name = $1 AND staged = $2`,
    noted(table, place),
  )
}
