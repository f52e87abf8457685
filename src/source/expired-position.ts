// A position that the API no longer knows: a cursor that was kept too long, a sync token that has run out. Nothing is lost by it, since what
// was read is committed; what changed since must be found in another way.
import { SluiceError } from '../errors.ts'
import { isPositionExpired } from '../http/position-expired.ts'
import type { EventSink } from '../ports/events.ts'
import type { Clock } from '../ports/runtime.ts'
import type { ReadOptions, Slice } from '../ports/source.ts'

/** What becomes of a slice whose position has expired. */
export type ExpiredAction = 'resync' | 'refresh' | 'fail'

/** The API no longer knows a position. `refresh`: the stream is to be read anew, into a new table. */
export class PositionExpiredError extends SluiceError {
  readonly code = 'POSITION_EXPIRED'
  readonly recovery = 'stop-stream'
  readonly stream: string
  readonly refresh: boolean
  constructor(stream: string, problem: string, refresh: boolean, cause: unknown) {
    super(`${stream}: the API no longer knows the position that reading was at: ${problem}`, { cause })
    this.stream = stream
    this.refresh = refresh
  }
}

export interface ExpiryOptions {
  /** As in `desk.tickets`. */
  readonly stream: string
  readonly action: ExpiredAction
  /** Whether records may come again: nothing would tell them apart without a key. */
  readonly hasKey: boolean
  readonly clock: Clock
  readonly onEvent: EventSink | undefined
}

/** A slice whose positions expire again and again is not to be read like this. */
const mostResyncs = 3

/**
 * Reads a slice, and reads it again from its beginning where its position has expired, with its high-water mark.
 * @param read resolves at the slice's end. Whether a request was made with a position is known by the slice and by what was handed on
 * @throws PositionExpiredError where it is not to be read again
 */
export async function readDespiteExpiry(
  slice: Slice,
  options: ReadOptions,
  expiry: ExpiryOptions,
  read: (slice: Slice, options: ReadOptions) => Promise<void>,
): Promise<void> {
  let current = slice
  for (let resyncs = 0; ; resyncs++) {
    let pages = 0
    const counted: ReadOptions = {
      ...options,
      async emit(page) {
        await options.emit(page)
        pages++
      },
    }
    try {
      return await read(current, counted)
    } catch (error) {
      // A first page that answers so is no expired position: the address itself is gone.
      const hadPosition = pages > 0 || (current.progress?.position ?? null) !== null
      if (!hadPosition || !isPositionExpired(error)) throw error
      const { stream, clock, onEvent } = expiry
      const action = actionFor(expiry, resyncs, error)
      onEvent?.({ type: 'position.expired', at: clock.now(), stream, slice: slice.key, action })
      if (action === 'refresh') {
        throw new PositionExpiredError(stream, 'it is read anew, into a new table', true, error)
      }
      current = { ...slice, progress: { position: null, highWater: slice.progress?.highWater ?? null } }
    }
  }
}

/** @throws PositionExpiredError where the slice is not to be read again */
function actionFor(
  { stream, action, hasKey }: ExpiryOptions,
  resyncs: number,
  cause: unknown,
): Exclude<ExpiredAction, 'fail'> {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const problem =
    action === 'fail'
      ? `\`incremental.expired: fail\` stops the stream here; run it with --full-refresh, which reads everything and swaps the new table in`
      : action === 'resync' && !hasKey
        ? 'without a `key` its records would be there twice if they were read from the beginning; run it with --full-refresh'
        : resyncs >= mostResyncs
          ? `it was read from the beginning ${resyncs} times, and expired each time before the end; ask for larger pages, or let other streams wait, so that it is read faster`
          : undefined
  if (action !== 'fail' && problem === undefined) return action
  throw new PositionExpiredError(stream, `${problem} (${reason})`, false, cause)
}
