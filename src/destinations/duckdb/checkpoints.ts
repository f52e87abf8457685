import { type DuckDBConnection, VARCHAR } from '@duckdb/node-api'
import {
  type Checkpoint,
  type CheckpointMove,
  type Load,
  STREAM_CHECKPOINT,
} from '../../ports/destination.ts'
import type { Json } from '../../ports/json.ts'
import type { TableSchema } from '../../ports/schema.ts'
import type { Progress } from '../../ports/source.ts'
import { columnTypes } from '../../records/column-type.ts'
import { CheckpointConflictError } from '../errors.ts'
import type { UndoCheckpoint } from '../load-undo.ts'
import { instant } from './instant.ts'
import { FED_ROWS, type RowFeed } from './row-feed.ts'

// How a checkpoint moves is told in engine/CHECKPOINT.md. Everything here but the reading runs in a load's transaction (C1).

const OWN = 'pipeline = $1 AND stream = $2'
/** Each slice's version: the greater of its live and its staged checkpoint's. */
const VERSIONS = `(SELECT slice, max(version) AS version FROM _sluice_checkpoints WHERE ${OWN} GROUP BY slice)`

type CheckpointRow = [
  stream: string,
  slice: string,
  position: string,
  highWater: string,
  version: bigint,
  staged: boolean,
  loadId: string,
  updatedAt: bigint,
]

/** The checkpoints of a stream, or of the whole pipeline. */
export async function readCheckpoints(
  connection: DuckDBConnection,
  pipeline: string,
  stream?: string,
): Promise<Checkpoint[]> {
  const reader = await connection.runAndReadAll(
    `SELECT stream, slice, position, high_water, version, staged, load_id, epoch_ms(updated_at)
     FROM _sluice_checkpoints WHERE pipeline = $1 AND ($2 IS NULL OR stream = $2) ORDER BY stream, slice, staged`,
    [pipeline, stream ?? null],
    [VARCHAR, VARCHAR],
  )
  return (reader.getRows() as CheckpointRow[]).map((row) => ({
    stream: row[0],
    slice: row[1],
    position: JSON.parse(row[2]) as Json,
    highWater: JSON.parse(row[3]) as Json,
    version: Number(row[4]),
    staged: row[5],
    loadId: row[6],
    updatedAt: Number(row[7]),
  }))
}

const updateSchema: TableSchema = {
  columns: (
    [
      ['slice', columnTypes.text],
      ['position', columnTypes.text],
      ['high_water', columnTypes.text],
      ['from_version', columnTypes.integer],
    ] as const
  ).map(([name, type]) => ({ field: name, name, type })),
}

/**
 * Refuses the load where a checkpoint is not where the load started from.
 * @throws CheckpointConflictError (C2)
 */
export async function checkVersions(
  connection: DuckDBConnection,
  feed: RowFeed,
  pipeline: string,
  load: CheckpointMove,
): Promise<void> {
  if (load.checkpoints.length === 0) return
  const reader = await feed.useRecords(updateSchema, updates(load), () =>
    connection.runAndReadAll(
      `SELECT u.slice, u.from_version, coalesce(c.version, 0)
       FROM ${FED_ROWS} u
       LEFT JOIN ${VERSIONS} c ON c.slice = u.slice
       WHERE coalesce(c.version, 0) <> u.from_version LIMIT 1`,
      [pipeline, load.stream],
    ),
  )
  const [conflict] = reader.getRows() as [slice: string, expected: bigint, found: bigint][]
  if (conflict === undefined) return
  const [slice, expected, found] = conflict
  throw new CheckpointConflictError(load.stream, slice, Number(expected), Number(found))
}

/** Some checkpoint of a load is not where the load started from: `checkVersions` tells which one, once nothing is written. */
export class CheckpointsMoved extends Error {}

