// From a seed: a small world, the API's manners in it, the pipeline that reads it, and what goes wrong meanwhile.
import type { Limit } from '../../sandbox/limiter.ts'
import type { SandboxOptions } from '../../sandbox/options.ts'
import { CREDENTIALS } from '../../sandbox/tokens.ts'
import type { Table } from '../../sandbox/world.ts'
import {
  basic,
  bearer,
  cursor,
  definePipeline,
  keyset,
  nextUrl,
  oauth2,
  offset,
  type Pipeline,
  type RestOptions,
  rest,
} from '../../src/index.ts'
import { type Chance, chance } from './chance.ts'

const ORIGIN = 'https://sandbox.test'
const DAY_MS = 86_400_000

type StreamOptions = RestOptions['streams'][string]

/** How a stream is read, as far as it decides what a run may ask again. */
export type Reading = 'position' | 'time' | 'windows' | 'whole'

export interface StreamPlan {
  /** `desk.tickets`: the pipeline's name of the stream, and the sandbox's name of its endpoint. */
  readonly name: string
  readonly endpoint: string
  readonly table: Table
  readonly reading: Reading
  readonly pageSize: number
  readonly replaces: boolean
  /** Whether what was committed is asked for again by intention: a look-back over windows, or a list without a filter. */
  readonly rereads: boolean
}

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
  const everyStream = [
    planDeskStream(draw, 'users', records.users),
    planDeskStream(draw, 'tickets', records.tickets),
    planTransactions(draw, records.transactions, startTime),
    planEvents(draw, records.events, limits.trackQuery),
    planExport(draw, startTime, limits.trackExport, compressed),
  ]
  // Few streams make a seed quick, and all five make them meet.
  const streams = someOf(draw, everyStream, draw.oneOf([1, 1, 2, 2, 3, 5]))
  const pipeline = definePipeline({
    name: 'simulated',
    destination: { type: 'duckdb', path: 'never-opened.duckdb' },
    batch: {
      // Each commit to a file costs milliseconds, so DuckDB gets fewer of them.
      records: draw.oneOf(warehouse === 'duckdb' ? [10, 25, 100] : [1, 2, 3, 7, 25, 100, 20_000]),
      interval: draw.oneOf(['1s', '30s', '30s']),
    },
    concurrentStreams: draw.between(1, 5),
    sources: planSources(draw, limits, streams),
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
  return { users: size(), tickets: size(), transactions: size(), events: size(), exportEvents: size() }
}

/** No quota's window is longer, so that a run that begins so much later owes nothing to the one before. */
const LONGEST_WINDOW_MS = 61_000

interface Limits {
  readonly desk: Limit
  readonly pay: Limit
  readonly trackQuery: Limit | null
  readonly trackExport: Limit
}

function planLimits(draw: Chance): Limits {
  const kinds = ['bucket', 'fixed', 'sliding'] as const
  const limit = (): Limit => ({
    requests: draw.between(2, 30),
    perMs: draw.oneOf([1000, 3000, 10_000]),
    kind: draw.oneOf(kinds),
  })
  return {
    desk: draw.happens(0.5) ? { requests: 700, perMs: 60_000, kind: draw.oneOf(kinds) } : limit(),
    pay: draw.happens(0.5) ? { requests: 25, perMs: 1000, kind: 'bucket' } : limit(),
    trackQuery: draw.happens(0.5) ? null : limit(),
    trackExport: { requests: 3, perMs: 1000, kind: draw.oneOf(kinds) },
  }
}

function planQuota(draw: Chance, limit: Limit) {
  return {
    requests: limit.requests,
    per: `${limit.perMs}ms`,
    ...(draw.happens(0.5) && { burst: draw.between(1, limit.requests) }),
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

interface PlannedStream {
  readonly plan: StreamPlan
  readonly options: StreamOptions
}

/** A page size that needs few enough requests for a simulation to be quick. */
function planPageSize(draw: Chance, records: number, sizes: readonly number[]): number {
  const fitting = sizes.filter((size) => records / size <= 10)
  return draw.oneOf(fitting.length === 0 ? [sizes.at(-1)!] : fitting)
}

function planDeskStream(draw: Chance, table: 'users' | 'tickets', records: number): PlannedStream {
  // A page repeats the record at its boundary, so that a page of two brings one new record.
  const pageSize = planPageSize(draw, records, [1, 3, 5, 10, 25, 100])
  const more = '!end_of_stream'
  const version = draw.oneOf(
    table === 'tickets' ? [undefined, 'generated_timestamp', 'updated_at'] : [undefined, 'updated_at'],
  )
  return {
    plan: {
      name: `desk.${table}`,
      endpoint: `desk.${table}`,
      table,
      reading: 'position',
      pageSize,
      replaces: false,
      rereads: false,
    },
    options: {
      path: `incremental/${table}/cursor`,
      records: table,
      query: { per_page: pageSize },
      paginate: draw.happens(0.7)
        ? cursor({ token: 'after_cursor', param: 'cursor', more, persist: true })
        : nextUrl({ url: 'after_url', more, persist: true }),
      incremental: { by: 'position', start: { param: 'start_time', value: '2025-01-01', format: 'epoch' } },
      key: 'id',
      ...(version !== undefined && { version }),
    },
  }
}

function planTransactions(draw: Chance, records: number, startTime: number): PlannedStream {
  const reading = draw.oneOf(['time', 'time', 'windows', 'whole'] as const)
  const pageSize = planPageSize(draw, records, [1, 2, 3, 10, 25, 100])
  const write =
    reading === 'whole'
      ? draw.oneOf(['merge', 'append', 'replace'] as const)
      : draw.oneOf(['merge', 'append'] as const)
  const start = dayOf(startTime - 32 * DAY_MS)
  const lookback = reading === 'windows' ? draw.oneOf(['0s', '0s', '1h']) : draw.oneOf(['0s', '10s', '1d'])
  return {
    plan: {
      name: 'pay.transactions',
      endpoint: 'pay.transactions',
      table: 'transactions',
      reading,
      pageSize,
      replaces: write === 'replace',
      rereads: reading === 'windows' && lookback !== '0s',
    },
    options: {
      path: 'balance_transactions',
      records: 'data',
      paginate: keyset({
        field: 'id',
        param: 'starting_after',
        more: 'has_more',
        size: { param: 'limit', value: pageSize },
      }),
      key: 'id',
      write,
      ...(reading === 'time' && {
        incremental: {
          by: 'time',
          field: 'created',
          // Without a parameter the whole list is read, and filtered on this side.
          ...(draw.happens(0.8) && { param: 'created[gte]' }),
          ...(draw.happens(0.3) && { endParam: 'created[lte]' }),
          start,
          format: 'epoch',
          lookback,
          margin: draw.oneOf(['0s', '0s', '5s']),
        },
      }),
      ...(reading === 'windows' && {
        slices: {
          by: 'time',
          size: draw.oneOf(['4d', '7d', '20d']),
          start,
          from: { param: 'created[gte]', format: 'epoch' },
          to: draw.oneOf([
            { param: 'created[lt]', format: 'epoch', inclusive: false },
            { param: 'created[lte]', format: 'epoch', inclusive: true },
            { param: 'created[lte]', format: 'epoch', inclusive: true, resolution: '1s' },
          ]),
          lookback,
          margin: draw.oneOf(['0s', '0s', '5s']),
        },
      }),
    },
  }
}

function planEvents(draw: Chance, records: number, limit: Limit | null): PlannedStream {
  const pageSize = planPageSize(draw, records, [1, 2, 5, 10, 30, 100])
  const write = draw.oneOf(['merge', 'append', 'replace'] as const)
  return {
    plan: {
      name: 'track.events',
      endpoint: 'track.events',
      table: 'events',
      reading: 'whole',
      pageSize,
      replaces: write === 'replace',
      rereads: false,
    },
    options: {
      path: 'query/events',
      records: 'results',
      unwrap: 'properties',
      paginate: offset({
        ...(draw.happens(0.7) && { total: 'total' }),
        size: { param: 'limit', value: pageSize },
      }),
      ...(limit !== null && { quotas: [planQuota(draw, limit)] }),
      key: '$insert_id',
      write,
    },
  }
}

function planExport(draw: Chance, startTime: number, limit: Limit, compressed: boolean): PlannedStream {
  return {
    plan: {
      name: 'track.export',
      endpoint: 'track.export',
      table: 'exportEvents',
      reading: 'windows',
      pageSize: Number.POSITIVE_INFINITY,
      replaces: false,
      rereads: true,
    },
    options: {
      path: '2.0/export',
      format: 'jsonl',
      unwrap: 'properties',
      ...(!compressed && { headers: { 'accept-encoding': 'identity' } }),
      slices: {
        by: 'time',
        size: draw.oneOf(['1d', '2d', '5d']),
        start: dayOf(startTime - 9 * DAY_MS),
        from: { param: 'from_date', format: 'date' },
        to: { param: 'to_date', format: 'date', inclusive: true },
        lookback: draw.oneOf(['5d', '6d']),
      },
      quotas: [planQuota(draw, limit)],
      key: '$insert_id',
      write: draw.oneOf(['merge', 'append']),
    },
  }
}

function planSources(draw: Chance, limits: Limits, streams: readonly PlannedStream[]) {
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
      quotas: [planQuota(draw, limits.pay)],
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
  }
  const wanted = new Set(streams.map(({ plan }) => plan.name.split('.')[0]))
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name)))
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
