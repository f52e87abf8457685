import { ConfigError } from '../errors.ts'
import { nearest } from '../options/nearest.ts'
import type { Destination, DestinationSession } from '../ports/destination.ts'
import type { EventSink, SluiceEvent } from '../ports/events.ts'
import type { Json } from '../ports/json.ts'
import type { Clock } from '../ports/runtime.ts'
import type { ReadScope, Source, Stream } from '../ports/source.ts'
import { refuseInabilities } from './abilities.ts'
import type { BatchLimits } from './batch.ts'
import { closeAfter } from './closing.ts'
import { LoadingFailedError, ReplacementPendingError } from './loading-failed.ts'
import { describe, runStream, type StreamOutcome } from './stream-run.ts'
import { loadersOf, ownedTables, removes } from './stream-tables.ts'

/** A pipeline, put together: its sources and its destination are ready to be used. */
export interface PipelineParts {
  readonly name: string
  readonly sources: readonly Source[]
  readonly destination: Destination
  readonly batch: BatchLimits
  /** How many streams are read side by side. */
  readonly concurrentStreams: number
}

export interface RunOptions {
  readonly runId: string
  readonly clock: Clock
  readonly onEvent: EventSink
  /** Aborted: commit what is complete and stop. */
  readonly signal: AbortSignal
  /** Streams (`desk.tickets`) or whole sources (`desk`). Default: all. */
  readonly only?: readonly string[]
  readonly scope?: ReadScope
  readonly fullRefresh?: boolean
  /** What the run's record in the destination holds once the run is over. */
  readonly report?: (outcomes: readonly StreamOutcome[]) => Json
}

export interface RunResult {
  readonly runId: string
  /** `paused`: a quota had no room for longer than a run waits, and nothing failed. The next run goes on from there. */
  readonly outcome: 'done' | 'failed' | 'interrupted' | 'paused'
  readonly streams: readonly StreamOutcome[]
}

/**
 * Runs a pipeline's streams side by side. A stream that fails does not stop the others. What fails at the end, once all is committed,
 * is told by `run.problem` and takes the result from nobody.
 * @throws ConfigError where `only` names nothing, or the destination can't take what a stream loads; whatever the destination throws when it can't be opened
 */
export async function runPipeline(parts: PipelineParts, options: RunOptions): Promise<RunResult> {
  const streams = selectStreams(parts, options.only)
  refuseInabilities(streams, parts.destination)
  const session = await parts.destination.open(parts.name)
  return closeAfter(
    session,
    () => runStreams(parts, streams, session, options),
    (error) => options.onEvent(runProblem('not-closed', error, options.clock)),
  )
}

async function runStreams(
  parts: PipelineParts,
  streams: readonly Stream[],
  session: DestinationSession,
  options: RunOptions,
): Promise<RunResult> {
  const { runId, clock, onEvent, signal } = options
  const startedAt = clock.now()
  await session.recordRun({ id: runId, startedAt, finishedAt: null, outcome: 'running', report: null })
  onEvent({
    type: 'run.start',
    at: startedAt,
    runId,
    pipeline: parts.name,
    streams: streams.map(({ name }) => name),
  })

  const all = parts.sources.flatMap((source) => source.streams)
  const outcomes = await inOrder(streams, parts.concurrentStreams, async (stream, failed) => {
    const refused = failed ?? (await pendingReplacement(session, stream, all))
    return runStream(stream, {
      session,
      runId,
      clock,
      onEvent,
      batch: parts.batch,
      scope: options.scope ?? {},
      fullRefresh: options.fullRefresh ?? false,
      owned: ownedTables(stream, all),
      ...(refused !== undefined && { refused }),
      signal,
    })
  })

  const outcome = overall(outcomes)
  const finishedAt = clock.now()
  onEvent({ type: 'run.end', at: finishedAt, runId, outcome })
  const report = options.report?.(outcomes) ?? null
  try {
    await session.recordRun({ id: runId, startedAt, finishedAt, outcome, report })
  } catch (error) {
    onEvent(runProblem('report-not-stored', error, clock))
    return { runId, outcome: 'failed', streams: outcomes }
  }
  return { runId, outcome, streams: outcomes }
}

