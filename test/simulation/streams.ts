// From a seed: how each table of the sandbox is read and written.
import type { Limit } from '../../sandbox/limiter.ts'
import type { Table } from '../../sandbox/world.ts'
import { cursor, keyset, linkHeader, nextUrl, offset, type RestOptions } from '../../src/index.ts'
import type { Chance } from './chance.ts'

const DAY_MS = 86_400_000

type StreamOptions = RestOptions['streams'][string]

/** How a stream is read, as far as it decides what a run may ask again. */
export type Reading = 'position' | 'time' | 'id' | 'windows' | 'whole'

export interface StreamPlan {
  /** `desk.tickets`: the pipeline's name of the stream, and the sandbox's name of its endpoint. */
  readonly name: string
  readonly endpoint: string
  readonly table: Table
  readonly reading: Reading
  readonly pageSize: number
  readonly replaces: boolean
  /** Slices that are read at once, at most. */
  readonly slicesAtOnce: number
  /** Whether what was committed is asked for again by intention: a look-back over windows, or a list without a filter. */
  readonly rereads: boolean
}

export interface PlannedStream {
  readonly plan: StreamPlan
  readonly options: StreamOptions
}

/** A page size that needs few enough requests for a simulation to be quick. */
function planPageSize(draw: Chance, records: number, sizes: readonly number[]): number {
  const fitting = sizes.filter((size) => records / size <= 10)
  return draw.oneOf(fitting.length === 0 ? [sizes.at(-1)!] : fitting)
}

export function planDeskStream(draw: Chance, table: 'users' | 'tickets', records: number): PlannedStream {
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
      slicesAtOnce: 1,
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

/** `limit`: the quota of this endpoint alone, where the source has none. */
export function planPayStream(
  draw: Chance,
  table: 'transactions' | 'charges',
  records: number,
  startTime: number,
  limit: Limit | null,
): PlannedStream {
  const reading = draw.oneOf(['time', 'time', 'windows', 'whole'] as const)
  const pageSize = planPageSize(draw, records, [1, 2, 3, 10, 25, 100])
  const write =
    reading === 'whole'
      ? draw.oneOf(['merge', 'append', 'replace'] as const)
      : draw.oneOf(['merge', 'append'] as const)
  const start = dayOf(startTime - 32 * DAY_MS)
  const slicesAtOnce = reading === 'windows' ? draw.oneOf([1, 2, 3, 8]) : 1
  const lookback = reading === 'windows' ? draw.oneOf(['0s', '0s', '1h']) : draw.oneOf(['0s', '10s', '1d'])
  return {
    plan: {
      name: `pay.${table}`,
      endpoint: `pay.${table}`,
      table,
      reading,
      pageSize,
      replaces: write === 'replace',
      slicesAtOnce,
      rereads: reading === 'windows' && lookback !== '0s',
    },
    options: {
      path: table === 'transactions' ? 'balance_transactions' : 'charges',
      records: 'data',
      ...(limit !== null && { quotas: [planQuota(draw, limit)] }),
      paginate: keyset({
        field: 'id',
        param: 'starting_after',
        more: 'has_more',
        size: { param: 'limit', value: pageSize },
      }),
      key: 'id',
      write,
      ...(reading === 'windows' && { concurrency: { slices: slicesAtOnce } }),
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

/** Only new records have a greater id, and none is ever seen again: the destination needs no key to tell them apart. */
export function planProjects(draw: Chance, records: number): PlannedStream {
  const pageSize = planPageSize(draw, records, [1, 2, 3, 10, 25, 100])
  const lookback = draw.oneOf([0, 0, 5, 100])
  const sizes = { param: 'per_page', value: pageSize }
  return {
    plan: {
      name: 'code.projects',
      endpoint: 'code.projects',
      table: 'projects',
      reading: 'id',
      pageSize,
      replaces: false,
      slicesAtOnce: 1,
      rereads: false,
    },
    options: {
      path: 'projects',
      query: { pagination: 'keyset', order_by: 'id', sort: 'asc' },
      paginate: draw.happens(0.6)
        ? linkHeader({ size: sizes })
        : keyset({ field: 'id', param: 'id_after', pick: draw.oneOf(['last', 'max']), size: sizes }),
      incremental: {
        by: 'id',
        field: 'id',
        param: 'id_after',
        order: draw.oneOf(['ascending', 'none']),
        lookback,
        ...(draw.happens(0.3) && { start: draw.oneOf([0, 59_999_999]) }),
      },
      ...(lookback > 0 || draw.happens(0.5)
        ? { key: 'id', write: draw.oneOf(['merge', 'append']) }
        : { write: 'append' }),
    },
  }
}

export function planEvents(draw: Chance, records: number, limit: Limit | null): PlannedStream {
  const pageSize = planPageSize(draw, records, [1, 2, 5, 10, 30, 100])
  const write = draw.oneOf(['merge', 'append', 'replace'] as const)
  const hasTotal = draw.happens(0.7)
  const pages = hasTotal ? draw.oneOf([undefined, 1, 2, 3, 8]) : undefined
  return {
    plan: {
      name: 'track.events',
      endpoint: 'track.events',
      table: 'events',
      reading: 'whole',
      pageSize,
      replaces: write === 'replace',
      slicesAtOnce: 1,
      rereads: false,
    },
    options: {
      path: 'query/events',
      records: 'results',
      unwrap: 'properties',
      paginate: offset({
        ...(hasTotal && { total: 'total' }),
        size: { param: 'limit', value: pageSize },
      }),
      ...(limit !== null && { quotas: [planQuota(draw, limit)] }),
      key: '$insert_id',
      write,
      ...(pages !== undefined && { concurrency: { pages } }),
    },
  }
}

export function planExport(
  draw: Chance,
  startTime: number,
  limit: Limit,
  compressed: boolean,
): PlannedStream {
  const slicesAtOnce = draw.oneOf([1, 2, 4])
  return {
    plan: {
      name: 'track.export',
      endpoint: 'track.export',
      table: 'exportEvents',
      reading: 'windows',
      pageSize: Number.POSITIVE_INFINITY,
      replaces: false,
      slicesAtOnce,
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
      concurrency: { slices: slicesAtOnce },
      write: draw.oneOf(['merge', 'append']),
    },
  }
}

export function planQuota(draw: Chance, limit: Limit) {
  return {
    requests: limit.requests,
    per: `${limit.perMs}ms`,
    ...(draw.happens(0.5) && { burst: draw.between(1, limit.requests) }),
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
