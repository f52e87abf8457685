// The sandbox: one deterministic API with several vendors' manners, for the example, the tests, and people who try things out.
//
//   /desk    Zendesk   desk.ts     users and tickets by cursor, OAuth
//   /pay     Stripe    pay.ts      balance transactions and charges, newest first
//   /track   Mixpanel  track.ts    events by offset, raw export by day
//   /code    GitLab    code.ts     projects by a growing id, pages by `Link`
//   /_sandbox          admin.ts    truth, statistics, changes: for tests in another process
//
// It answers in memory and waits on nothing but the clock it is given, so that the same requests at the same times get the same answers:
// on a fake clock a simulated day passes in milliseconds.
import type { Clock, HttpRequest, HttpResponse } from '../src/ports/runtime.ts'
import { admin } from './admin.ts'
import { BrokenConnectionError, toResponse } from './body.ts'
import { code } from './code.ts'
import { desk } from './desk.ts'
import { type FaultKind, Faults } from './faults.ts'
import { createLimiter, type Limiter, type Verdict } from './limiter.ts'
import { type LimitName, limitFor, type SandboxOptions, sandboxOptions, sizes } from './options.ts'
import { pay } from './pay.ts'
import { fraction } from './random.ts'
import { type Call, type Endpoint, json, type Reply, type Service } from './service.ts'
import { type LogEntry, Recorder, type Stats } from './stats.ts'
import { TokenDesk } from './tokens.ts'
import { track } from './track.ts'
import { GENERATION_MS, QUIET_MS, type Round, type Truth, World } from './world.ts'

const HOUR_MS = 3_600_000

export interface SandboxInput extends SandboxOptions {
  /** The only time that the sandbox knows. */
  readonly clock: Clock
  /** Rounds that happened in an earlier life of the same world, oldest first. Default: none. */
  readonly history?: readonly Round[]
  /** Called after each round of changes that is not history. */
  readonly onRound?: (round: Round) => void
}

