import { ConfigError } from '../errors.ts'
import { nearest } from '../options/nearest.ts'
import type { DestinationSession } from '../ports/destination.ts'
import type { TableSchema } from '../ports/schema.ts'
import type { SideTable, Stream } from '../ports/source.ts'
import type { StartingPoint } from './starting-point.ts'
import { TableGoneError } from './table-gone.ts'

/** The tables that a stream's loads touch, as they are before the first of them. */
export interface StreamTables {
  /** Its own: the columns; `null` where there is none. Of a reconciliation, those of the keys that it stages. */
  readonly schema: TableSchema | null
  readonly sides: readonly {
    readonly side: SideTable
    /** `null` where there is none. */
    readonly schema: TableSchema | null
  }[]
}

/** What a stream that only removes rows takes along: the owned tables of those that load its table. */
export function ownedTables(stream: Stream, all: readonly Stream[]): readonly SideTable[] {
  return loadersOf(stream, all).flatMap(({ sides = [] }) => sides.filter(({ write }) => write === 'owned'))
}

/** The streams that load the table that `stream` removes rows from; none where it loads its own. */
export function loadersOf(stream: Stream, all: readonly Stream[]): readonly Stream[] {
  if (!removes(stream)) return []
  const table = stream.table.toLowerCase()
  return all.filter((other) => !removes(other) && other.table.toLowerCase() === table)
}

/** True for a stream whose records name rows instead of being some. */
export function removes({ write }: Pick<Stream, 'write'>): boolean {
  return write === 'delete' || write === 'reconcile'
}

/**
 * @param owned what a stream that only removes rows takes along
 * @throws TableGoneError where the stream has checkpoints, and its table is not there
 * @throws ConfigError where rows are to be removed by a key that the table has no column of
 */
export async function readTables(
  session: DestinationSession,
  stream: Stream,
  { replacement, committed }: StartingPoint,
  owned: readonly SideTable[],
): Promise<StreamTables> {
  const { table, write } = stream
  const sides = removes(stream) ? owned : (stream.sides ?? [])
  const staged = replacement === 'continued'
  const read = async (name: string) => (replacement === 'new' ? null : session.readSchema(name, { staged }))
  if (!removes(stream)) {
    const schema = await read(table)
    if (schema === null && committed.size > 0) throw new TableGoneError(stream.name, table)
    const schemas = await Promise.all(sides.map((side) => read(side.table)))
    return { schema, sides: sides.map((side, at) => ({ side, schema: schemas[at]! })) }
  }
  // Rows are only taken from these tables: one that is not there has none.
  const schemas = await Promise.all(sides.map((side) => session.readSchema(side.table)))
  const present = sides
    .map((side, at) => ({ side, schema: schemas[at]! }))
    .filter(({ schema }) => schema !== null)
  const live = await session.readSchema(table)
  refuseUnknownKey(stream, live)
  if (write === 'delete') return { schema: live, sides: present }
  const keys = staged ? await session.readSchema(table, { staged: 'keys' }) : null
  if (staged && keys === null && committed.size > 0) throw new TableGoneError(stream.name, table)
  return { schema: keys ?? keyColumns(stream, live), sides: present }
}

/** Of a list of deletions each would name nothing, and none would be read again. A table without a column has had no record yet. */
function refuseUnknownKey({ name, table, key }: Stream, schema: TableSchema | null): void {
  const fields = schema?.columns.map(({ field }) => field) ?? []
  const missing = key.find((field) => !fields.includes(field))
  if (missing === undefined || fields.length === 0) return
  const near = nearest(missing, fields)
  throw new ConfigError(
    `${name}, key`,
    `${table} has no column of the field ${JSON.stringify(missing)}, so no row could be found by it; ` +
      (near === undefined ? `there are ${fields.join(', ')}` : `did you mean ${JSON.stringify(near)}?`),
  )
}

/** The keys are staged as the table has them, so that 1 and "1" are told apart, or not, as they are there. */
function keyColumns({ key }: Stream, schema: TableSchema | null): TableSchema | null {
  const columns = key.flatMap((field) => schema?.columns.filter((column) => column.field === field) ?? [])
  return columns.length === 0 ? null : { columns }
}
