import { isSluiceError } from '../errors.ts'
import type { DestinationSession } from '../ports/destination.ts'
import type { EventSink } from '../ports/events.ts'
import type { Clock } from '../ports/runtime.ts'
import type { ReadScope, SideTable, Slice, Stream } from '../ports/source.ts'
import { Batch, type BatchLimits, RecordRows } from './batch.ts'
import { CommitQueue } from './commit-queue.ts'
import { Committer } from './committer.ts'
import { Intake } from './intake.ts'
import { ReplaceIncompleteError } from './replace-incomplete.ts'
import { sideBySide } from './side-by-side.ts'
import { startingPoint } from './starting-point.ts'
import { readTables } from './stream-tables.ts'
import { messageOf, TwoFailuresError } from './two-failures.ts'

export interface StreamRunOptions {
  readonly session: DestinationSession
  readonly runId: string
  readonly clock: Clock
  readonly onEvent: EventSink
  readonly batch: BatchLimits
  readonly scope: ReadScope
  /** Read everything anew, and swap the new table in at the end. */
  readonly fullRefresh: boolean
  /** Of a stream that removes rows of another's table: the tables that belong to that one's records. Default: none. */
  readonly owned?: readonly SideTable[]
  /** Why the stream is not to be begun at all. */
  readonly refused?: Error
  /** Aborted: commit what was read completely, and stop. */
  readonly signal: AbortSignal
}

export interface StreamOutcome {
  readonly stream: string
  readonly outcome: 'done' | 'failed' | 'interrupted' | 'paused'
  readonly error?: unknown
  /** Of a stream that is paused: when the API has room again, in milliseconds since 1970. */
  readonly resumeAt?: number
}

/** Reads one stream from its checkpoints to its end. Never rejects: what stopped it is in the outcome. */
export async function runStream(stream: Stream, options: StreamRunOptions): Promise<StreamOutcome> {
  const { clock, onEvent } = options
  onEvent({ type: 'stream.start', at: clock.now(), stream: stream.name })
  let loads = 0
  const nextLoad = () => ++loads
  const result = await readAndCommit(stream, options, nextLoad)
    .catch((error: unknown) => {
      if (!asksForRefresh(error) || options.fullRefresh) throw error
      return readAndCommit(stream, { ...options, fullRefresh: true }, nextLoad)
    })
    .then(
      (): StreamOutcome => ({ stream: stream.name, outcome: 'done' }),
      (error: unknown): StreamOutcome => ({
        stream: stream.name,
        ...stoppedBy(error, options.signal),
        error,
      }),
    )
  onEvent({
    type: 'stream.end',
    at: clock.now(),
    stream: stream.name,
    outcome: result.outcome,
    ...(result.outcome === 'failed' && { error: describe(result.error) }),
    ...(result.resumeAt !== undefined && { error: describe(result.error), resumeAt: result.resumeAt }),
  })
  return result
}

/** What was read is committed: whether the stream failed or may go on later is for its error to say. */
function stoppedBy(error: unknown, signal: AbortSignal): Pick<StreamOutcome, 'outcome' | 'resumeAt'> {
  if (signal.aborted && isInterruption(error, signal)) return { outcome: 'interrupted' }
  const resumeAt = isSluiceError(error) ? error.resumeAt : undefined
  return resumeAt === undefined ? { outcome: 'failed' } : { outcome: 'paused', resumeAt }
}