export interface Sandbox {
  /** Answers one request. Rejects with BrokenConnectionError where a real server would break the connection, and so may the body. */
  handle(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse>
  /** What a complete warehouse holds, table by table. */
  readonly truth: Truth
  /** Epoch milliseconds; the base data lies before it. */
  readonly startTime: number
  /** Every round of changes so far: with the same options they give the same world again. */
  readonly rounds: readonly Round[]
  readonly stats: Stats
  /**
   * Inserts, updates and deletes some records, chosen by the seed. Default: 3, 4 and 1 of them in each table that allows it, now.
   * RangeError when `at` is before the newest change.
   */
  mutate(round?: Partial<Round>): Round
  /** Ends the changes that `mutateEvery` makes during a run, so that a last run can reach the truth. */
  freeze(): void
  /** Makes the next `times` requests whose path and query contain `match` fail in this way. */
  force(match: string, kind: FaultKind, times?: number): void
  /** Ends every access token of the desk. */
  revokeTokens(): void
}

const ROUND = { inserts: 3, updates: 4, deletes: 1 } as const

/** ZodError for an option that is wrong. */
export function createSandbox(input: SandboxInput): Sandbox {
  const { clock, history = [], onRound, ...given } = input
  const options = sandboxOptions.parse(given)
  const { seed } = options
  const startTime = options.startTime ?? Math.floor(clock.now() / HOUR_MS) * HOUR_MS
  const world = new World(seed, sizes(options.records), startTime)
  for (let round = 1; round <= options.generation; round++) {
    world.apply({ ...ROUND, at: startTime - QUIET_MS + round * GENERATION_MS })
  }
  for (const round of history) world.apply(round)

  const recorder = new Recorder()
  const faults = new Faults(seed, options.faults)
  const tokens = new TokenDesk(seed, options.tokenSeconds)
  const limiter = (name: LimitName): Limiter | undefined => {
    const limit = limitFor(options.limits, name)
    return limit && createLimiter(limit)
  }
  const services: readonly Service[] = [
    desk(world, {
      tokens,
      account: limiter('desk'),
      exports: { tickets: limiter('deskExport'), users: limiter('deskExport') },
    }),
    pay(world, { transactions: limiter('pay'), charges: limiter('pay') }),
    track(world, { query: limiter('trackQuery'), export: limiter('trackExport') }),
    code(world, limiter('code')),
  ]
  let dataRequests = 0
  let roundsLeft = options.mutateEvery === 0 ? 0 : options.mutateRounds

  function mutate(round: Partial<Round> = {}): Round {
    const full = { ...ROUND, at: Math.max(clock.now(), world.changedAt), ...round }
    world.apply(full)
    onRound?.(full)
    return full
  }

  /** Changes during a run hang on the number of requests, not on the time: the same run meets the same changes. */
  function mutateDuringRun(): void {
    dataRequests++
    if (roundsLeft === 0 || dataRequests % options.mutateEvery !== 0) return
    roundsLeft--
    mutate()
  }

  async function handle(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
    const url = new URL(request.url)
    const text =
      typeof request.body === 'string' ? request.body : Buffer.from(request.body ?? []).toString('utf8')
    const bodyFault = { kind: undefined, clock, slowMs: options.slowMs, signal }
    if (url.pathname.startsWith('/_sandbox/')) {
      return toResponse(admin(sandbox, request.method, url.pathname, text), bodyFault)
    }

    const service = services.find(({ prefix }) => url.pathname.startsWith(`${prefix}/`))
    const endpoint = service?.endpoints.find(
      ({ method, path }) => method === request.method && path === url.pathname,
    )
    const entry = recorder.begin(clock.now(), endpoint?.name ?? 'unknown', url.searchParams)
    if (options.latencyMs > 0) {
      await clock.sleep(options.latencyMs * (0.5 + fraction(seed, 0x1a7, entry.number)), signal)
    }
    const read = { method: request.method, url, headers: request.headers, body: text, now: clock.now() }
    if (!service || !endpoint) {
      const call = { ...read, fault: undefined }
      return finish(entry, service?.notFound(call) ?? json(404, { error: 'Not found' }), bodyFault)
    }
    if (endpoint.name !== 'desk.token') mutateDuringRun()

    const kinds = options.faultKinds
      ? endpoint.faults.filter((kind) => options.faultKinds?.includes(kind))
      : endpoint.faults
    const kind = faults.next(`${url.pathname}${url.search}`, kinds)
    if (kind) recorder.fault(entry, kind)
    if (kind === 'reset') throw new BrokenConnectionError('before the headers')
    const call: Call = { ...read, fault: kind }
    return finish(entry, answer(service, endpoint, call, entry), { ...bodyFault, kind })
  }

  function answer(service: Service, endpoint: Endpoint, call: Call, entry: LogEntry): Reply {
    if (call.fault === 'unavailable') {
      return service.unavailable(call, entry.number % 2 === 0 ? 1 : undefined)
    }
    const verdicts = endpoint.limiters.map((take) => take(call.now))
    const refused = verdicts.find(({ allowed }) => !allowed)
    if (refused) recorder.breach(endpoint.name)
    const spurious: Verdict | undefined =
      call.fault === 'throttle' ? { allowed: false, limit: 1, remaining: 0, resetMs: 1_000 } : undefined
    const verdict = refused ?? spurious
    const reply = verdict ? service.throttled(call, verdict) : allowed(service, endpoint, call)
    return { ...reply, headers: { ...reply.headers, ...service.headers?.(verdicts, call) } }
  }

  function allowed(service: Service, endpoint: Endpoint, call: Call): Reply {
    if (call.fault === 'html') {
      return {
        status: 200,
        headers: { 'content-type': 'text/html' },
        body: '<!doctype html><title>Sign in</title>',
      }
    }
    if (call.fault === 'error-body') return json(200, service.errorBody())
    if (call.fault === 'revoke') service.revoke?.(call)
    return endpoint.answer(call)
  }

  function finish(entry: LogEntry, reply: Reply, fault: Parameters<typeof toResponse>[1]): HttpResponse {
    recorder.end(entry, reply.status, reply.records ?? 0)
    return toResponse(reply, fault)
  }

  const sandbox: Sandbox = {
    handle,
    truth: world.truth,
    startTime,
    get rounds() {
      return world.rounds
    },
    get stats(): Stats {
      const { requests, records, breaches, breachesTotal, unauthorised, log } = recorder
      return {
        requests,
        records,
        breaches,
        breachesTotal,
        unauthorised,
        faults: recorder.faults,
        tokensIssued: tokens.issued,
        rounds: world.rounds.length,
        log,
      }
    },
    mutate,
    freeze: () => {
      roundsLeft = 0
    },
    force: (match, kind, times) => faults.force(match, kind, times),
    revokeTokens: () => tokens.revokeAll(),
  }
  return sandbox
}
