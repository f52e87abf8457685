// From a seed: a small world, the API's manners in it, the pipeline that reads it, and what goes wrong meanwhile.
import type { Limit } from '../../sandbox/limiter.ts'
import type { SandboxOptions } from '../../sandbox/options.ts'
import { CREDENTIALS } from '../../sandbox/tokens.ts'
import { TABLES, type Table } from '../../sandbox/world.ts'
import { apiKey, basic, bearer, definePipeline, oauth2, type Pipeline, rest } from '../../src/index.ts'
import { type Chance, chance } from './chance.ts'
import {
  type PlannedStream,
  planDeskStream,
  planEvents,
  planExport,
  planPayStream,
  planProjects,
  planQuota,
  type StreamPlan,
} from './streams.ts'

const ORIGIN = 'https://sandbox.test'

/** What may go wrong in a run, apart from the API's own faults. */
export type Hazard = 'none' | 'failed-commit' | 'interruption' | 'death' | 'rivals'

export interface RunPlan {
  readonly hazard: Hazard
  readonly fullRefresh: boolean
  /** Milliseconds of simulated time before the run. */
  readonly pauseMs: number
  /** A round of changes right before the run. */
  readonly mutates: boolean
}

export interface WorldPlan {
  readonly seed: number
  /** Where the simulated time begins: milliseconds since 1970. */
  readonly startTime: number
  readonly sandbox: SandboxOptions
  readonly pipeline: Pipeline
  readonly streams: readonly StreamPlan[]
  readonly runs: readonly RunPlan[]
  readonly warehouse: 'memory' | 'duckdb'
  /** Whether the quotas must hold (Q1): rivals and runs that follow at once don't know of each other's requests. */
  readonly quotasHold: boolean
  /** Whether a body arrives compressed, and is inflated on a thread: the order of events may then differ from one time to the next. */
  readonly compressed: boolean
}

/** One seed in so many loads into DuckDB instead of memory. */
export const DUCKDB_ONE_IN = 250

export function planWorld(seed: number): WorldPlan {
  const draw = chance(seed, 1)
  const warehouse = seed % DUCKDB_ONE_IN === DUCKDB_ONE_IN - 1 ? 'duckdb' : 'memory'
  const startTime = Date.parse('2026-01-31T00:00:00Z') + draw.between(0, 300 * 24 * 3_600_000)
  const records = planRecords(draw)
  const limits = planLimits(draw)
  const latencyMs = draw.oneOf([0, 0, 20, 200, 1000])
  const sandbox: SandboxOptions = {
    seed,
    records,
    startTime: Math.floor(startTime / 3_600_000) * 3_600_000,
    faults: draw.happens(0.2) ? 0 : draw.random() * 0.4,
    generation: draw.oneOf([0, 0, 3]),
    tokenSeconds: draw.oneOf(latencyMs === 1000 ? [6, 20, 300] : [3, 20, 300]),
    latencyMs,
    slowMs: draw.oneOf([100, 1000]),
    mutateEvery: draw.oneOf([0, 3, 10, 40]),
    mutateRounds: draw.between(1, 12),
    limits,
  }
  const runs = planRuns(draw, warehouse)
  const compressed = draw.happens(0.05)
  // The quota holds for each endpoint of pay; a source that says it once is stricter.
  const payLimit = draw.happens(0.5) ? limits.pay : null
  const everyStream = [
    planDeskStream(draw, 'users', records.users),
    planDeskStream(draw, 'tickets', records.tickets),
    planPayStream(draw, 'transactions', records.transactions, startTime, payLimit),
    planPayStream(draw, 'charges', records.charges, startTime, payLimit),
    planEvents(draw, records.events, limits.trackQuery),
    planExport(draw, startTime, limits.trackExport, compressed),
    planProjects(draw, records.projects),
  ]
  // Few streams make a seed quick, and all seven make them meet.
  const streams = someOf(draw, everyStream, draw.oneOf([1, 1, 2, 2, 3, 7]))
  const pipeline = definePipeline({
    name: 'simulated',
    destination: { type: 'duckdb', path: 'never-opened.duckdb' },
    batch: {
      // Each commit to a file costs milliseconds, so DuckDB gets fewer of them.
      records: draw.oneOf(warehouse === 'duckdb' ? [10, 25, 100] : [1, 2, 3, 7, 25, 100, 20_000]),
      interval: draw.oneOf(['1s', '30s', '30s']),
    },
    concurrentStreams: draw.between(1, 5),
    sources: planSources(draw, limits, streams, payLimit === null),
  })
  return {
    seed,
    startTime,
    sandbox,
    pipeline,
    streams: streams.map(({ plan }) => plan),
    runs,
    warehouse,
    quotasHold: runs.every(({ hazard, pauseMs }) => hazard !== 'rivals' && pauseMs >= LONGEST_WINDOW_MS),
    compressed,
  }
}