async function readAndCommit(
  stream: Stream,
  options: StreamRunOptions,
  nextLoad: () => number,
): Promise<void> {
  const { session, clock, onEvent, signal } = options
  signal.throwIfAborted()
  if (options.refused !== undefined) throw options.refused
  await session.claim?.(stream.name)
  const start = startingPoint(stream, await session.readCheckpoints(stream.name), options)
  const tables = await readTables(session, stream, start, options.owned ?? [])
  const committer = new Committer({
    stream,
    session,
    runId: options.runId,
    clock,
    onEvent,
    versions: start.versions,
    tables,
    replacement: start.replacement,
    keepCheckpoints: start.backfill,
    nextLoad,
  })
  const reading = new AbortController()
  const queue = new CommitQueue({
    intake: new Intake(stream, tables),
    begin: () => new Batch(options.batch, () => session.rows?.() ?? new RecordRows()),
    commit: (batch, publish) => committer.commit(batch, publish),
    clock,
    onFailure: (error) => reading.abort(error),
  })
  const readSignal = AbortSignal.any([signal, reading.signal])

  /** Why the first slice that was left before its end was left. */
  let stopped: string | undefined

  async function readOne(slice: Slice): Promise<void> {
    readSignal.throwIfAborted()
    // In a replacement that goes on, a slice that was read to its end is in the new table already.
    if (start.replacement === 'continued' && slice.progress?.position === null) return
    if (slice.closing) {
      await stream.read(slice, { signal: readSignal, emit: (page) => queue.add(slice.key, page) })
      return
    }
    onEvent({
      type: 'slice.start',
      at: clock.now(),
      stream: stream.name,
      slice: slice.key,
      resumed: slice.progress !== null,
    })
    let isStopped = false
    await stream.read(slice, {
      signal: readSignal,
      onStop(reason) {
        isStopped = true
        stopped ??= reason
        onEvent({ type: 'slice.stop', at: clock.now(), stream: stream.name, slice: slice.key, reason })
      },
      emit: async (page) => {
        onEvent({
          type: 'page.read',
          at: clock.now(),
          stream: stream.name,
          slice: slice.key,
          records: page.records.length + (page.rejects?.length ?? 0),
          bytes: page.bytes,
        })
        await queue.add(slice.key, page)
      },
    })
    if (!isStopped) onEvent({ type: 'slice.end', at: clock.now(), stream: stream.name, slice: slice.key })
  }

  try {
    await sideBySide(
      stream.slices(start.committed, options.scope, readSignal),
      stream.slicesAtOnce ?? 1,
      (slice) => readOne(slice),
      (error) => reading.abort(error),
    )
    // R6: a source that was told to stop may have ended its slices early, so that what is missing is not known.
    if (start.replacement !== 'none') readSignal.throwIfAborted()
    // What was read so far stays staged, and the next run goes on with it.
    if (stopped !== undefined && start.replacement !== 'none') {
      throw new ReplaceIncompleteError(stream.name, stopped)
    }
  } catch (error) {
    throw await commitAfter(error, queue, signal)
  }
  await queue.finish(start.replacement !== 'none').catch(async (error: unknown) => {
    throw isRefusedByResult(error) ? await abandonAfter(error, stream, session) : error
  })
  committer.refuseAllRejected()
}

/** What was read completely is committed, whatever stopped the reading. Returns what is to be said of it. */
async function commitAfter(error: unknown, queue: CommitQueue, signal: AbortSignal): Promise<unknown> {
  // A commit that failed is itself what stopped the reading.
  if (queue.failure !== undefined) return queue.failure.error
  try {
    await queue.finish(false)
    return error
  } catch (second) {
    if (isInterruption(error, signal)) return second
    return new TwoFailuresError(error, 'what had been read before it could not be committed either', second)
  }
}

/**
 * What was staged without a record, or from a list that names too few, must not be gone on with: its positions lie behind records that
 * a later run could find.
 * The next run goes on from what is live. Returns what is to be said of it.
 */
async function abandonAfter(error: unknown, stream: Stream, session: DestinationSession): Promise<unknown> {
  try {
    await session.abandonReplacement(stream.name, stream.table, stream)
    return error
  } catch (second) {
    const remedy = `what was staged could not be dropped; run \`sluice state reset ${stream.name}\` before the next run`
    return new TwoFailuresError(error, remedy, second)
  }
}

/** A source that can't go on from where it was, and was told to read everything anew then. */
function asksForRefresh(error: unknown): boolean {
  return (
    isSluiceError(error) && error.code === 'POSITION_EXPIRED' && 'refresh' in error && error.refresh === true
  )
}

/** What was read is refused for what it is: read to the end, and not to be believed. */
function isRefusedByResult(error: unknown): boolean {
  return isSluiceError(error) && (error.code === 'REPLACE_EMPTY' || error.code === 'REMOVAL_LIMIT')
}

function isInterruption(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (isSluiceError(error) && error.code === 'INTERRUPTED')
}

export function describe(error: unknown): { code: string; message: string } {
  return { code: isSluiceError(error) ? error.code : 'INTERNAL', message: messageOf(error) }
}
