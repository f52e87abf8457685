import type { Json, JsonRecord, Value } from './json.ts'
import type { ColumnType, TableSchema } from './schema.ts'
import type { Progress, SideTable, WriteMode } from './source.ts'

/**
 * The slice that stands for the stream itself, beside those that it is read in. It holds no progress. A load that moves its checkpoint along
 * can't be committed by two runs (C2), also where nothing else tells them apart: its version only grows, whatever becomes of the others.
 */
export const STREAM_CHECKPOINT = '(stream)'

/**
 * The committed state of one slice. `version` counts its commits, from 1. While a replacement is not published, a slice may have two:
 * the live one as it was, and the staged one. Its version is then the greater of theirs.
 */
export interface Checkpoint extends Progress {
  readonly stream: string
  readonly slice: string
  readonly version: number
  /**
   * True while the slice's rows are in the new table of a replacement that is not published yet (R6).
   * A run that finds it goes on with that replacement.
   */
  readonly staged: boolean
  readonly loadId: string
  /** Milliseconds since 1970. */
  readonly updatedAt: number
}

export interface CheckpointUpdate extends Progress {
  readonly slice: string
  /** The version that this commit started from, 0 where there was none (C2). */
  readonly fromVersion: number
}

/** A record that was refused, with its reason. */
export interface Reject {
  /** Names the record and its reason: the same record, refused once more for the same reason, has the same id. */
  readonly id: string
  readonly record: JsonRecord
  readonly reason: string
}

/**
 * Takes the records of a load as they come, in a form of the destination's own, so that no record has to live until its
 * commit. What was appended must not be needed any more when `append` returns. The commit takes the rows: it may leave the buffer empty.
 */
export interface RowBuffer {
  /** Records that were appended. */
  readonly length: number
  /** `schema` holds every value. It may have more columns than that of the call before; it has the same first ones, unchanged. */
  append(records: readonly JsonRecord[], schema: TableSchema): void
}

/**
 * Rows of a table beside the stream's own, committed along with the load. Where the load is part of a replacement, they go into a new
 * side table that is swapped in with the stream's.
 */
export interface SideLoad extends SideTable {
  /** The side table's columns after this load, as with the load's own. An owner's field has the type of the key field that it holds. */
  readonly schema: TableSchema
  /** Empty where `rows` holds them. */
  readonly records: readonly JsonRecord[]
  readonly rows?: RowBuffer
  /** With `owned`, for each row the number of the load's record that it belongs to, from 0. */
  readonly owners?: readonly number[]
}

/** One commit. Everything in it is published in one transaction, or nothing is. */
export interface Load {
  /** Unique. Committing the same id again changes nothing (C3), and is refused where the load was reverted. */
  readonly id: string
  readonly runId: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly stream: string
  readonly table: string
  /**
   * append: a record whose key is in the table already is left out (without a key: every record is added).
   * merge: a record replaces the one of its key, unless that one's version is newer.
   * delete: a record removes the row of its key, unless that one's version is newer. Where there is no such table, none is made.
   * history: each version of a record is a row of its own, with the time from which and until which it holds (see `History` below).
   * reconcile: always with `replacement`. The records' keys are staged in a table of their own, beside a replacement that another
   * stream may be staging; `publish` removes the live table's rows whose key is not among them, but for those that came with a load
   * after the first key was staged, whatever their `at` says: the list may have been read past their place. There `allowEmpty` says whether no key at all may
   * empty the table.
   */
  readonly mode: 'append' | 'merge' | 'history' | 'delete' | 'reconcile'
  readonly key: readonly string[]
  readonly version?: string
  /** The table's columns after this load: those that it has, widened, and the new ones. Existing columns keep their order. */
  readonly schema: TableSchema
  /** Empty where `rows` holds them. */
  readonly records: readonly JsonRecord[]
  /** The records, where the session that commits them offers `rows`. A load that is committed again has them no more (C3). */
  readonly rows?: RowBuffer
  /**
   * With `merge` and `history`: the numbers of the records, from 0, that remove the row of their key instead of taking its place; with
   * `history` they end its present version. Among the load's
   * records of one key they count as any other: the last one of the newest version does. They hold the key and the version, no more.
   */
  readonly tombstones?: ReadonlySet<number>
  /**
   * The tables beside it. An `owned` one follows the load's records. Where a record was taken (it is the one of its key that counts,
   * and what is stored is not newer), the rows that belong to it take the place of all rows of that key's owner, also where there are
   * none; where its row is removed, they go along; the rows of a record that was not taken are left out. In `append` mode: rows of records that
   * were inserted are added, others are left out.
   */
  readonly sides?: readonly SideLoad[]
  /**
   * A reject is kept once for each stream and id, however often it comes: with the loads that brought it first and last, and how many
   * times it came.
   */
  readonly rejects: readonly Reject[]
  readonly checkpoints: readonly CheckpointUpdate[]
  /**
   * Absent: rows go into the live table. Else they go into a new table beside it (R6): `begin` drops what an abandoned
   * replacement left there first; `publish` swaps it in for the live one after this load's rows. The load's checkpoints are
   * stored as staged, beside the live ones; publishing makes every staged checkpoint of the stream live, and forgets those that
   * were live before.
   */
  readonly replacement?: {
    readonly begin: boolean
    readonly publish: boolean
    readonly allowEmpty: boolean
    /**
     * With `reconcile`: the most rows of the live table that `publish` may remove, in percent of those that it holds, rounded up to whole
     * rows; where `allowEmpty` lets no key at all empty it, that counts. Default: any number.
     */
    readonly maxRemovedPercent?: number
  }
}

