// The API of a scenario: limits, what it says of them, latency, faults, neighbours.
import { TransportError } from '../../../src/http/errors.ts'
import type { Clock, HttpRequest, HttpResponse, Transport } from '../../../src/ports/runtime.ts'
import type { Scenario, ScenarioLimit } from '../scenario.ts'
import {
  concurrency,
  fixedWindow,
  type Limiter,
  slidingCounter,
  slidingLog,
  tokenBucket,
  windowFromFirst,
} from './limiter.ts'
import { Neighbours } from './neighbours.ts'
import { type NamedBudget, reports } from './reports.ts'

/** A request that arrived. */
export interface Decision {
  /** On the client's clock. */
  readonly at: number
  readonly sentAt: number
  readonly path: string
  /** What refused it; `undefined`: it was counted. */
  readonly refusedBy: string | undefined
  readonly budgets: readonly NamedBudget[]
}

export interface Tally {
  /** Arrived, and not refused. */
  counted: number
  refused: number
  neighbours: number
}

export interface ScenarioServer {
  readonly transport: Transport
  readonly tally: Readonly<Tally>
  /** The least share that was used of a limit that binds. Neighbours' requests are no one's use, and not granted either. */
  usedShare(until: number): number
  /** What was granted and what was used of the limit that was used least, in its unit. */
  worst(until: number): { readonly granted: number; readonly used: number }
}

export interface ServerOptions {
  readonly scenario: Scenario
  readonly clock: Clock
  readonly random: () => number
  readonly onDecision?: (decision: Decision) => void
}

/** One limit of the scenario, and the limiters that it has come to. */
interface Kept {
  readonly limit: ScenarioLimit
  readonly limiters: Map<string, Limiter>
  used: number
  neighbours: number
  /** Of places: how long requests that were counted were on their way, in milliseconds. Meanwhile no one's place can be used. */
  underWay: number
}