/** Writes the load's checkpoints, where each is still at the version that the load started from (C2); of a replacement, those that it begins anew, stages or publishes (R6). */
export async function writeCheckpoints(
  connection: DuckDBConnection,
  feed: RowFeed,
  pipeline: string,
  load: Load,
): Promise<void> {
  const { replacement } = load
  const own = [pipeline, load.stream]
  // What is deleted can't be compared any more.
  if (replacement?.begin) await checkVersions(connection, feed, pipeline, load)
  if (replacement?.begin) await connection.run(`DELETE FROM _sluice_checkpoints WHERE ${OWN} AND staged`, own)
  if (load.checkpoints.length > 0) await upsert(connection, feed, pipeline, load)
  if (!replacement?.publish) return
  await connection.run(`DELETE FROM _sluice_checkpoints WHERE ${OWN} AND NOT staged`, own)
  await connection.run(`UPDATE _sluice_checkpoints SET staged = false WHERE ${OWN}`, own)
}

/**
 * Moves checkpoints without rows. Runs in a transaction.
 * @throws CheckpointConflictError (C2)
 */
export async function moveCheckpoints(
  connection: DuckDBConnection,
  feed: RowFeed,
  pipeline: string,
  move: CheckpointMove,
): Promise<void> {
  await checkVersions(connection, feed, pipeline, move)
  if (move.checkpoints.length > 0) await upsert(connection, feed, pipeline, move)
}

/** So many checkpoints go as parameters of the statement: DuckDB then asks nothing of a thread that is busy reading. */
const MAX_INLINE = 16

/** The checkpoints as a table of parameters, from `$first` on. */
function inlined(count: number, first: number): string {
  const rows = Array.from({ length: count }, (_, row) => {
    const at = first + row * 4
    return `($${at}, $${at + 1}, $${at + 2}, CAST($${at + 3} AS BIGINT))`
  })
  return `(SELECT * FROM (VALUES ${rows.join(', ')}) AS _(slice, position, high_water, from_version))`
}

async function upsert(
  connection: DuckDBConnection,
  feed: RowFeed,
  pipeline: string,
  load: CheckpointMove & Pick<Load, 'replacement'>,
) {
  // What `begin` has deleted was compared before.
  const unmoved =
    load.replacement?.begin === true
      ? ''
      : `LEFT JOIN ${VERSIONS} v ON v.slice = f.slice WHERE coalesce(v.version, 0) = f.from_version`
  const own = [pipeline, load.stream, load.replacement !== undefined, load.id, instant(load.at)]
  const merge = (from: string, values: readonly (string | number)[]) =>
    connection.run(
      `MERGE INTO _sluice_checkpoints c USING (SELECT f.* FROM ${from} f ${unmoved}) u
       ON c.pipeline = $1 AND c.stream = $2 AND c.slice = u.slice AND c.staged = $3
       WHEN MATCHED THEN UPDATE SET position = u.position, high_water = u.high_water,
         version = u.from_version + 1, load_id = $4, updated_at = $5
       WHEN NOT MATCHED THEN INSERT VALUES ($1, $2, u.slice, u.position, u.high_water, u.from_version + 1, $3, $4, $5)`,
      [...own, ...values],
    )
  const all = updates(load)
  const merged =
    all.length <= MAX_INLINE
      ? await merge(inlined(all.length, own.length + 1), all.flatMap(Object.values))
      : await feed.useRecords(updateSchema, all, () => merge(FED_ROWS, []))
  if (merged.rowsChanged !== load.checkpoints.length) throw new CheckpointsMoved()
}

/**
 * Deletes a stream's staged checkpoints; a live one beside such a one gets a version that nobody has seen, so that whoever was
 * staging can't go on (C2).
 */
export async function abandonStagedCheckpoints(
  connection: DuckDBConnection,
  pipeline: string,
  stream: string,
): Promise<void> {
  const own = [pipeline, stream]
  await retireStream(connection, pipeline, stream, 'AND staged')
  await connection.run(
    `UPDATE _sluice_checkpoints c SET version = s.version + 1
     FROM (SELECT slice, version FROM _sluice_checkpoints WHERE ${OWN} AND staged AND slice <> $3) s
     WHERE c.pipeline = $1 AND c.stream = $2 AND c.slice = s.slice AND NOT c.staged`,
    [...own, STREAM_CHECKPOINT],
  )
  await connection.run(`DELETE FROM _sluice_checkpoints WHERE ${OWN} AND staged`, own)
}

