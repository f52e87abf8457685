// Every error that Sluice throws. The engine and the client switch on `recovery`, never on a class or a message:
//   retry        the same request may succeed later
//   fix-config   nothing will change until someone edits the pipeline, a credential or the destination
//   stop-stream  this stream can't go on; others can
//   stop-run     nothing can go on
// A room that throws an error of its own extends SluiceError in its own file and picks a code from ErrorCode.

export type Recovery = 'retry' | 'fix-config' | 'stop-stream' | 'stop-run'

export type ErrorCode =
  | 'CONFIG_INVALID'
  | 'SECRET_MISSING'
  | 'TRANSPORT_FAILED'
  | 'TIMEOUT'
  | 'BODY_TRUNCATED'
  | 'BODY_TOO_LARGE'
  | 'BODY_UNREADABLE'
  | 'HTTP_STATUS'
  | 'RATE_LIMITED'
  | 'QUOTA_PAUSED'
  | 'QUOTA_STORE_FAILED'
  | 'QUOTA_MEMORY_FAILED'
  | 'AUTH_REFUSED'
  | 'TOKEN_REFUSED'
  | 'LOGIN_REQUIRED'
  | 'TOKEN_STORE_FAILED'
  | 'REDIRECT_REFUSED'
  | 'ORIGIN_REFUSED'
  | 'CIRCUIT_OPEN'
  | 'RETRIES_EXHAUSTED'
  | 'JOB_FAILED'
  | 'JOB_INCOMPLETE'
  | 'JOB_TIMEOUT'
  | 'QUOTA_IMPOSSIBLE'
  | 'API_ERROR_BODY'
  | 'SELECTOR_EMPTY'
  | 'PAGINATION_LOOP'
  | 'PAGINATION_STUCK'
  | 'PAGINATION_INVALID'
  | 'POSITION_EXPIRED'
  | 'COUNT_MISMATCH'
  | 'CURSOR_MISSING'
  | 'KEY_INVALID'
  | 'ALL_REJECTED'
  | 'TRANSFORM_FAILED'
  | 'TABLE_GONE'
  | 'LOADING_FAILED'
  | 'CHECKPOINT_CONFLICT'
  | 'REPLACE_EMPTY'
  | 'REPLACE_INCOMPLETE'
  | 'REMOVAL_LIMIT'
  | 'STREAM_BUSY'
  | 'LOAD_REVERT'
  | 'DESTINATION_BUSY'
  | 'DESTINATION_FAILED'
  | 'DESTINATION_SCHEMA'
  | 'DESTINATION_UNSUPPORTED'
  | 'INTERRUPTED'
  | 'INTERNAL'

export abstract class SluiceError extends Error {
  abstract readonly code: ErrorCode
  abstract readonly recovery: Recovery
  /** When it makes sense to try again, in milliseconds since 1970: the run is paused until then, and has not failed. Absent where that is not known. */
  readonly resumeAt?: number | undefined
  override get name(): string {
    return this.constructor.name
  }
}

/** True for any error of Sluice, also one from another copy of the package. */
export function isSluiceError(error: unknown): error is SluiceError {
  return error instanceof Error && 'code' in error && 'recovery' in error
}

/** The pipeline's configuration is wrong. `path` names the option, as in `sources.desk.streams.tickets.key`. */
export class ConfigError extends SluiceError {
  readonly code = 'CONFIG_INVALID'
  readonly recovery = 'fix-config'
  readonly path: string
  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(path === '' ? problem : `${path}: ${problem}`, options)
    this.path = path
  }
}

/** The run was asked to stop (SIGINT, SIGTERM, or the caller's signal). */
export class InterruptedError extends SluiceError {
  readonly code = 'INTERRUPTED'
  readonly recovery = 'stop-run'
  constructor(reason = 'the run was asked to stop') {
    super(reason)
  }
}