/**
 * Rows that are deleted while a replacement of their table is not published may have been staged before: they would be back with it.
 * A list of all keys finds them again the next time; a list of deletions is read but once.
 */
async function pendingReplacement(
  session: DestinationSession,
  stream: Stream,
  all: readonly Stream[],
): Promise<Error | undefined> {
  if (stream.write !== 'delete') return undefined
  for (const loader of loadersOf(stream, all)) {
    const checkpoints = await session.readCheckpoints(loader.name)
    if (checkpoints.some(({ staged }) => staged))
      return new ReplacementPendingError(stream.name, stream.table, loader.name)
  }
  return undefined
}

/** What went wrong at a run's end, as an event. */
export function runProblem(
  problem: 'report-not-stored' | 'not-closed',
  error: unknown,
  clock: Clock,
): Extract<SluiceEvent, { type: 'run.problem' }> {
  return { type: 'run.problem', at: clock.now(), problem, ...describe(error) }
}

function overall(outcomes: readonly StreamOutcome[]): RunResult['outcome'] {
  if (outcomes.some(({ outcome }) => outcome === 'failed')) return 'failed'
  if (outcomes.some(({ outcome }) => outcome === 'interrupted')) return 'interrupted'
  return outcomes.some(({ outcome }) => outcome === 'paused') ? 'paused' : 'done'
}

/**
 * The streams that `only` names, in the pipeline's order; all of them without it.
 * @throws ConfigError where a name is neither a stream nor a source
 */
export function selectStreams(
  parts: Pick<PipelineParts, 'sources'>,
  only?: readonly string[],
): readonly Stream[] {
  const all = parts.sources.flatMap((source) => source.streams)
  if (only === undefined) return all
  const sourceOf = (stream: Stream) => stream.name.slice(0, stream.name.indexOf('.'))
  for (const name of only) {
    if (all.some((stream) => stream.name === name || sourceOf(stream) === name)) continue
    const names = all.map((stream) => stream.name)
    const near = nearest(name, [...names, ...parts.sources.map((source) => source.name)])
    const hint = near === undefined ? '' : `did you mean ${near}? `
    throw new ConfigError(
      '',
      `no stream or source is named ${JSON.stringify(name)}; ${hint}${hint === '' ? 'there' : 'There'} are ${names.join(', ')}`,
    )
  }
  return all.filter((stream) => only.includes(stream.name) || only.includes(sourceOf(stream)))
}

/**
 * Runs streams side by side. One that removes rows of a table waits for those that load it, which are begun before it, so that no one
 * waits for what has no room; where one of them failed, it is refused.
 */
async function inOrder(
  streams: readonly Stream[],
  limit: number,
  work: (stream: Stream, refused: LoadingFailedError | undefined) => Promise<StreamOutcome>,
): Promise<StreamOutcome[]> {
  const running = new Map<Stream, Promise<StreamOutcome>>()
  const afterLoaders = async (stream: Stream) => {
    const loaders = await Promise.all(loadersOf(stream, streams).map((loader) => running.get(loader)!))
    const failed = loaders
      .filter(({ outcome }) => outcome === 'failed' || outcome === 'paused')
      .map((loader) => loader.stream)
    return work(
      stream,
      failed.length === 0 ? undefined : new LoadingFailedError(stream.name, stream.table, failed),
    )
  }
  const queue = [...streams.filter((stream) => !removes(stream)), ...streams.filter(removes)]
  const workers = Array.from({ length: Math.min(limit, queue.length) }, async () => {
    for (let stream = queue.shift(); stream !== undefined; stream = queue.shift()) {
      const run = afterLoaders(stream)
      running.set(stream, run)
      await run
    }
  })
  await Promise.all(workers)
  return Promise.all(streams.map((stream) => running.get(stream)!))
}