/**
 * Gives the stream's own checkpoint a version that nobody has seen, as a live one: it outlasts those of the slices (C2).
 * @param which a further condition: of the rows that meet it the one with the greatest version is taken; without one, nothing is done
 */
async function retireStream(
  connection: DuckDBConnection,
  pipeline: string,
  stream: string,
  which = '',
): Promise<void> {
  await connection.run(
    `MERGE INTO _sluice_checkpoints c USING (
       SELECT slice, position, high_water, version + 1 AS version, load_id, updated_at FROM _sluice_checkpoints
       WHERE ${OWN} AND slice = $3 ${which} ORDER BY version DESC LIMIT 1) u
     ON c.pipeline = $1 AND c.stream = $2 AND c.slice = u.slice AND NOT c.staged
     WHEN MATCHED THEN UPDATE SET version = u.version
     WHEN NOT MATCHED THEN INSERT VALUES ($1, $2, u.slice, u.position, u.high_water, u.version, false, u.load_id, u.updated_at)`,
    [pipeline, stream, STREAM_CHECKPOINT],
  )
}

/** What the live checkpoints of some slices say, by slice. */
export async function checkpointsOf(
  connection: DuckDBConnection,
  pipeline: string,
  stream: string,
  slices: readonly string[],
): Promise<ReadonlyMap<string, Progress>> {
  if (slices.length === 0) return new Map()
  const reader = await connection.runAndReadAll(
    `SELECT slice, position, high_water FROM _sluice_checkpoints
     WHERE ${OWN} AND NOT staged AND slice IN (SELECT unnest(from_json($3, '["VARCHAR"]')))`,
    [pipeline, stream, JSON.stringify(slices)],
  )
  const rows = reader.getRows() as [slice: string, position: string, highWater: string][]
  return new Map(
    rows.map(([slice, position, highWater]) => [
      slice,
      { position: JSON.parse(position) as Json, highWater: JSON.parse(highWater) as Json },
    ]),
  )
}

/**
 * Sets checkpoints back to what they said before, under a version that nobody has seen (C2); those that said nothing are forgotten, but
 * for the stream's own, and so are those that are gone. Returns how many there were.
 */
export async function restoreCheckpoints(
  connection: DuckDBConnection,
  pipeline: string,
  stream: string,
  checkpoints: readonly UndoCheckpoint[],
  by: { readonly id: string; readonly at: number },
): Promise<number> {
  let count = 0
  for (const { slice, before } of checkpoints) {
    const own = [pipeline, stream, slice]
    const result =
      before === null && slice !== STREAM_CHECKPOINT
        ? await connection.run(`DELETE FROM _sluice_checkpoints WHERE ${OWN} AND slice = $3`, own)
        : await connection.run(
            `UPDATE _sluice_checkpoints SET position = $4, high_water = $5, version = version + 1, load_id = $6, updated_at = $7
             WHERE ${OWN} AND slice = $3`,
            [
              ...own,
              JSON.stringify(before?.position ?? null),
              JSON.stringify(before?.highWater ?? null),
              by.id,
              instant(by.at),
            ],
          )
    count += result.rowsChanged
  }
  return count
}

/** Deletes the checkpoints of a stream's slices, and moves its own one on (C2); returns how many were deleted. */
export async function deleteCheckpoints(
  connection: DuckDBConnection,
  pipeline: string,
  stream: string,
): Promise<number> {
  await retireStream(connection, pipeline, stream)
  const own = [pipeline, stream, STREAM_CHECKPOINT]
  await connection.run(`DELETE FROM _sluice_checkpoints WHERE ${OWN} AND slice = $3 AND staged`, own)
  const result = await connection.run(`DELETE FROM _sluice_checkpoints WHERE ${OWN} AND slice <> $3`, own)
  return result.rowsChanged
}

function updates(load: CheckpointMove) {
  return load.checkpoints.map(({ slice, position, highWater, fromVersion }) => ({
    slice,
    position: JSON.stringify(position),
    high_water: JSON.stringify(highWater),
    from_version: fromVersion,
  }))
}
