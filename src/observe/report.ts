import type { RunProblemKind, SluiceEvent } from '../ports/events.ts'
import { QuotaCounts, type QuotaReport } from './quota-counts.ts'
import { StreamCounts } from './stream-counts.ts'

/** One stream's part of a run. */
export type StreamReport = {
  readonly stream: string
  readonly outcome: 'running' | 'done' | 'failed' | 'interrupted' | 'paused'
  readonly error: { readonly code: string; readonly message: string } | null
  /** ISO time at which the API has room again, where the stream is paused. */
  readonly pausedUntil: string | null
  /** Records read from the API. */
  readonly records: number
  readonly inserted: number
  readonly updated: number
  readonly unchanged: number
  /** Rows that were removed because the API said that they are gone. */
  readonly deleted: number
  readonly rejected: number
  /** What was done to the stream's side tables. */
  readonly sides: readonly SideReport[]
  /** Why records were rejected, where any was: the reasons of the first load that had some. */
  readonly rejectReason: string | null
  /** What `paginate: { type: auto }` took the list for, as in "cursor at `next_cursor`". */
  readonly pagination: string | null
  readonly pages: number
  readonly bytes: number
  readonly loads: number
  /** Attempts, repeats included. */
  readonly requests: number
  readonly retries: number
  /** Requests that were refused for want of quota, whatever their status. */
  readonly refused: number
  /** Seconds that requests of this stream waited for quota, added up. */
  readonly quotaWaitSeconds: number
  readonly seconds: number
  readonly recordsPerSecond: number
  /** Milliseconds from sending a request to its response headers. */
  readonly latencyMs: { readonly p50: number | null; readonly p95: number | null }
  /** Share of attempts that failed, refusals for quota left out: 0 to 1. */
  readonly errorRate: number
  readonly schemaChanges: readonly string[]
  /** What may be wrong, though nothing failed: a list that ended at its first page and may not have ended. */
  readonly warnings: readonly string[]
}

// Types, not interfaces: a report is stored as JSON, and only of a type TypeScript knows that it is.

/** A side table's part of a run. */
export type SideReport = {
  readonly table: string
  readonly inserted: number
  readonly updated: number
  readonly unchanged: number
  readonly deleted: number
  readonly rejected: number
}

/** A run, summed up. */
export type RunReport = {
  readonly runId: string
  readonly pipeline: string
  readonly outcome: 'done' | 'failed' | 'interrupted' | 'paused'
  /** ISO time from which on another run can go on with a stream that is paused. */
  readonly pausedUntil: string | null
  readonly startedAt: string
  readonly finishedAt: string
  readonly seconds: number
  readonly records: number
  readonly streams: readonly StreamReport[]
  /** What the limits of the sources came to. */
  readonly quotas: readonly QuotaReport[]
  /** What went wrong at the run's end, once all was committed. `report-not-stored`: the destination does not hold this report. */
  readonly problems: readonly RunProblem[]
}

export type RunProblem = {
  readonly problem: RunProblemKind
  readonly code: string
  readonly message: string
}

/** Sums up a run from its events. */
export class ReportBuilder {
  readonly #streams = new Map<string, StreamCounts>()
  #runId = ''
  #pipeline = ''
  #startedAt = 0
  #lastAt = 0
  #outcome: RunReport['outcome'] = 'failed'
  readonly #problems: RunProblem[] = []
  readonly #quotas = new QuotaCounts()

  /** Takes one event. Events of requests that belong to no stream (tokens, checks) are left out. */
  add(event: SluiceEvent): void {
    this.#lastAt = event.at
    this.#quotas.add(event)
    if (event.type === 'run.start') {
      this.#runId = event.runId
      this.#pipeline = event.pipeline
      this.#startedAt = event.at
      for (const stream of event.streams) this.#streams.set(stream, new StreamCounts())
    } else if (event.type === 'run.end') {
      this.#outcome = event.outcome
    } else if (event.type === 'run.problem') {
      const { problem, code, message } = event
      this.#problems.push({ problem, code, message })
      if (problem === 'report-not-stored') this.#outcome = 'failed'
    } else if ('stream' in event && event.stream !== undefined) {
      this.#counts(event.stream).add(event)
    }
  }

  /** What the limits have come to so far. */
  get quotas(): readonly QuotaReport[] {
    return this.#quotas.all
  }

  /** What has happened so far, stream by stream. */
  get streams(): ReadonlyMap<string, StreamCounts> {
    return this.#streams
  }

  build(): RunReport {
    const streams = Array.from(this.#streams, ([stream, counts]) =>
      streamReport(stream, counts, this.#lastAt),
    )
    return {
      runId: this.#runId,
      pipeline: this.#pipeline,
      outcome: this.#outcome,
      pausedUntil: earliest(streams),
      startedAt: new Date(this.#startedAt).toISOString(),
      finishedAt: new Date(this.#lastAt).toISOString(),
      seconds: (this.#lastAt - this.#startedAt) / 1000,
      records: streams.reduce((sum, { records }) => sum + records, 0),
      streams,
      quotas: this.#quotas.all,
      problems: this.#problems,
    }
  }

  #counts(stream: string): StreamCounts {
    let counts = this.#streams.get(stream)
    if (counts === undefined) {
      counts = new StreamCounts()
      this.#streams.set(stream, counts)
    }
    return counts
  }
}

/** ISO times in UTC are in the order of their texts. */
function earliest(streams: readonly StreamReport[]): string | null {
  const times = streams.flatMap(({ pausedUntil }) => pausedUntil ?? [])
  return times.sort()[0] ?? null
}

function streamReport(stream: string, counts: StreamCounts, now: number): StreamReport {
  const seconds = counts.startedAt === null ? 0 : ((counts.endedAt ?? now) - counts.startedAt) / 1000
  return {
    stream,
    outcome: counts.outcome,
    error: counts.error,
    pausedUntil: counts.resumeAt === null ? null : new Date(counts.resumeAt).toISOString(),
    records: counts.records,
    inserted: counts.inserted,
    updated: counts.updated,
    unchanged: counts.unchanged,
    deleted: counts.deleted,
    rejected: counts.rejected,
    sides: Array.from(counts.sides, ([table, side]) => ({ table, ...side })),
    rejectReason: counts.rejectReason,
    pagination: counts.pagination,
    pages: counts.pages,
    bytes: counts.bytes,
    loads: counts.loads,
    requests: counts.requests,
    retries: counts.retries,
    refused: counts.refused,
    quotaWaitSeconds: counts.quotaWaitMs / 1000,
    seconds,
    recordsPerSecond: seconds === 0 ? 0 : counts.records / seconds,
    latencyMs: { p50: counts.latency.percentile(0.5), p95: counts.latency.percentile(0.95) },
    errorRate: counts.requests === 0 ? 0 : counts.failures / counts.requests,
    schemaChanges: counts.schemaChanges,
    warnings: counts.warnings,
  }
}
