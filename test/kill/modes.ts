// The pipelines that are killed: each way of writing, over each manner of reading. They are small, so that a page is a small part of
// them: 8 to 10 pages or days, a commit for every two pages.
import type { SandboxOptions } from '../../sandbox/options.ts'
import type { LogEntry } from '../../sandbox/stats.ts'
import { CREDENTIALS } from '../../sandbox/tokens.ts'
import type { Table, TruthRow } from '../../sandbox/world.ts'
import type { WriteMode } from '../../src/ports/source.ts'

const PAGE = 50
/** Pages of one batch, where a page holds `PAGE` records. */
const BATCH_PAGES = 2
const RECORDS = 400
/** Records of one day of the export: its body comes in several parts. */
const DAY_RECORDS = 800
const DAY_MS = 86_400_000

export interface Mode {
  readonly name: string
  readonly write: WriteMode
  /** What it stands for, in a table of results. */
  readonly what: string
  readonly endpoint: LogEntry['endpoint']
  readonly table: string
  readonly truth: Table
  /** Sizes of the sandbox's tables. */
  readonly records: Partial<Record<Table, number>>
  readonly key: string
  /** True where a stream that was read to its end starts anew with the next run, because its configuration says so. */
  readonly readsAnew: boolean
  /** Time windows with a checkpoint each, instead of pages. */
  readonly sliced: boolean
  /** What is read side by side, at most. */
  readonly atOnce: { readonly slices: number; readonly pages: number }
  /** Pages, or days of the export, that one batch holds at most: C4's "one batch". */
  readonly batchPages: number
  /** When a batch is full. */
  readonly batchRecords: number
  /** A list of the records that is split off to a table of its own, and what a record holds that is gone. */
  readonly split?: { readonly table: string; readonly field: string; readonly gone: string }
  /** The sandbox's records become rows: a track event's properties are lifted. */
  readonly unwrap: boolean
  source(url: string, startTime: number): Source
  /** What is loaded first, undisturbed; processes are killed over what comes after it. */
  readonly first?: {
    /** The stream that comes after it, where the pipeline has others, too. */
    readonly only?: string
    source(url: string, startTime: number): Source
    /** What changes then. */
    readonly round?: { readonly inserts: number; readonly updates: number }
    /** Which records are there in the end. Default: all. */
    keeps?(row: TruthRow, startTime: number): boolean
  }
}

interface Source {
  readonly name: string
  readonly settings: object
}

/** Faults of the sandbox that cost a client no more than an immediate repeat. */
export const FAULTS: Pick<SandboxOptions, 'faults' | 'faultKinds'> = {
  faults: 0.2,
  faultKinds: ['reset', 'truncate', 'short', 'revoke'],
}
const retry = { firstDelay: '5ms' }

const pay = (url: string, stream: object) => ({
  name: 'pay',
  settings: {
    type: 'rest',
    baseUrl: `${url}/pay/v1`,
    auth: { type: 'bearer', token: CREDENTIALS.pay.secretKey },
    retry,
    streams: {
      transactions: {
        path: 'balance_transactions',
        records: 'data',
        paginate: {
          type: 'keyset',
          field: 'id',
          param: 'starting_after',
          more: 'has_more',
          size: { param: 'limit', value: PAGE },
        },
        key: 'id',
        ...stream,
      },
    },
  },
})

const desk = (url: string, stream: object) => ({
  name: 'desk',
  settings: {
    type: 'rest',
    baseUrl: `${url}/desk/api/v2`,
    auth: {
      type: 'oauth2',
      grant: 'client_credentials',
      tokenUrl: `${url}/desk/oauth/tokens`,
      clientId: CREDENTIALS.desk.clientId,
      clientSecret: CREDENTIALS.desk.clientSecret,
      clientAuth: 'body',
      bodyFormat: 'json',
    },
    retry,
    streams: {
      tickets: {
        path: 'incremental/tickets/cursor',
        records: 'tickets',
        query: { per_page: PAGE },
        paginate: {
          type: 'cursor',
          token: 'after_cursor',
          param: 'cursor',
          more: '!end_of_stream',
          persist: true,
        },
        incremental: {
          by: 'position',
          start: { param: 'start_time', value: '2020-01-01', format: 'epoch' },
        },
        key: 'id',
        ...stream,
      },
    },
  },
})

