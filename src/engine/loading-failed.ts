import { SluiceError } from '../errors.ts'

/** A stream removes rows from a table that another stream loads, and that one failed in this run: it was not begun. */
export class LoadingFailedError extends SluiceError {
  readonly code = 'LOADING_FAILED'
  readonly recovery = 'stop-stream'
  readonly table: string
  constructor(stream: string, table: string, loaders: readonly string[]) {
    super(
      `${stream}: ${loaders.join(' and ')} failed, so that ${table} is not loaded as far as this run was to load it, and no row was removed from it. ` +
        'Correct what failed there; the next run goes on with both',
    )
    this.table = table
  }
}

/** The table that a stream deletes rows from is being replaced, and what is staged may hold them still: it was not begun. */
export class ReplacementPendingError extends SluiceError {
  readonly code = 'LOADING_FAILED'
  readonly recovery = 'stop-stream'
  readonly table: string
  constructor(stream: string, table: string, loader: string) {
    super(
      `${stream}: a new ${table} that ${loader} began is not complete, and what is deleted now would come back with it. ` +
        `No row was removed; run ${loader} to its end, together with this stream or before it`,
    )
    this.table = table
  }
}
