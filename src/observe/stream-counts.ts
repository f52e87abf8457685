import type { SideCounts, SluiceEvent } from '../ports/events.ts'
import { detectedText, doubtText, mismatchText } from './doubt-text.ts'
import { LatencyHistogram } from './latency-histogram.ts'
import { expiredText, stopText } from './log-line.ts'

/** A stream of many slices may stop many of them: a report names the first. */
const mostWarnings = 10

/** What happened to one stream, summed up as its events come. */
export class StreamCounts {
  startedAt: number | null = null
  endedAt: number | null = null
  outcome: 'running' | 'done' | 'failed' | 'interrupted' | 'paused' = 'running'
  error: { readonly code: string; readonly message: string } | null = null
  /** Of a paused stream: when the API has room again. */
  resumeAt: number | null = null
  pages = 0
  /** Records read. */
  records = 0
  bytes = 0
  loads = 0
  /** Records committed: inserted, updated, unchanged and rejected together. */
  committed = 0
  inserted = 0
  updated = 0
  unchanged = 0
  deleted = 0
  rejected = 0
  /** What was done to the side tables, by name. */
  readonly sides = new Map<string, SideCounts>()
  rejectReason: string | null = null
  /** What `paginate: { type: auto }` took the list for. */
  pagination: string | null = null
  /** Attempts, repeats included. */
  requests = 0
  failures = 0
  retries = 0
  /** Requests that were refused for want of quota, whatever their status. */
  refused = 0
  quotaWaitMs = 0
  breakerWaitMs = 0
  readonly schemaChanges: string[] = []
  /** What may be wrong, though nothing failed. */
  readonly warnings: string[] = []
  readonly latency = new LatencyHistogram()

  add(event: SluiceEvent): void {
    switch (event.type) {
      case 'stream.start':
        this.startedAt = event.at
        break
      case 'stream.end':
        this.endedAt = event.at
        this.outcome = event.outcome
        this.error = event.error ?? null
        this.resumeAt = event.resumeAt ?? null
        break
      case 'page.read':
        this.pages++
        this.records += event.records
        this.bytes += event.bytes
        break
      case 'load.commit':
        this.loads++
        this.committed += event.records
        this.inserted += event.inserted
        this.updated += event.updated
        this.unchanged += event.unchanged
        this.deleted += event.deleted
        this.rejected += event.rejected
        for (const [table, counts] of Object.entries(event.sides ?? {})) this.#addSide(table, counts)
        break
      case 'record.reject':
        this.rejectReason ??= event.reason
        break
      case 'slice.stop':
        if (this.warnings.length < mostWarnings) this.warnings.push(stopText(event))
        break
      case 'position.expired':
        if (this.warnings.length < mostWarnings) this.warnings.push(expiredText(event))
        break
      case 'list.doubt':
        this.warnings.push(doubtText(event))
        break
      case 'pagination.detected':
        this.pagination = detectedText({ ...event, doubt: null })
        if (event.doubt !== null) this.warnings.push(detectedText(event))
        break
      case 'count.mismatch':
        if (this.warnings.length < mostWarnings) this.warnings.push(mismatchText(event))
        break
      case 'stream.warning':
        if (this.warnings.length < mostWarnings) this.warnings.push(event.message)
        break
      case 'schema.change':
        this.schemaChanges.push(...event.changes)
        break
      case 'request.end':
        this.requests++
        this.latency.add(event.elapsedMs)
        if (event.refused) this.refused++
        else if (event.status >= 400) this.failures++
        break
      case 'request.fail':
        this.requests++
        if (event.refused) this.refused++
        // Cut off because the run, or its stream, stops: that is nobody's failure.
        else if (!event.stopped && event.code !== 'INTERRUPTED') this.failures++
        break
      case 'request.retry':
        this.retries++
        break
      case 'quota.wait':
        // For a place among our own requests nobody asks but we.
        if (event.kind !== 'places') this.quotaWaitMs += event.delayMs
        break
      case 'breaker.wait':
        this.breakerWaitMs += event.delayMs
        break
    }
  }

  #addSide(table: string, counts: SideCounts): void {
    const sum = this.sides.get(table)
    this.sides.set(table, {
      inserted: (sum?.inserted ?? 0) + counts.inserted,
      updated: (sum?.updated ?? 0) + counts.updated,
      unchanged: (sum?.unchanged ?? 0) + counts.unchanged,
      deleted: (sum?.deleted ?? 0) + counts.deleted,
      rejected: (sum?.rejected ?? 0) + counts.rejected,
    })
  }
}
