import { SluiceError } from '../errors.ts'
import type { Reject } from '../ports/destination.ts'
import { encodeJson } from '../records/encode-json.ts'

/** Most characters of a record that the message quotes. */
const EXCERPT = 200

/** A list of all keys holds something that names none: a row that it may have meant must not be removed. */
export class ReconcileIncompleteError extends SluiceError {
  readonly code = 'KEY_INVALID'
  readonly recovery = 'stop-stream'
  readonly stream: string
  constructor(stream: string, { record, reason }: Pick<Reject, 'record' | 'reason'>) {
    const text = encodeJson(record)
    const excerpt = text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text
    super(
      `${stream}: ${reason}, and with \`write: reconcile\` each record must name the row that is not to be removed: ${excerpt}. ` +
        'Nothing was removed; name the right field in key, or leave such records out with the request',
    )
    this.stream = stream
  }
}