export function scenarioServer({ scenario, clock, random, onDecision }: ServerOptions): ScenarioServer {
  const { server, latency, faults } = scenario
  const start = clock.now()
  const serverNow = () => clock.now() + server.ahead
  const tally: Tally = { counted: 0, refused: 0, neighbours: 0 }
  const kept: Kept[] = server.limits.map((limit) => ({
    limit,
    limiters: new Map(),
    used: 0,
    neighbours: 0,
    underWay: 0,
  }))
  const neighbours = new Neighbours(scenario.neighbours, random, start)
  let penaltyUntil = Number.NEGATIVE_INFINITY

  const limiterOf = ({ limit, limiters }: Kept, key: string) => {
    let limiter = limiters.get(key)
    if (limiter === undefined) {
      limiter = createLimiter(limit)
      limiters.set(key, limiter)
    }
    return limiter
  }
  const holding = (path: string, headers: Readonly<Record<string, string>>) =>
    kept.flatMap((one) =>
      one.limit.path === undefined || path.startsWith(one.limit.path)
        ? [
            {
              one,
              limiter: limiterOf(one, one.limit.each === undefined ? '' : (headers[one.limit.each] ?? '')),
            },
          ]
        : [],
    )
  const neighbourAsks = (at: number) => {
    const hold = holding('', {})
    if (hold.some(({ limiter }) => limiter.waitFor(1, at) > 0)) return
    tally.neighbours++
    for (const { one, limiter } of hold) {
      limiter.count(1, at)
      one.neighbours++
    }
  }

  async function arrive(
    request: HttpRequest,
    sentAt: number,
    wayMs: number,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const now = serverNow()
    neighbours.catchUp(now - server.ahead, (at) => neighbourAsks(at + server.ahead))
    const path = new URL(request.url).pathname.slice(1)
    const hold = holding(path, request.headers)
    const asked = typeof server.cost === 'number' ? server.cost : server.cost.asked
    let waitMs = Math.max(0, penaltyUntil - now)
    let refusedBy = waitMs > 0 ? 'the penalty' : undefined
    for (const { one, limiter } of hold) {
      const wait = limiter.waitFor(one.limit.kind === 'concurrent' ? 1 : asked, now)
      if (wait > waitMs) {
        waitMs = wait
        refusedBy = one.limit.name
      }
    }
    if (refusedBy === undefined) {
      tally.counted++
      for (const { one, limiter } of hold) {
        limiter.count(one.limit.kind === 'concurrent' ? 1 : asked, now)
        if (one.limit.kind !== 'concurrent') one.used += asked
        else one.underWay += wayMs
      }
    } else {
      tally.refused++
      if (server.penalty !== undefined) penaltyUntil = now + server.penalty
      if (server.penalty !== undefined) waitMs = server.penalty
    }
    const budgets = hold
      .filter(({ one }) => one.limit.kind !== 'concurrent')
      .map(({ one, limiter }) => ({ name: one.limit.name, ...limiter.budget(now) }))
    onDecision?.({ at: now - server.ahead, sentAt, path, refusedBy, budgets })
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      date: new Date(Math.floor(now / 1000) * 1000).toUTCString(),
    }
    if (server.reports !== undefined && random() >= faults.bare) {
      const round = server.rounds === 'up' ? Math.ceil : Math.floor
      Object.assign(headers, reports[server.reports]!(budgets, { now, round }))
    }
    if (refusedBy !== undefined) {
      if (server.refusal.retryAfter) headers['retry-after'] = `${Math.ceil(waitMs / 1000)}`
      const atOnce = hold.some(({ one }) => one.limit.name === refusedBy && one.limit.kind === 'concurrent')
      return respond(server.refusal.status, headers, refusalBody(atOnce))
    }
    const actual = actualCost(server.cost, random)
    for (const { one, limiter } of hold) {
      if (actual >= asked || one.limit.kind === 'concurrent') continue
      limiter.refund?.(asked - actual, now)
      one.used -= asked - actual
    }
    if (scenario.service.least > 0) await clock.sleep(spread(scenario.service), signal)
    for (const { one, limiter } of hold) {
      limiter.end?.()
      if (one.limit.kind === 'concurrent') one.used += serverNow() - now
    }
    if (random() < faults.error) return respond(503, headers, { error: 'busy' })
    return respond(200, headers, { items: [], ...(asked === 1 ? {} : costBody(asked, actual)) })
  }

  const spread = ({ least, jitter }: { least: number; jitter: number }) =>
    least + jitter * Math.min(8, -Math.log(1 - random()))
  const transport: Transport = async (request, signal) => {
    signal?.throwIfAborted()
    const sentAt = clock.now()
    const total = spread(latency)
    const up = latency.least / 2 + random() * (total - latency.least)
    await clock.sleep(up, signal)
    const lost = random() < faults.reset
    const reset = () => new TransportError(request.url, 'ECONNRESET', 'the connection broke', { sent: true })
    if (lost && random() < 0.5) throw reset()
    const response = await arrive(request, sentAt, total, signal)
    await clock.sleep(total - up, signal)
    if (lost) throw reset()
    return response
  }

  const worst = (until: number) => {
    const shares = kept
      .filter(({ limit }) => limit.binds)
      .map(({ limit, limiters, used, neighbours: others, underWay }) => {
        let granted = 0
        for (const limiter of limiters.values())
          granted += limiter.granted(start + server.ahead, until + server.ahead)
        granted -= limit.reserved > 0 ? granted * limit.reserved : others
        return { granted: granted - underWay, used }
      })
    return shares.reduce((a, b) => (b.used / b.granted < a.used / a.granted ? b : a))
  }
  return {
    transport,
    tally,
    worst,
    usedShare(until) {
      const { granted, used } = worst(until)
      return used / granted
    },
  }
}

/** As many APIs word it: what a client takes for a refusal under any status. */
function refusalBody(atOnce: boolean) {
  const message = atOnce ? 'Too many concurrent requests' : 'API rate limit exceeded'
  return { errors: [{ message, extensions: { code: 'THROTTLED' } }] }
}

function actualCost(cost: Scenario['server']['cost'], random: () => number): number {
  if (typeof cost === 'number') return cost
  const [least, most] = cost.actual
  return Math.round(least + random() * (most - least))
}

function costBody(asked: number, actual: number) {
  return { extensions: { cost: { requestedQueryCost: asked, actualQueryCost: actual } } }
}

function createLimiter({ kind, most, per = 0, perSecond = 0 }: ScenarioLimit): Limiter {
  switch (kind) {
    case 'fixed':
      return fixedWindow(most, per)
    case 'from-first':
      return windowFromFirst(most, per)
    case 'log':
      return slidingLog(most, per)
    case 'counter':
      return slidingCounter(most, per)
    case 'bucket':
      return tokenBucket(most, perSecond)
    case 'concurrent':
      return concurrency(most)
  }
}

function respond(status: number, headers: Record<string, string>, body: unknown): HttpResponse {
  const bytes = Buffer.from(JSON.stringify(body))
  return {
    status,
    headers,
    body: (async function* () {
      yield bytes
    })(),
    discard: async () => {},
  }
}
