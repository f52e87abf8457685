import { SluiceError } from '../errors.ts'

/** Another writer has moved a checkpoint since this one was read (C2). Nothing was written. */
export class CheckpointConflictError extends SluiceError {
  readonly code = 'CHECKPOINT_CONFLICT'
  readonly recovery = 'stop-stream'
  readonly stream: string
  readonly slice: string
  /** The version that the commit started from. */
  readonly expected: number
  /** The version that is stored, 0 where there is none. */
  readonly found: number
  constructor(stream: string, slice: string, expected: number, found: number) {
    super(
      `${stream}, slice ${JSON.stringify(slice)}: the checkpoint is at version ${found}, this commit started from ${expected}. ` +
        'Another run of this pipeline is writing, or the stream was reset meanwhile. Nothing was written; run again once the other one has ended',
    )
    this.stream = stream
    this.slice = slice
    this.expected = expected
    this.found = found
  }
}

/** An empty replacement would take a full table's place (R6). Nothing was written. */
export class EmptyReplaceError extends SluiceError {
  readonly code = 'REPLACE_EMPTY'
  readonly recovery = 'stop-stream'
  readonly stream: string
  readonly table: string
  /** How many rows the table holds. */
  readonly rows: number
  constructor(stream: string, table: string, rows: number) {
    super(
      `${stream}: the API returned no record, and table ${table} holds ${rows}. The table was left as it is; ` +
        'set allowEmptyReplace: true on the stream if an empty result is meant',
    )
    this.stream = stream
    this.table = table
    this.rows = rows
  }
}

/** A list of all keys would remove more rows than it may (R6). Nothing was removed. */
export class RemovalLimitError extends SluiceError {
  readonly code = 'REMOVAL_LIMIT'
  readonly recovery = 'stop-stream'
  readonly stream: string
  readonly table: string
  /** How many rows would have been removed, of how many. */
  readonly removed: number
  readonly rows: number
  constructor(
    stream: string,
    table: string,
    counts: { readonly removed: number; readonly rows: number },
    limit: number,
  ) {
    const { removed, rows } = counts
    const needed = Math.ceil((removed * 100) / rows)
    super(
      `${stream}: the list does not name ${removed} of the ${rows} rows of ${table}, and so would remove ${percentOf(removed, rows)} of them; ` +
        `maxRemoved allows ${limit}%. Nothing was removed. See whether the list is whole: the next run reads it anew; ` +
        `if so many rows are gone at the API, set maxRemoved: "${needed}%" on the stream for that run`,
    )
    this.stream = stream
    this.table = table
    this.removed = removed
    this.rows = rows
  }
}

/**
 * Refuses a reconciliation that would remove too much of a table.
 * @param limit percent of the table's rows, rounded up to whole rows
 * @throws RemovalLimitError (R6)
 */
export function refuseRemoval(
  { stream, table }: { readonly stream: string; readonly table: string },
  counts: { readonly removed: number; readonly rows: number },
  limit: number | undefined,
): void {
  if (limit === undefined || counts.removed <= Math.ceil((counts.rows * limit) / 100)) return
  throw new RemovalLimitError(stream, table, counts, limit)
}

/** In percent, with one digit behind the point where that says more. */
function percentOf(part: number, whole: number): string {
  return `${Math.round((part * 1000) / whole) / 10}%`
}

/** A load's schema is not one that its table can become: columns are added and widened, never dropped or narrowed. */
export class DestinationSchemaError extends SluiceError {
  readonly code = 'DESTINATION_SCHEMA'
  readonly recovery = 'stop-stream'
  readonly table: string
  constructor(table: string, problem: string, options?: ErrorOptions) {
    super(
      `table ${table}: ${problem}. Nothing was written; if another program changed the table, undo that, or run the stream with --full-refresh`,
      options,
    )
    this.table = table
  }
}

/** Another process holds the destination. */
export class DestinationBusyError extends SluiceError {
  readonly code = 'DESTINATION_BUSY'
  readonly recovery = 'stop-run'
  constructor(destination: string, problem: string, options?: ErrorOptions) {
    super(
      `${destination} is held by another process: ${problem}. Wait until it has ended, then run again`,
      options,
    )
  }
}

/** Another session has taken the stream. Nothing was read. */
export class StreamBusyError extends SluiceError {
  readonly code = 'STREAM_BUSY'
  readonly recovery = 'stop-stream'
  readonly stream: string
  /** @param holder who holds it, as in `process 4711 on worker-2, since 2026-01-31T10:00:00Z` */
  constructor(stream: string, holder: string) {
    super(
      `${stream} is being loaded by ${holder}. Nothing was read; wait until that run has ended, then run again`,
    )
    this.stream = stream
  }
}

/** A load can't be taken out again, and nothing was removed; or it was, and can't be committed again, and nothing was written. */
export class LoadRevertError extends SluiceError {
  readonly code = 'LOAD_REVERT'
  readonly recovery = 'stop-run'
  readonly loadId: string
  /** @param deed what can't be done with it. Default: reverting it */
  constructor(loadId: string, problem: string, deed: 'revert' | 'commit' = 'revert') {
    super(
      deed === 'revert'
        ? `load ${loadId} can't be reverted: ${problem}. Nothing was removed`
        : `load ${loadId} can't be committed again: ${problem}. Nothing was written`,
    )
    this.loadId = loadId
  }
}

/** The destination has no such ability. Nothing was done. */
export class UnsupportedError extends SluiceError {
  readonly code = 'DESTINATION_UNSUPPORTED'
  readonly recovery = 'fix-config'
  /**
   * @param deed what it can't, as in `list its loads`
   * @param instead what to do instead
   */
  constructor(destination: string, deed: string, instead?: string) {
    super(`${destination} can't ${deed}${instead === undefined ? '' : `. ${instead}`}`)
  }
}

/** The destination could not do what it was asked: no space, no permission, a broken file. */
export class DestinationError extends SluiceError {
  readonly code = 'DESTINATION_FAILED'
  readonly recovery = 'stop-run'
  constructor(destination: string, problem: string, options?: ErrorOptions) {
    super(`${destination}: ${problem}`, options)
  }
}
