import { isSluiceError } from '../errors.ts'
import type { DestinationSession } from '../ports/destination.ts'
import type { EventSink } from '../ports/events.ts'
import type { Clock } from '../ports/runtime.ts'
import type { ReadScope, Stream } from '../ports/source.ts'
import type { BatchLimits } from './batch.ts'
import { CommitQueue } from './commit-queue.ts'
import { Committer } from './committer.ts'
import { startingPoint } from './starting-point.ts'

export interface StreamRunOptions {
  readonly session: DestinationSession
  readonly runId: string
  readonly clock: Clock
  readonly onEvent: EventSink
  readonly batch: BatchLimits
  readonly scope: ReadScope
  /** Read everything anew, and swap the new table in at the end. */
  readonly fullRefresh: boolean
  /** Aborted: commit what was read completely, and stop. */
  readonly signal: AbortSignal
}

export interface StreamOutcome {
  readonly stream: string
  readonly outcome: 'done' | 'failed' | 'interrupted'
  readonly error?: unknown
}

/** Reads one stream from its checkpoints to its end. Never rejects: what stopped it is in the outcome. */
export async function runStream(stream: Stream, options: StreamRunOptions): Promise<StreamOutcome> {
  const { clock, onEvent } = options
  onEvent({ type: 'stream.start', at: clock.now(), stream: stream.name })
  const result = await readAndCommit(stream, options).then(
    (): StreamOutcome => ({ stream: stream.name, outcome: 'done' }),
    (error: unknown): StreamOutcome => ({
      stream: stream.name,
      outcome: options.signal.aborted && isInterruption(error, options.signal) ? 'interrupted' : 'failed',
      error,
    }),
  )
  onEvent({
    type: 'stream.end',
    at: clock.now(),
    stream: stream.name,
    outcome: result.outcome,
    ...(result.outcome === 'failed' && { error: describe(result.error) }),
  })
  return result
}

async function readAndCommit(stream: Stream, options: StreamRunOptions): Promise<void> {
  const { session, clock, onEvent, signal } = options
  signal.throwIfAborted()
  const start = startingPoint(stream, await session.readCheckpoints(stream.name), options)
  const committer = new Committer({
    stream,
    session,
    runId: options.runId,
    clock,
    onEvent,
    versions: start.versions,
    schema:
      start.replacement === 'new'
        ? null
        : await session.readSchema(stream.table, { staged: start.replacement === 'continued' }),
    replacement: start.replacement,
    keepCheckpoints: start.backfill,
  })
  const reading = new AbortController()
  const queue = new CommitQueue({
    commit: (batch, publish) => committer.commit(batch, publish),
    limits: options.batch,
    clock,
    onFailure: (error) => reading.abort(error),
  })
  const readSignal = AbortSignal.any([signal, reading.signal])

  try {
    for await (const slice of stream.slices(start.committed, options.scope)) {
      // In a replacement that goes on, a slice that was read to its end is in the new table already.
      if (start.replacement === 'continued' && slice.progress?.position === null) continue
      onEvent({
        type: 'slice.start',
        at: clock.now(),
        stream: stream.name,
        slice: slice.key,
        resumed: slice.progress !== null,
      })
      await stream.read(slice, {
        signal: readSignal,
        emit: async (page) => {
          onEvent({
            type: 'page.read',
            at: clock.now(),
            stream: stream.name,
            slice: slice.key,
            records: page.records.length,
            bytes: page.bytes,
          })
          await queue.add(slice.key, page)
        },
      })
      onEvent({ type: 'slice.end', at: clock.now(), stream: stream.name, slice: slice.key })
    }
  } catch (error) {
    // What was read completely is committed, whatever stopped the reading; a failed commit is the cause itself.
    await queue.finish(false)
    throw error
  }
  await queue.finish(start.replacement !== 'none').catch(async (error: unknown) => {
    if (isSluiceError(error) && error.code === 'REPLACE_EMPTY') await abandonReplacement(stream, session)
    throw error
  })
  committer.refuseAllRejected()
}

/**
 * What was staged without a record must not be gone on with: its positions lie behind records that a later run could find. The
 * next run reads the stream from its beginning; where nothing tells records apart that would double them, and it is left to the user.
 */
async function abandonReplacement(stream: Stream, session: DestinationSession): Promise<void> {
  if (stream.write === 'replace' || stream.key.length > 0)
    await session.resetStream(stream.name, stream.table)
}

function isInterruption(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (isSluiceError(error) && error.code === 'INTERRUPTED')
}

export function describe(error: unknown): { code: string; message: string } {
  if (isSluiceError(error)) return { code: error.code, message: error.message }
  return {
    code: 'INTERNAL',
    message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
  }
}
