// Everything that happens is one typed event. Progress, logs, metrics, the report and the monitor are subscribers and
// nothing else. Events carry numbers and names, never a secret (S1): URLs are redacted before they get here.

import type { TableCounts } from './destination.ts'

/** Rows of a side table. A rejected one is also among the rejects, its table named. */
export interface SideCounts extends TableCounts {
  readonly rejected: number
}

interface At {
  /** Milliseconds since 1970. */
  readonly at: number
}
interface OfStream extends At {
  readonly stream: string
}
interface OfRequest extends At {
  readonly source: string
  /** Absent where the request belongs to no stream: a token, a check. */
  readonly stream?: string
}

export type RunProblemKind = 'report-not-stored' | 'not-closed' | 'quotas-not-kept'

/** The size of a limit. */
export interface QuotaSize {
  readonly amount: number
  readonly perMs: number
  /** What a bucket holds; absent for windows. */
  readonly burst?: number | undefined
  /** Windows begin by the clock, and days of `perMs` here; absent for windows that slide, and for buckets. */
  readonly timeZone?: string | undefined
  /** Other processes take of it, too. */
  readonly shared?: true | undefined
}

interface OfQuota extends OfRequest {
  /** As in `700 requests per 1m`. */
  readonly quota: string
  /** Tells it from others of the same words, in one process. Absent of a quota of another make. */
  readonly limit?: number
  /** Who says it: the config, the API, or nobody, so that it had to be found. `places` are our own: requests under way at once. */
  readonly kind?: 'declared' | 'reported' | 'found' | 'places'
}

export type SluiceEvent =
  | (At & { type: 'run.start'; runId: string; pipeline: string; streams: readonly string[] })
  | (At & { type: 'run.end'; runId: string; outcome: 'done' | 'failed' | 'interrupted' | 'paused' })
  /**
   * Something beside the streams went wrong. `report-not-stored` makes the run failed; `not-closed` loses nothing; `quotas-not-kept`: what
   * earlier runs knew of a quota is lost to this one, or what this one knows to the next.
   */
  | (At & { type: 'run.problem'; problem: RunProblemKind; code: string; message: string })
  /** What is to be written waits for others. `reason`: for whom. */
  | (At & { type: 'destination.wait'; destination: string; reason: string; atMostMs: number })
  | (OfStream & { type: 'stream.start' })
  | (OfStream & {
      type: 'stream.end'
      outcome: 'done' | 'failed' | 'interrupted' | 'paused'
      error?: { code: string; message: string }
      /** Of a paused stream: when the API has room again, in milliseconds since 1970. */
      resumeAt?: number
    })
  | (OfStream & { type: 'slice.start'; slice: string; resumed: boolean })
  | (OfStream & { type: 'slice.end'; slice: string })
  /** A slice was left before its end, as its config says of what the API answered: the next run goes on with it. */
  | (OfStream & { type: 'slice.stop'; slice: string; reason: string })
  /** The job of a slice: created and committed; looked at, and not done, `nextMs` until the next look; done. `status` is the API's own word. */
  | (OfStream & { type: 'job.create'; slice: string; job: string })
  | (OfStream & {
      type: 'job.poll'
      slice: string
      job: string
      status: string
      elapsedMs: number
      nextMs: number
    })
  | (OfStream & { type: 'job.done'; slice: string; job: string; status: string; elapsedMs: number })
  | (OfStream & { type: 'page.read'; slice: string; records: number; bytes: number })
  /**
   * A list ended at its first page because the body has nothing at `path`, which `option` of `paginate` names; it may be a misspelt path.
   * `found`: paths of the body that look like what was meant, the likeliest first.
   */
  | (OfStream & {
      type: 'list.doubt'
      option: 'token' | 'url'
      path: string
      records: number
      found: readonly string[]
    })
  /**
   * `paginate: { type: auto }` looked at a first page. `kind`: what the list was taken for, `none` where it has one page. `place`: where that
   * is said, as in `links.next`. `doubt`: why it may be wrong, which is a warning.
   */
  | (OfStream & { type: 'pagination.detected'; kind: string; place: string | null; doubt: string | null })
  /**
   * A list moved while it was read, and its place was found again. `by`: the records that came in front of it less those that went; `null`
   * where the last record is gone. `pages`: how many were read to find it.
   */
  | (OfStream & { type: 'list.shift'; by: number | null; pages: number })
  /**
   * A list that was read from its first page to its last gave `found` records where the API says, at `place`, that there are `expected`.
   * `slice`: as far as it is known by a name of its own.
   */
  | (OfStream & { type: 'count.mismatch'; slice: string; expected: number; found: number; place: string })
  /** What the API sends says that the config may not mean what was meant: rows, or records, may be fewer than there are. */
  | (OfStream & { type: 'stream.warning'; message: string })
  /** The API no longer knows the position at which a slice was read. `resync`: the slice is read from its beginning; `refresh`: the stream anew. */
  | (OfStream & { type: 'position.expired'; slice: string; action: 'resync' | 'refresh' })
  | (OfStream & {
      type: 'load.commit'
      loadId: string
      records: number
      inserted: number
      updated: number
      unchanged: number
      deleted: number
      rejected: number
      /** What the load did to the stream's side tables, by name. Absent where it has none. */
      sides?: Readonly<Record<string, SideCounts>>
      elapsedMs: number
    })
  | (OfStream & { type: 'schema.change'; changes: readonly string[] })
  | (OfStream & { type: 'record.reject'; count: number; reason: string })
  | (OfRequest & {
      type: 'request.end'
      method: string
      url: string
      status: number
      /** For want of quota, whatever the status. */
      refused?: true
      elapsedMs: number
      attempt: number
    })
  | (OfRequest & {
      type: 'request.fail'
      method: string
      url: string
      code: string
      message: string
      /** Refused for want of quota, as its head said. */
      refused?: true
      /** Cut off because its stream stopped: nobody's failure. */
      stopped?: true
      elapsedMs: number
      attempt: number
    })
  | (OfRequest & { type: 'request.retry'; url: string; attempt: number; delayMs: number; reason: string })
  /** A wait for quota begins. `expectedMs`: the least that it takes; `null`: until another request ends. */
  | (OfQuota & { type: 'quota.hold'; expectedMs: number | null })
  /** A wait for quota is over. */
  | (OfQuota & { type: 'quota.wait'; delayMs: number })
  /** In place of a wait that is longer than a run's patience: the stream is paused until then, in milliseconds since 1970. */
  | (OfQuota & { type: 'quota.pause'; until: number })
  /** What one request took of one limit. Of a request that is refused, one limit says that it was: that which explains it. */
  | (OfQuota & {
      type: 'quota.use'
      /** One number for all that one request took. */
      request: number
      /** The tenant, resource or budget, as a number. */
      part: number
      /** In the limit's unit. */
      used: number
      refused: boolean
      /** In milliseconds since 1970. */
      sentAt: number
      /** `null` where it is not known. */
      size: QuotaSize | null
    })
  | (OfRequest & { type: 'breaker.open'; forMs: number; reason: string })
  | (OfRequest & { type: 'breaker.close' })
  | (OfRequest & { type: 'breaker.wait'; delayMs: number })
  /** One of several credentials that are used in turn was refused, and is left out from now on. `left`: how many there still are. */
  | (OfRequest & { type: 'credential.refused'; left: number })
  | (OfRequest & { type: 'token.refresh'; reason: 'first' | 'expiring' | 'refused' })

export type EventSink = (event: SluiceEvent) => void
