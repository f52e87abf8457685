import { SluiceError } from '../errors.ts'

/** R6: a slice was left before its end, so that a new table would lack what was not read. */
export class ReplaceIncompleteError extends SluiceError {
  readonly code = 'REPLACE_INCOMPLETE'
  readonly recovery = 'stop-stream'
  constructor(stream: string, reason: string) {
    super(
      `${stream}: the table is left as it is, since its replacement would not be whole: a slice was stopped: ${reason}; run again to go on with it`,
    )
  }
}
