import {
  type Checkpoint,
  type CheckpointMove,
  type Load,
  STREAM_CHECKPOINT,
} from '../../ports/destination.ts'
import type { Json } from '../../ports/json.ts'
import type { Progress } from '../../ports/source.ts'
import { CheckpointConflictError } from '../errors.ts'
import type { UndoCheckpoint } from '../load-undo.ts'
import { instant, millisecondsOf, tableIn, type Workplace } from './workplace.ts'

// How a checkpoint moves is told in engine/CHECKPOINT.md. Everything here but the reading runs in a load's transaction (C1), which holds
// the stream's lock: of two that move one stream's checkpoints, the second sees what the first has left.

const OWN = 'pipeline = $1 AND stream = $2'

const checkpointTable = (workplace: Workplace) => tableIn(workplace, '_sluice_checkpoints')

/** Each slice's version: the greater of its live and its staged checkpoint's. */
const versionsIn = (workplace: Workplace) =>
  `(SELECT slice, max(version) AS version FROM ${checkpointTable(workplace)} WHERE ${OWN} GROUP BY slice)`

type CheckpointRow = [
  stream: string,
  slice: string,
  position: string,
  highWater: string,
  version: number,
  staged: boolean,
  loadId: string,
  updatedAt: number,
]

/** The checkpoints of a stream, or of the whole pipeline. */
export async function readCheckpoints(workplace: Workplace, stream?: string): Promise<Checkpoint[]> {
  const rows = await workplace.connection.rows<CheckpointRow>(
    `SELECT stream, slice, position, high_water, version, staged, load_id, ${millisecondsOf('updated_at')}
     FROM ${checkpointTable(workplace)} WHERE pipeline = $1 AND ($2::text IS NULL OR stream = $2) ORDER BY stream, slice, staged`,
    [workplace.pipeline, stream ?? null],
  )
  return rows.map((row) => ({
    stream: row[0],
    slice: row[1],
    position: JSON.parse(row[2]) as Json,
    highWater: JSON.parse(row[3]) as Json,
    version: row[4],
    staged: row[5],
    loadId: row[6],
    updatedAt: row[7],
  }))
}

/**
 * Refuses the load where a checkpoint is not where the load started from.
 * @throws CheckpointConflictError (C2)
 */
export async function checkVersions(workplace: Workplace, load: CheckpointMove): Promise<void> {
  if (load.checkpoints.length === 0) return
  const [conflict] = await workplace.connection.rows<[slice: string, expected: number, found: number]>(
    `SELECT u.slice, u.from_version, coalesce(c.version, 0)
     FROM unnest($3::text[], $4::bigint[]) u(slice, from_version)
     LEFT JOIN ${versionsIn(workplace)} c ON c.slice = u.slice
     WHERE coalesce(c.version, 0) <> u.from_version LIMIT 1`,
    [
      workplace.pipeline,
      load.stream,
      load.checkpoints.map(({ slice }) => slice),
      load.checkpoints.map(({ fromVersion }) => fromVersion),
    ],
  )
  if (conflict === undefined) return
  const [slice, expected, found] = conflict
  throw new CheckpointConflictError(load.stream, slice, expected, found)
}

/** Some checkpoint of a load is not where the load started from: `checkVersions` tells which one, once nothing is written. */
export class CheckpointsMoved extends Error {}

/** Writes the load's checkpoints, where each is still at the version that the load started from (C2); of a replacement, those that it begins anew, stages or publishes (R6). */
export async function writeCheckpoints(workplace: Workplace, load: Load): Promise<void> {
  const { replacement } = load
  const { connection, pipeline } = workplace
  const table = checkpointTable(workplace)
  const own = [pipeline, load.stream]
  // What is deleted can't be compared any more.
  if (replacement?.begin) {
    await checkVersions(workplace, load)
    await connection.run(`DELETE FROM ${table} WHERE ${OWN} AND staged`, own)
  }
  if (load.checkpoints.length > 0) await upsert(workplace, load)
  if (!replacement?.publish) return
  await connection.run(`DELETE FROM ${table} WHERE ${OWN} AND NOT staged`, own)
  await connection.run(`UPDATE ${table} SET staged = false WHERE ${OWN}`, own)
}

/**
 * Moves checkpoints without rows. Runs in a transaction.
 * @throws CheckpointConflictError (C2)
 */
export async function moveCheckpoints(workplace: Workplace, move: CheckpointMove): Promise<void> {
  await checkVersions(workplace, move)
  if (move.checkpoints.length > 0) await upsert(workplace, move)
}

