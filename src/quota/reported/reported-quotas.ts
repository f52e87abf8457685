// What an API says of its own limits in the headers of each response (Q4). It only ever makes a quota stricter.
//   A budget that is reported holds back those who need it: `budget.ts`. There may be several, and which of them a request needs is learned: `route.ts`.
//   `retry-after` on an error pauses everybody who asks for the budget that the reply names, or for the account: until then and not before.

import type { Clock } from '../../ports/runtime.ts'
import type { RefusalScope } from '../adaptive/options.ts'
import type { QueuedQuota } from '../combine.ts'
import { acquireTogether } from '../line.ts'
import type { ServerTime } from '../meters/fixed-window.ts'
import type { SentRequest } from '../meters/meter.ts'
import { RoundTrip } from '../meters/round-trip.ts'
import type { Take } from '../permit.ts'
import { QuotaQueue } from '../queue.ts'
import type { Permit, QuotaAsk, QuotaReply, QuotaRequest } from '../quota.ts'
import { type QuotaLimit, quotaLimit } from '../usage.ts'
import { type Bucket, bucketKey, createBucket } from './bucket.ts'
import type { RateLimitHeaders } from './options.ts'
import { Pause } from './pause.ts'
import { readReports } from './read-reports.ts'
import type { RateReport } from './report.ts'
import { Route, RouteMeter, type RouteSurroundings } from './route.ts'
import { endpointOf, resourceName, routeName } from './route-name.ts'
import { ServerClock } from './server-clock.ts'

export interface ReportedQuotasOptions {
  readonly rateLimitHeaders: RateLimitHeaders
  /** `spread`: what remains of a budget is spread evenly until its reset. Default: `burst`, as soon as it may be sent. */
  readonly pace?: 'burst' | 'spread' | undefined
  /** What a refusal speaks of that names no budget: what waits where it says how long. Default: `account`. */
  readonly refusalScope?: RefusalScope | undefined
}

/** A budget as an API reports it, and as it was used since. */
export interface BudgetState {
  /** As the API names it; empty where it doesn't. */
  readonly name: string
  readonly limit: number | undefined
  /** What may still be sent; what is in flight is not in it. */
  readonly remaining: number
  /** When it is full again: milliseconds since 1970. `undefined`: that isn't known now. */
  readonly resetAt: number | undefined
}

/** Routes and budgets beyond these are forgotten where nobody needs them. */
const mostKept = 1000
/** A route learns of a new budget now and then, while some requests wait still by what was known before. */
const mostMeters = 8

export class ReportedQuotas implements QueuedQuota {
  readonly name = 'what the API reports'
  readonly #limit: QuotaLimit
  readonly #options: ReportedQuotasOptions
  readonly #clock: Clock
  readonly #serverClock = new ServerClock()
  readonly #roundTrip = new RoundTrip()
  readonly #buckets = new Map<string, Bucket>()
  readonly #routes = new Map<string, Route>()
  /** By method and path, ids included: what was asked lately. */
  readonly #asked = new Map<string, Route>()
  readonly #account: QuotaQueue
  /** The queues that all routes wait for. */
  #wide: ReadonlySet<QuotaQueue>
  readonly #around: RouteSurroundings
  /** Of the reply that came last: it is asked for once for each of the request's meters. */
  #read: { readonly reply: QuotaReply; readonly reports: readonly RateReport[] } | undefined

  constructor(options: ReportedQuotasOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    const pause = new Pause()
    this.#limit = quotaLimit(this.name, 'reported')
    // What is used is told of budgets: what the account's queue and the routes' hold back has no size.
    this.#account = new QuotaQueue(this.name, [pause], clock, { limit: this.#limit, usesOf: () => [] })
    this.#wide = new Set([this.#account])
    this.#around = {
      pause,
      reportsIn: (reply, sent, now, wallNow) => this.#reportsIn(reply, sent, now, wallNow),
      bucketOf: (report, resource) => this.#bucketOf(report, resource),
      createQueue: (meter) =>
        new QuotaQueue(this.name, [meter], clock, {
          limit: this.#limit,
          usesOf: (sent) => meter.usesOf(sent),
        }),
      learned: (route, bucket, now) => {
        for (const meter of route.meters) meter.hold(bucket, now)
        route.queues = undefined
        // Those without a reply go by what is common to all routes, which may be another now.
        const common = this.#common()
        for (const { answered, meters } of this.#routes.values())
          if (!answered) for (const meter of meters) for (const one of common) meter.hold(one, now)
        this.#wide = new Set([this.#account, ...[...common].map(({ queue }) => queue)])
      },
    }
  }

