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

/** A load's schema is not one that its table can become: columns are added and widened, never dropped or narrowed. */
export class DestinationSchemaError extends SluiceError {
  readonly code = 'DESTINATION_SCHEMA'
  readonly recovery = 'stop-stream'
  readonly table: string
  constructor(table: string, problem: string, options?: ErrorOptions) {
    super(
      `table ${table}: ${problem}. Nothing was written; if another program changed the table, undo that`,
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

/** The destination could not do what it was asked: no space, no permission, a broken file. */
export class DestinationError extends SluiceError {
  readonly code = 'DESTINATION_FAILED'
  readonly recovery = 'stop-run'
  constructor(destination: string, problem: string, options?: ErrorOptions) {
    super(`${destination}: ${problem}`, options)
  }
}
