import { SluiceError } from '../errors.ts'

/** A stream's checkpoints say that records were loaded, and the table that they went into is gone. */
export class TableGoneError extends SluiceError {
  readonly code = 'TABLE_GONE'
  readonly recovery = 'stop-stream'
  readonly table: string
  constructor(stream: string, table: string) {
    super(
      `${stream}: its checkpoints say how far it was loaded, but the table ${table} is gone, and going on would leave out what was in it. ` +
        `Run \`sluice state reset ${stream}\` to have it read from its beginning, or bring the table back`,
    )
    this.table = table
  }
}