  acquire(ask: QuotaAsk = {}): Promise<Permit> {
    return acquireTogether(this.takesOf(ask).toReversed(), ask)
  }

  takesOf({ cost = 1, request }: QuotaAsk): readonly Take[] {
    const route = this.#routeOf(this.#tellsRoutes ? request : undefined)
    route.queues ??= this.#queuesOf(route)
    // Whoever waits for a budget of some routes must not stand in what all of them wait for.
    return route.queues.map((queue) => ({ queue, cost, narrow: !this.#wide.has(queue) }))
  }

  get #tellsRoutes(): boolean {
    return this.#options.rateLimitHeaders !== false || this.#options.refusalScope === 'endpoint'
  }

  /** How far the server's clock is from ours, where its replies tell. */
  serverTime(): ServerTime | undefined {
    return this.#serverClock.time()
  }

  /** The budgets that hold now, as progress and reports show them. */
  state(): readonly BudgetState[] {
    const wallNow = this.#clock.now()
    return [...this.#buckets.values()].flatMap(({ name, meter, queue }) => {
      const now = queue.now()
      const level = meter.state(now)
      if (level === undefined) return []
      const resetAt = level.resetAt === undefined ? undefined : Math.ceil(wallNow + level.resetAt - now)
      return { name, limit: level.limit, remaining: level.remaining, resetAt }
    })
  }

  #routeOf(request: QuotaRequest | undefined): Route {
    const known = this.#asked.get(request === undefined ? '' : endpointOf(request))
    if (known !== undefined) return known
    const resource = request === undefined ? '' : resourceName(request)
    const key = request === undefined ? '' : `${routeName(request)} ${resource}`
    let route = this.#routes.get(key)
    if (route === undefined) {
      this.#forgetRoutes()
      route = new Route(resource, this.#options.refusalScope === 'endpoint' ? new Pause() : undefined)
      this.#routes.set(key, route)
    }
    if (this.#asked.size >= mostKept) this.#asked.clear()
    this.#asked.set(request === undefined ? '' : endpointOf(request), route)
    return route
  }

  /** A route without a reply is taken to count against what all the others do. */
  #queuesOf(route: Route): readonly QuotaQueue[] {
    const buckets = route.answered ? route.buckets : this.#common()
    const meter = new RouteMeter(route, new Set(buckets), this.#around)
    route.meters.push(meter)
    if (route.meters.length > mostMeters) route.meters.shift()
    const queues = [...buckets].map(({ queue }) => queue)
    return [this.#account, ...queues, this.#around.createQueue(meter)]
  }
  #common(): ReadonlySet<Bucket> {
    let common: Set<Bucket> | undefined
    for (const { answered, buckets } of this.#routes.values()) {
      if (!answered || buckets.size === 0) continue
      common = new Set([...(common ?? buckets)].filter((one) => buckets.has(one) && !one.perResource))
    }
    return common ?? new Set()
  }

  #reportsIn(reply: QuotaReply, sent: SentRequest, now: number, wallNow: number): readonly RateReport[] {
    if (this.#read?.reply === reply) return this.#read.reports
    this.#serverClock.observe(reply.headers, sent.sentAt, now, wallNow)
    this.#roundTrip.observe(now - sent.sentAt)
    const reports = readReports(reply.headers, this.#options.rateLimitHeaders, wallNow)
    this.#read = { reply, reports }
    return reports
  }

  #bucketOf(report: RateReport, resource: string): Bucket {
    const key = bucketKey(report, resource)
    const known = this.#buckets.get(key)
    if (known !== undefined) return known
    this.#forgetBuckets()
    const bucket = createBucket(
      key,
      report,
      {
        serverClock: this.#serverClock,
        roundTrip: this.#roundTrip,
        pace: this.#options.pace ?? 'burst',
        reportIn: (...reply) => this.#reportsIn(...reply).find((one) => bucketKey(one, resource) === key),
      },
      this.#clock,
      this.#limit,
    )
    this.#buckets.set(key, bucket)
    return bucket
  }

  #forgetRoutes(): void {
    if (this.#routes.size < mostKept) return
    this.#asked.clear()
    for (const [key, { queues }] of this.#routes) {
      if (queues?.at(-1)?.lines.size === 0) this.#routes.delete(key)
      if (this.#routes.size < mostKept / 2) return
    }
  }
  #forgetBuckets(): void {
    if (this.#buckets.size < mostKept) return
    for (const [key, bucket] of this.#buckets) {
      if (bucket.queue.lines.size > 0 || !bucket.meter.isIdle(bucket.queue.now())) continue
      this.#buckets.delete(key)
      for (const route of this.#routes.values()) if (route.buckets.delete(bucket)) route.queues = undefined
    }
  }
}
