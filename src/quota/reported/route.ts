// Which budgets a request counts against is learned from replies: those that the replies to its route report.
import { retryAfterMs } from '../../http/retry-after.ts'
import type { Meter, SentRequest } from '../meters/meter.ts'
import type { QuotaQueue } from '../queue.ts'
import type { QuotaRefusal, QuotaReply } from '../quota.ts'
import type { QuotaUse } from '../usage.ts'
import { type Bucket, reportedSize } from './bucket.ts'
import type { Pause } from './pause.ts'
import type { RateReport } from './report.ts'

/** What routes share. */
export interface RouteSurroundings {
  /** Of the whole account. */
  readonly pause: Pause
  reportsIn(reply: QuotaReply, sent: SentRequest, now: number, wallNow: number): readonly RateReport[]
  bucketOf(report: RateReport, resource: string): Bucket
  createQueue(meter: RouteMeter): QuotaQueue
  /** A route has learned of a bucket. */
  learned(route: Route, bucket: Bucket, now: number): void
}

export class Route {
  readonly resource: string
  /** Its own, where a refusal that names no budget speaks of its route alone. */
  readonly pause: Pause | undefined
  /** Learned from its replies. */
  readonly buckets = new Set<Bucket>()
  /** Whether a reply has come. Until then the buckets of its requests are a guess. */
  answered = false
  /** What its next request takes, the widest first; undefined where that is to be found out anew. */
  queues: readonly QuotaQueue[] | undefined
  /** Of its requests that may be waiting still, the newest last. */
  readonly meters: RouteMeter[] = []

  constructor(resource: string, pause?: Pause) {
    this.resource = resource
    this.pause = pause
  }
}

/**
 * Sees a route's replies, as the narrowest meter of its requests. One is made whenever a route has learned of a bucket. Requests that wait since before
 * that don't take from the bucket's queue: this meter holds them back in its place.
 */
export class RouteMeter implements Meter {
  readonly maxCost = Number.POSITIVE_INFINITY
  readonly #route: Route
  readonly #around: RouteSurroundings
  /** Those whose queues the requests take from. */
  readonly #taken: ReadonlySet<Bucket>
  /** Those that were learned since. */
  readonly #adopted = new Set<Bucket>()
  #inFlight = 0
  #changed: (() => void) | undefined
  /** By the order of the request: what its reply asks to pause, as long as it may be called a refusal. */
  readonly #refusable = new Map<number, readonly Pause[]>()

  /** By the order of the request: the budgets of which its reply says that nothing is left. */
  readonly #spent = new Map<number, readonly Bucket[]>()

  constructor(route: Route, taken: ReadonlySet<Bucket>, around: RouteSurroundings) {
    this.#route = route
    this.#taken = taken
    this.#around = around
  }
  readyAt(cost: number, now: number): number {
    let at = this.#route.pause?.readyAt(cost, now) ?? now
    for (const { meter, pause } of this.#adopted)
      at = Math.max(at, meter.readyAt(cost, now), pause.readyAt(cost, now))
    return at
  }
  take(cost: number, now: number): void {
    this.#inFlight += cost
    for (const { meter } of this.#adopted) meter.take(cost, now)
  }
  cancel(cost: number, now: number): void {
    this.#inFlight -= cost
    for (const { meter } of this.#adopted) meter.cancel(cost, now)
  }
  settle(sent: SentRequest, now: number, reply: QuotaReply | undefined, wallNow: number): void {
    this.#inFlight -= sent.cost
    const held = new Set(this.#adopted)
    for (const bucket of held) {
      bucket.meter.settle(sent, now, reply, wallNow)
      bucket.changed()
    }
    if (reply === undefined) return
    if (!this.#route.answered) {
      this.#route.answered = true
      this.#route.queues = undefined
    }
    const reports = this.#around.reportsIn(reply, sent, now, wallNow)
    const named: Bucket[] = []
    const spent: Bucket[] = []
    for (const report of reports) {
      const bucket = this.#around.bucketOf(report, this.#route.resource)
      bucket.size = reportedSize(report) ?? bucket.size
      if (report.remaining === 0) spent.push(bucket)
      if (report.bucket !== '') named.push(bucket)
      if (!this.#taken.has(bucket) && !held.has(bucket)) {
        this.hold(bucket, now)
        bucket.meter.observe(report, sent, now)
        bucket.changed()
      }
      if (this.#route.buckets.has(bucket)) continue
      this.#route.buckets.add(bucket)
      this.#around.learned(this.#route, bucket, now)
    }
    if (spent.length > 0) this.#spent.set(sent.order, spent)
    if (reply.status < 400) return
    const pauses = this.#pausesOf(reply, reports, named)
    this.#refusable.set(sent.order, pauses)
    const wait = retryAfterMs(reply.headers, wallNow)
    if (wait !== undefined) for (const pause of pauses) pause.extend(now + wait)
  }
  refuse({ retryAfterMs }: QuotaRefusal, { order }: SentRequest, now: number): void {
    if (retryAfterMs === undefined) return
    for (const pause of this.#refusable.get(order) ?? [this.#unnamed]) pause.extend(now + retryAfterMs)
  }
  release({ order }: SentRequest): void {
    this.#refusable.delete(order)
    this.#spent.delete(order)
  }
  /** What a request took of the budgets that its route counts against. */
  usesOf({ cost, sentAt, order }: SentRequest): readonly QuotaUse[] {
    const spent = this.#spent.get(order)
    return [...this.#route.buckets].map((bucket) => ({
      limit: bucket.queue.limit,
      part: bucket.queue.id,
      order,
      used: cost,
      sentAt,
      size: bucket.size,
      spent: spent?.includes(bucket) ?? false,
    }))
  }
  onChange(changed: () => void): void {
    this.#changed = changed
  }

  /** Holds back those who wait without having been told of the bucket. What is in flight may count against it. */
  hold(bucket: Bucket, now: number): void {
    if (this.#taken.has(bucket) || this.#adopted.has(bucket)) return
    if (this.#inFlight > 0) bucket.meter.take(this.#inFlight, now)
    this.#adopted.add(bucket)
    bucket.onChange(() => this.#changed?.())
  }

  /** What a refusal speaks of that names no budget. */
  get #unnamed(): Pause {
    return this.#route.pause ?? this.#around.pause
  }

  /** A wait belongs to the budgets that the refusal names: to those that are spent, if any is. Else to the whole account, or to the route. */
  #pausesOf(reply: QuotaReply, reports: readonly RateReport[], named: readonly Bucket[]): readonly Pause[] {
    const isRefusal = reply.status === 429 || reply.status === 403
    if (!isRefusal || reply.headers['x-ratelimit-global'] !== undefined) return [this.#around.pause]
    if (named.length === 0) return [this.#unnamed]
    const spent = reports.filter((report) => report.bucket !== '' && report.remaining === 0)
    const meant =
      spent.length === 0 ? named : spent.map((report) => this.#around.bucketOf(report, this.#route.resource))
    return meant.map(({ pause }) => pause)
  }
}