const track = (url: string, name: string, stream: object) => ({
  name: 'track',
  settings: {
    type: 'rest',
    baseUrl: `${url}/track/api`,
    auth: { type: 'basic', username: CREDENTIALS.track.username, password: CREDENTIALS.track.secret },
    query: { project_id: 1 },
    retry,
    streams: { [name]: { unwrap: 'properties', key: '$insert_id', ...stream } },
  },
})

const oneByOne = {
  atOnce: { slices: 1, pages: 1 },
  batchPages: BATCH_PAGES,
  batchRecords: PAGE * BATCH_PAGES,
}
const paged = { ...oneByOne, readsAnew: false, sliced: false, unwrap: false, key: 'id' }
/** Pages of the windows that are read side by side, and the records of one. */
const WINDOW_PAGE = 10

export const MODES: readonly Mode[] = [
  {
    ...paged,
    name: 'append',
    write: 'append',
    what: 'append with a key, pages by offset, four at once',
    endpoint: 'track.events',
    table: 'track_events',
    truth: 'events',
    records: { events: RECORDS },
    key: '$insert_id',
    readsAnew: true,
    atOnce: { slices: 1, pages: 4 },
    unwrap: true,
    source: (url) =>
      track(url, 'events', {
        path: 'query/events',
        records: 'results',
        paginate: { type: 'offset', total: 'total', size: { param: 'limit', value: PAGE } },
        write: 'append',
      }),
  },
  {
    ...paged,
    name: 'merge',
    write: 'merge',
    what: 'merge by key, newest first by keyset, incremental by time',
    endpoint: 'pay.transactions',
    table: 'pay_transactions',
    truth: 'transactions',
    records: { transactions: RECORDS },
    source: (url) =>
      pay(url, {
        write: 'merge',
        incremental: {
          by: 'time',
          field: 'created',
          param: 'created[gte]',
          start: '2020-01-01',
          format: 'epoch',
        },
      }),
  },
  {
    ...paged,
    name: 'replace',
    write: 'replace',
    what: 'replace, a new table swapped in at the end',
    endpoint: 'pay.transactions',
    table: 'pay_transactions',
    truth: 'transactions',
    records: { transactions: RECORDS },
    readsAnew: true,
    source: (url) => pay(url, { write: 'replace' }),
  },
  {
    ...paged,
    name: 'windows',
    write: 'append',
    what: 'append with a key, windows of time, three at once',
    endpoint: 'pay.transactions',
    table: 'pay_transactions',
    truth: 'transactions',
    records: { transactions: RECORDS },
    sliced: true,
    atOnce: { slices: 3, pages: 1 },
    // Two full pages; the last pages of three windows, which are shorter, may be among them.
    batchPages: 4,
    batchRecords: 2 * WINDOW_PAGE,
    source: (url, startTime) =>
      pay(url, {
        write: 'append',
        concurrency: { slices: 3 },
        paginate: {
          type: 'keyset',
          field: 'id',
          param: 'starting_after',
          more: 'has_more',
          size: { param: 'limit', value: WINDOW_PAGE },
        },
        slices: {
          by: 'time',
          size: '2d',
          start: new Date(startTime - 32 * DAY_MS).toISOString().slice(0, 10),
          from: { param: 'created[gte]', format: 'epoch' },
          to: { param: 'created[lt]', format: 'epoch', inclusive: false },
        },
      }),
  },
  {
    ...oneByOne,
    batchRecords: 200,
    name: 'export',
    write: 'merge',
    what: 'JSON Lines by days, merged by key; a commit may fall inside a body',
    endpoint: 'track.export',
    table: 'track_export',
    truth: 'exportEvents',
    records: { exportEvents: 7 * DAY_RECORDS },
    key: '$insert_id',
    readsAnew: false,
    sliced: true,
    unwrap: true,
    source: (url, startTime) =>
      track(url, 'export', {
        path: '2.0/export',
        format: 'jsonl',
        paginate: { type: 'none' },
        slices: {
          by: 'time',
          size: '1d',
          start: new Date(startTime - 8 * DAY_MS).toISOString().slice(0, 10),
          from: { param: 'from_date', format: 'date' },
          to: { param: 'to_date', format: 'date', inclusive: true },
        },
      }),
  },
  {
    ...paged,
    name: 'cursor',
    write: 'merge',
    what: 'OAuth, merge by key, a cursor that outlives the run',
    endpoint: 'desk.tickets',
    table: 'desk_tickets',
    truth: 'tickets',
    records: { tickets: RECORDS },
    source: (url) => desk(url, {}),
  },
  {
    ...paged,
    name: 'lists',
    write: 'merge',
    what: 'a list split off, and records that are gone',
    endpoint: 'desk.tickets',
    table: 'desk_tickets',
    truth: 'tickets',
    records: { tickets: RECORDS },
    split: { table: 'desk_tickets_tags', field: 'tags', gone: '"status":"closed"' },
    source: (url) => desk(url, { deleted: "@.status == 'closed'", transform: [{ split: { tags: {} } }] }),
  },
  {
    ...paged,
    name: 'history',
    write: 'history',
    what: 'history by the time of change; most records have two versions',
    endpoint: 'desk.tickets',
    table: 'desk_tickets',
    truth: 'tickets',
    records: { tickets: RECORDS },
    source: (url) => desk(url, { write: 'history', version: 'updated_at' }),
    first: {
      source: (url) => desk(url, { write: 'history', version: 'updated_at' }),
      round: { inserts: 50, updates: 600 },
    },
  },
  {
    ...paged,
    name: 'delete',
    write: 'delete',
    what: 'delete by a list of keys, the newer half of a table',
    endpoint: 'pay.transactions',
    table: 'pay_transactions',
    truth: 'transactions',
    records: { transactions: 2 * RECORDS },
    readsAnew: true,
    source: (url, startTime) => newerHalf(url, startTime, { write: 'delete' }),
    first: {
      only: 'pay.keys',
      source: (url) => pay(url, {}),
      keeps: (row, startTime) => createdAt(row) < middle(startTime),
    },
  },
  {
    ...paged,
    name: 'reconcile',
    write: 'reconcile',
    what: 'reconcile with a list of all keys, which lacks the older half of a table',
    endpoint: 'pay.transactions',
    table: 'pay_transactions',
    truth: 'transactions',
    records: { transactions: 2 * RECORDS },
    readsAnew: true,
    source: (url, startTime) => newerHalf(url, startTime, { write: 'reconcile', maxRemoved: '100%' }),
    first: {
      only: 'pay.keys',
      source: (url) => pay(url, {}),
      keeps: (row, startTime) => createdAt(row) >= middle(startTime),
    },
  },
]

/** The keys of the newer half of all transactions, as a list of another stream that works on their table. */
function newerHalf(url: string, startTime: number, how: object): Source {
  const { name, settings } = pay(url, {
    table: 'pay_transactions',
    query: { 'created[gte]': middle(startTime) },
    ...how,
  })
  const { transactions } = pay(url, {}).settings.streams
  return { name, settings: { ...settings, streams: { transactions, keys: settings.streams.transactions } } }
}

/** In epoch seconds. */
function middle(startTime: number): number {
  return startTime / 1000 - 15 * 86_400
}

function createdAt({ json }: TruthRow): number {
  return Number(/"created":(\d+)/.exec(json)![1])
}

/** A pipeline as JSON, for `sluice run`. */
export function pipelineOf({ batchRecords }: Mode, { name, settings }: Source, destination: object): string {
  return JSON.stringify({
    name: 'killed',
    destination,
    batch: { records: batchRecords },
    sources: { [name]: settings },
  })
}