async function upsert(workplace: Workplace, load: CheckpointMove & Pick<Load, 'replacement'>): Promise<void> {
  // What `begin` has deleted was compared before.
  const unmoved =
    load.replacement?.begin === true
      ? ''
      : `LEFT JOIN ${versionsIn(workplace)} v ON v.slice = u.slice WHERE coalesce(v.version, 0) = u.from_version`
  const { checkpoints } = load
  const written = await workplace.connection.run(
    `INSERT INTO ${checkpointTable(workplace)} AS c
       (pipeline, stream, slice, position, high_water, version, staged, load_id, updated_at)
     SELECT $1, $2, u.slice, u.position, u.high_water, u.from_version + 1, $3, $4, $5
     FROM unnest($6::text[], $7::text[], $8::text[], $9::bigint[]) u(slice, position, high_water, from_version) ${unmoved}
     ON CONFLICT (pipeline, stream, slice, staged) DO UPDATE SET position = excluded.position, high_water = excluded.high_water,
       version = excluded.version, load_id = excluded.load_id, updated_at = excluded.updated_at`,
    [
      workplace.pipeline,
      load.stream,
      load.replacement !== undefined,
      load.id,
      instant(load.at),
      checkpoints.map(({ slice }) => slice),
      checkpoints.map(({ position }) => JSON.stringify(position)),
      checkpoints.map(({ highWater }) => JSON.stringify(highWater)),
      checkpoints.map(({ fromVersion }) => fromVersion),
    ],
  )
  if (written !== checkpoints.length) throw new CheckpointsMoved()
}

/**
 * Deletes a stream's staged checkpoints; a live one beside such a one gets a version that nobody has seen, so that whoever was
 * staging can't go on (C2).
 */
export async function abandonStagedCheckpoints(workplace: Workplace, stream: string): Promise<void> {
  const own = [workplace.pipeline, stream]
  const table = checkpointTable(workplace)
  await retireStream(workplace, stream, 'AND staged')
  await workplace.connection.run(
    `UPDATE ${table} c SET version = s.version + 1
     FROM (SELECT slice, version FROM ${table} WHERE ${OWN} AND staged AND slice <> $3) s
     WHERE c.pipeline = $1 AND c.stream = $2 AND c.slice = s.slice AND NOT c.staged`,
    [...own, STREAM_CHECKPOINT],
  )
  await workplace.connection.run(`DELETE FROM ${table} WHERE ${OWN} AND staged`, own)
}

/**
 * Gives the stream's own checkpoint a version that nobody has seen, as a live one: it outlasts those of the slices (C2).
 * @param which a further condition: of the rows that meet it the one with the greatest version is taken; without one, nothing is done
 */
async function retireStream(workplace: Workplace, stream: string, which = ''): Promise<void> {
  const table = checkpointTable(workplace)
  await workplace.connection.run(
    `INSERT INTO ${table} (pipeline, stream, slice, position, high_water, version, staged, load_id, updated_at)
     SELECT pipeline, stream, slice, position, high_water, version + 1, false, load_id, updated_at
     FROM ${table} WHERE ${OWN} AND slice = $3 ${which} ORDER BY version DESC LIMIT 1
     ON CONFLICT (pipeline, stream, slice, staged) DO UPDATE SET version = excluded.version`,
    [workplace.pipeline, stream, STREAM_CHECKPOINT],
  )
}

/** What the live checkpoints of some slices say. */
export async function checkpointsOf(
  workplace: Workplace,
  stream: string,
  slices: readonly string[],
): Promise<ReadonlyMap<string, Progress>> {
  if (slices.length === 0) return new Map()
  const rows = await workplace.connection.rows<[slice: string, position: string, highWater: string]>(
    `SELECT slice, position, high_water FROM ${checkpointTable(workplace)} WHERE ${OWN} AND NOT staged AND slice = ANY($3)`,
    [workplace.pipeline, stream, slices],
  )
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
  workplace: Workplace,
  stream: string,
  checkpoints: readonly UndoCheckpoint[],
  by: { readonly id: string; readonly at: number },
): Promise<number> {
  const { connection, pipeline } = workplace
  const table = checkpointTable(workplace)
  const isKept = ({ slice, before }: UndoCheckpoint) => before !== null || slice === STREAM_CHECKPOINT
  const kept = checkpoints.filter(isKept)
  const deleted = await connection.run(`DELETE FROM ${table} WHERE ${OWN} AND slice = ANY($3)`, [
    pipeline,
    stream,
    checkpoints.filter((checkpoint) => !isKept(checkpoint)).map(({ slice }) => slice),
  ])
  const updated = await connection.run(
    `UPDATE ${table} c SET position = u.position, high_water = u.high_water, version = c.version + 1, load_id = $3, updated_at = $4
     FROM unnest($5::text[], $6::text[], $7::text[]) u(slice, position, high_water)
     WHERE c.pipeline = $1 AND c.stream = $2 AND c.slice = u.slice`,
    [
      pipeline,
      stream,
      by.id,
      instant(by.at),
      kept.map(({ slice }) => slice),
      kept.map(({ before }) => JSON.stringify(before?.position ?? null)),
      kept.map(({ before }) => JSON.stringify(before?.highWater ?? null)),
    ],
  )
  return deleted + updated
}

/** Deletes the checkpoints of a stream's slices, and moves its own one on (C2); returns how many were deleted. */
export async function deleteCheckpoints(workplace: Workplace, stream: string): Promise<number> {
  const { connection, pipeline } = workplace
  const table = checkpointTable(workplace)
  await retireStream(workplace, stream)
  const own = [pipeline, stream, STREAM_CHECKPOINT]
  await connection.run(`DELETE FROM ${table} WHERE ${OWN} AND slice = $3 AND staged`, own)
  return connection.run(`DELETE FROM ${table} WHERE ${OWN} AND slice <> $3`, own)
}