/** `count` of the items, in an order of chance. */
function someOf<T>(draw: Chance, items: readonly T[], count: number): T[] {
  const left = [...items]
  return Array.from({ length: count }, () => left.splice(draw.between(0, left.length - 1), 1)[0]!)
}

type Records = Readonly<Record<Table, number>>

function planRecords(draw: Chance): Records {
  const size = () => {
    const kind = draw.random()
    return kind < 0.8 ? draw.between(5, 16) : kind < 0.97 ? draw.between(16, 60) : draw.between(60, 300)
  }
  return Object.fromEntries(TABLES.map((table) => [table, size()])) as Record<Table, number>
}

/** No quota's window is longer, so that a run that begins so much later owes nothing to the one before. */
const LONGEST_WINDOW_MS = 61_000

interface Limits {
  readonly desk: Limit
  readonly pay: Limit
  readonly trackQuery: Limit | null
  readonly trackExport: Limit
  readonly code: Limit
}

function planLimits(draw: Chance): Limits {
  const kinds = ['bucket', 'fixed', 'sliding'] as const
  const limit = (): Limit => ({
    // Most are so tight that a small world has to wait for them.
    requests: draw.oneOf([1, 2, 2, 3, 4, 6, 12, 30]),
    perMs: draw.oneOf([1000, 3000, 10_000]),
    kind: draw.oneOf(kinds),
  })
  return {
    desk: draw.happens(0.5) ? { requests: 700, perMs: 60_000, kind: draw.oneOf(kinds) } : limit(),
    pay: draw.happens(0.5) ? { requests: 25, perMs: 1000, kind: 'bucket' } : limit(),
    trackQuery: draw.happens(0.5) ? null : limit(),
    trackExport: { requests: 3, perMs: 1000, kind: draw.oneOf(kinds) },
    code: limit(),
  }
}

function planRuns(draw: Chance, warehouse: WorldPlan['warehouse']): RunPlan[] {
  // Most seeds have one kind of mishap, so that each kind meets every manner of reading; some have them all.
  const all: readonly Hazard[] = ['failed-commit', 'interruption', 'death', 'rivals', 'none']
  const kinds: readonly Hazard[] = draw.happens(0.25) ? all : [draw.oneOf(all)]
  const refreshes = draw.happens(0.25)
  const hasty = draw.happens(0.25)
  return Array.from({ length: draw.between(1, 3) }, (): RunPlan => {
    const hazard = draw.oneOf(kinds)
    return {
      // A DuckDB file has one holder: a second run is turned away when it opens it.
      hazard: hazard === 'rivals' && warehouse === 'duckdb' ? 'death' : hazard,
      fullRefresh: refreshes && draw.happens(0.4),
      pauseMs: hasty
        ? draw.oneOf([0, 10, 2000, 90_000])
        : draw.between(LONGEST_WINDOW_MS, 3 * LONGEST_WINDOW_MS),
      mutates: draw.happens(0.5),
    }
  })
}

function planSources(
  draw: Chance,
  limits: Limits,
  streams: readonly PlannedStream[],
  payQuotaOfSource: boolean,
) {
  const of = (source: string) =>
    Object.fromEntries(
      streams
        .filter(({ plan }) => plan.name.startsWith(`${source}.`))
        .map(({ plan, options }) => [plan.name.slice(source.length + 1), options]),
    )
  const maxConcurrent = draw.oneOf([1, 3, 10])
  const all = {
    desk: rest({
      baseUrl: `${ORIGIN}/desk/api/v2`,
      auth: oauth2({
        grant: 'client_credentials',
        tokenUrl: `${ORIGIN}/desk/oauth/tokens`,
        clientId: CREDENTIALS.desk.clientId,
        clientSecret: CREDENTIALS.desk.clientSecret,
        clientAuth: draw.oneOf(['body', 'basic']),
        bodyFormat: draw.oneOf(['json', 'form']),
      }),
      quotas: [planQuota(draw, limits.desk)],
      maxConcurrent,
      streams: of('desk'),
    }),
    pay: rest({
      baseUrl: `${ORIGIN}/pay/v1`,
      auth: bearer({ token: CREDENTIALS.pay.secretKey }),
      quotas: payQuotaOfSource ? [planQuota(draw, limits.pay)] : [],
      maxConcurrent,
      streams: of('pay'),
    }),
    track: rest({
      baseUrl: `${ORIGIN}/track/api`,
      auth: basic({ username: CREDENTIALS.track.username, password: CREDENTIALS.track.secret }),
      query: { project_id: 1 },
      maxConcurrent,
      streams: of('track'),
    }),
    code: rest({
      baseUrl: `${ORIGIN}/code/api/v4`,
      auth: apiKey({ name: 'private-token', key: CREDENTIALS.code.token }),
      quotas: [planQuota(draw, limits.code)],
      maxConcurrent,
      streams: of('code'),
    }),
  }
  const wanted = new Set(streams.map(({ plan }) => plan.name.split('.')[0]))
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name)))
}