// History. A row of a `history` load has two columns more, instants: `_sluice_valid_from` and `_sluice_valid_to`, which is NULL while the
// version holds. Where the load names a `version` whose column is a date or a timestamp, a version holds from that time; else from the
// load's `at`, or a millisecond after the present version's where that is not later, and a record older than the present one by its
// `version` is left out. Of a load's records of one key and one time the last one counts. A record that says what the version before it in time
// says changes nothing; one of the very time of a stored version takes that one's place. Any other is added: the version before it
// ends where it begins, and it ends where that one did, or where the next one begins. A tombstone ends the version that holds at its
// time. So versions and tombstones that say their time may come in any order, in any batches, and any number of times: of a record and a
// tombstone of one key and one time the tombstone counts, whichever comes first, and one that ends nothing yet ends a version that comes
// later and begins before it. A destination may keep it as a row of the key whose validity is empty: both columns hold its time.
// `inserted` counts versions that were added, `updated` those that took another's place and tombstones that ended one. There are no side
// tables, and no replacement.

/** Checkpoints that move without rows: no table is made or changed. */
export interface CheckpointMove {
  /** Unique. It stands in each of the checkpoints as the load that moved it. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly stream: string
  readonly checkpoints: readonly CheckpointUpdate[]
}

/** What a commit did to one table. */
export interface TableCounts {
  /** Rows whose key was new. */
  readonly inserted: number
  /** Rows that took the place of an older version. Those of an owned table are deleted and inserted instead. */
  readonly updated: number
  /** Records that changed nothing: known already, or older than what the table holds; tombstones of rows that are not there. */
  readonly unchanged: number
  /** Rows that were removed. */
  readonly deleted: number
}

/** What a commit did; its own counts are those of the stream's table. */
export interface LoadReceipt extends TableCounts {
  readonly loadId: string
  /** By the side table's name. */
  readonly sides: Readonly<Record<string, TableCounts>>
  /** True when the load had been committed before (C3). */
  readonly replayed: boolean
}

export interface RunRecord {
  readonly id: string
  readonly startedAt: number
  readonly finishedAt: number | null
  readonly outcome: 'running' | 'done' | 'failed' | 'interrupted' | 'paused'
  readonly report: Json
}

/** A load as the destination keeps it. */
export interface LoadRecord extends TableCounts {
  readonly id: string
  readonly runId: string
  readonly stream: string
  readonly table: string
  /** `null` for one that was committed before modes were noted. */
  readonly mode: Load['mode'] | null
  /** Milliseconds since 1970. */
  readonly at: number
  readonly rejected: number
  /** When it was taken out again, in milliseconds since 1970; `null` where it was not. */
  readonly revertedAt: number | null
}

/** What taking loads out again did. */
export interface RevertReceipt {
  readonly stream: string
  /** Newest first. */
  readonly loadIds: readonly string[]
  /** Rows that were removed, by table: the stream's, and its side tables'. */
  readonly removed: Readonly<Record<string, number>>
  /** How many checkpoints went back. */
  readonly checkpoints: number
}

export interface DestinationCapabilities {
  /** Schema changes take part in a transaction. */
  readonly transactionalDdl: boolean
  /** Rows are found by their key: merge, delete, reconcile, and an append that leaves out what is there. */
  readonly merge: boolean
  /** Versions of a record are kept with their validity: the mode `history`. */
  readonly history: boolean
  /** Appended loads can be taken out again: the session has `loads` and `revert`. */
  readonly revert: boolean
  /** Rows can be read back: the session has `readRows`. */
  readonly readBack: boolean
}

/** Where rows go. */
export interface Destination {
  readonly kind: string
  /** For messages: `duckdb warehouse.duckdb`. */
  readonly description: string
  readonly capabilities: DestinationCapabilities
  /** Opens the destination for one pipeline. Rejects with DESTINATION_BUSY where another process holds it. */
  open(pipeline: string, options?: { readonly readOnly?: boolean }): Promise<DestinationSession>
}

/** What tells which staged tables belong to a stream. A stream is one. Default: it replaces, and has no side tables. */
export interface StagedTables {
  readonly write?: WriteMode
  readonly sides?: readonly { readonly table: string }[]
}

/** One pipeline's access to a destination. Commits may be asked for side by side; the session orders them. */
export interface DestinationSession extends AsyncDisposable {
  /** Every checkpoint of a stream, or of the whole pipeline. */
  readCheckpoints(stream?: string): Promise<readonly Checkpoint[]>
  /**
   * The columns of a table, or `null` where there is none yet; of its unpublished replacement where `staged` is true, of the keys that a
   * reconciliation has staged where it is `keys`.
   */
  readSchema(table: string, options?: { readonly staged?: boolean | 'keys' }): Promise<TableSchema | null>
  /**
   * Room for the records of one load, to be committed by this session. Optional: without it loads carry their records.
   */
  rows?(): RowBuffer
  /**
   * Publishes rows, schema change, rejects, load record and checkpoints in one transaction, or nothing (C1).
   * @throws CheckpointConflictError where a checkpoint is no longer at `fromVersion` (C2)
   * @throws EmptyReplaceError where an empty replacement would take a full table's place (R6)
   * @throws RemovalLimitError where a reconciliation would remove more rows than it may (R6)
   * @throws LoadRevertError where the same load was committed before, and taken out again
   */
  commit(load: Load): Promise<LoadReceipt>
  /**
   * Moves checkpoints of one stream in one transaction, or none of them.
   * @throws CheckpointConflictError where a checkpoint is no longer at `fromVersion` (C2)
   */
  moveCheckpoints(move: CheckpointMove): Promise<void>
  /** Writes or overwrites the run's record. */
  recordRun(run: RunRecord): Promise<void>
  /** The pipeline's last run that is over, `null` where there was none. Optional: without it a plan can't say how long a run takes. */
  lastRun?(): Promise<RunRecord | null>
  /**
   * Takes a stream for this session until it is closed, so that another process learns at once that it comes too late, instead of at its
   * first commit. Optional: what keeps two runs apart is C2.
   * @throws StreamBusyError where another session holds it
   */
  claim?(stream: string): Promise<void>
  /** The pipeline's loads, the last one first. `limit`: at most so many. */
  loads?(options?: { readonly stream?: string; readonly limit?: number }): Promise<readonly LoadRecord[]>
  /**
   * Takes an appended load out again, in one transaction: its rows, those of its side tables, and the rejects that nothing else brought.
   * Its checkpoints say again what they said before it, under a version that nobody has seen, so that whoever goes on from the load
   * fails (C2); those that it began are forgotten, but for the stream's own, `STREAM_CHECKPOINT`.
   * @param options.at milliseconds since 1970
   * @param options.withLater whether the stream's later loads are taken out with it; without it they are a reason to refuse
   * @throws LoadRevertError where there is no such load, where it or a later one is not a plain append, or was reverted, and where a later
   * load of another stream or pipeline found records in one of its tables, which may be rows of it
   */
  revert?(
    loadId: string,
    options: { readonly at: number; readonly withLater?: boolean },
  ): Promise<RevertReceipt>
  /**
   * The rows of a live table, some at a time, in any order; of a table with history its present versions. Nothing where there is no such
   * table. By column name: NULL is null, integers are numbers, or their digits as a string where a double does not hold them, decimals
   * their digits as a string, dates `YYYY-MM-DD`, timestamps ISO 8601 in UTC with `Z`, JSON columns the JSON text.
   * Without it a stream can't be verified.
   */
  readRows?(
    table: string,
    columns: readonly string[],
  ): AsyncIterable<readonly Readonly<Record<string, Json>>[]>
  /** How many rows a live table has; one with history those of all versions. Optional: without it only present versions are counted. */
  countRows?(table: string): Promise<number>
  /**
   * What a column of the type holds of a value that went into it, where the destination can't hold it as it is: a text with U+FFFD for
   * NUL, a number beyond all bounds as the text of its digits. Any other value comes back as it is. Half a surrogate pair is U+FFFD
   * in every destination, and not this method's matter. Default: every value is held as it is.
   */
  asStored?(value: Value, type: ColumnType): Value
  /**
   * Drops a replacement that is not published: its rows and its staged checkpoints. What is live stays, and the version of each live
   * checkpoint that had a staged one moves past it, so that whoever was staging can't go on (C2); that of the stream's own,
   * `STREAM_CHECKPOINT`, also where only a staged one was there. Without a replacement, nothing.
   */
  abandonReplacement(stream: string, table: string, staged?: StagedTables): Promise<void>
  /**
   * Forgets the checkpoints of a stream's slices, and what an unpublished replacement staged; its rows stay. The stream's own checkpoint,
   * `STREAM_CHECKPOINT`, is kept under a version that nobody has seen, so that whoever slept through it can't go on (C2).
   * Returns how many checkpoints were forgotten.
   */
  resetStream(stream: string, table: string, staged?: StagedTables): Promise<number>
}
