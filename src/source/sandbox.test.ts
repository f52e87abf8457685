// The three manners of reading against an API that fails, changes and answers late: what is committed in the end is the truth.
import { afterAll, expect, test } from 'vitest'
import { createSandbox, type Sandbox } from '../../sandbox/sandbox.ts'
import { CREDENTIALS } from '../../sandbox/tokens.ts'
import { sandboxTransport } from '../../sandbox/transport.ts'
import { oauth2 } from '../auth/oauth2.ts'
import { openSource } from '../config/open-source.ts'
import { parseJson } from '../http/decode/long-numbers.ts'
import { cursor } from '../pagination/cursor.ts'
import { keyset } from '../pagination/keyset.ts'
import { offset } from '../pagination/offset.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { Source } from '../ports/source.ts'
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { unwrapRecord } from './response/select.ts'
import { rest } from './rest.ts'
import { Crash, runOnce, Warehouse } from './testing/scripted-client.ts'

const origin = 'https://sandbox.test'
const changes = {
  paginate: cursor({ token: 'after_cursor', param: 'cursor', more: '!end_of_stream', persist: true }),
  incremental: { by: 'position', start: { param: 'start_time', value: '2025-01-01', format: 'epoch' } },
  query: { per_page: 40 },
  key: 'id',
} as const

const desk = rest({
  baseUrl: `${origin}/desk/api/v2`,
  auth: oauth2({
    grant: 'client_credentials',
    tokenUrl: `${origin}/desk/oauth/tokens`,
    clientId: CREDENTIALS.desk.clientId,
    clientSecret: CREDENTIALS.desk.clientSecret,
    clientAuth: 'body',
    bodyFormat: 'json',
  }),
  streams: {
    users: { path: 'incremental/users/cursor', records: 'users', ...changes },
    tickets: { path: 'incremental/tickets/cursor', records: 'tickets', ...changes },
  },
})

const transactions = {
  path: 'balance_transactions',
  records: 'data',
  paginate: keyset({
    field: 'id',
    param: 'starting_after',
    more: 'has_more',
    size: { param: 'limit', value: 50 },
  }),
  key: 'id',
}
const pay = rest({
  baseUrl: `${origin}/pay/v1`,
  auth: { type: 'bearer', token: CREDENTIALS.pay.secretKey },
  quotas: [{ requests: 25, per: '1s', burst: 5 }],
  streams: {
    transactions: {
      ...transactions,
      incremental: {
        by: 'time',
        field: 'created',
        param: 'created[gte]',
        start: '2025-01-01',
        format: 'epoch',
      },
    },
    byWindow: {
      ...transactions,
      slices: {
        by: 'time',
        size: '5d',
        start: '2025-12-20',
        from: { param: 'created[gte]', format: 'epoch' },
        to: { param: 'created[lt]', format: 'epoch', inclusive: false },
      },
    },
  },
})

const track = rest({
  baseUrl: `${origin}/track/api`,
  auth: { type: 'basic', username: CREDENTIALS.track.username, password: CREDENTIALS.track.secret },
  query: { project_id: 1 },
  streams: {
    events: {
      path: 'query/events',
      records: 'results',
      unwrap: 'properties',
      paginate: offset({ total: 'total', size: { param: 'limit', value: 30 } }),
      key: '$insert_id',
    },
    exportEvents: {
      path: '2.0/export',
      format: 'jsonl',
      unwrap: 'properties',
      slices: {
        by: 'time',
        size: '1d',
        start: '2026-01-20',
        from: { param: 'from_date', format: 'date' },
        to: { param: 'to_date', format: 'date', inclusive: true },
        lookback: '5d',
      },
      quotas: [{ requests: 3, per: '1s', burst: 1 }],
      key: '$insert_id',
    },
  },
})

type TableName = Parameters<typeof truthOf>[1]

function truthOf(sandbox: Sandbox, table: keyof Sandbox['truth']): Map<string, JsonRecord> {
  const rows = [...sandbox.truth[table]()].map(({ key, json }): [string, JsonRecord] => {
    const record = parseJson(json, Buffer.from(json)) as JsonRecord
    return [key, unwrapRecord(record, 'properties')]
  })
  return new Map(rows)
}

async function runPatiently(
  source: Source,
  name: string,
  warehouse: Warehouse,
  crashAfterPages: number | undefined,
): Promise<void> {
  const stream = source.streams.find((each) => each.name.endsWith(`.${name}`))!
  await runOnce(stream, warehouse, crashAfterPages === undefined ? {} : { crashAfterPages }).catch(
    (error: unknown) => {
      if (!(error instanceof Crash)) throw error
    },
  )
}

const clocks: FakeClock[] = []
afterAll(() => {
  for (const clock of clocks) clock.stop()
})

const streams: readonly [ReturnType<typeof rest>, string, TableName][] = [
  [desk, 'users', 'users'],
  [desk, 'tickets', 'tickets'],
  [pay, 'transactions', 'transactions'],
  [pay, 'byWindow', 'transactions'],
  [track, 'events', 'events'],
  [track, 'exportEvents', 'exportEvents'],
]

// PEERS: dlt test_mock_api_server
test.each(Array.from({ length: 8 }, (_, seed) => seed))(
  'with faults, changes and runs that are cut short, the last run completes every table (seed %i)',
  async (seed) => {
    const clock = fakeClock({ auto: true })
    clocks.push(clock)
    const random = seededRandom(seed)
    const sandbox = createSandbox({
      clock,
      seed,
      records: 1200,
      faults: 0.15,
      latencyMs: 50,
      mutateEvery: 10,
    })
    const runtime = { transport: sandboxTransport(sandbox), clock, random }
    const warehouses = streams.map(() => new Warehouse())
    const sources = new Map<unknown, Source>()
    for (const options of new Set(streams.map(([each]) => each))) {
      sources.set(options, await openSource('api', options, { runtime }))
    }
    const pass = (crash: boolean) =>
      Promise.all(
        streams.map(([options, name], index) =>
          runPatiently(
            sources.get(options)!,
            name,
            warehouses[index]!,
            crash ? 1 + Math.floor(random() * 8) : undefined,
          ),
        ),
      )
    await pass(true)
    await pass(true)
    await pass(false)
    sandbox.freeze()
    await clock.sleep(61_000)
    await pass(false)
    for (const [index, [, , table]] of streams.entries()) {
      expect(warehouses[index]!.rows).toEqual(truthOf(sandbox, table))
    }
  },
)
