// The sandbox can be read to the end, and what was read is its truth: a client of the simplest kind, which repeats whatever fails.
import { expect, test } from 'vitest'
import { fakeClock } from '../src/testing/fake-clock.ts'
import { type Answer, type Ask, asker, codeAuth, deskAuth, payAuth, trackAuth } from './ask.ts'
import { createSandbox } from './sandbox.ts'
import { sandboxTransport } from './transport.ts'
import { split, TABLES } from './world.ts'

const ATTEMPTS = 12

function patient(ask: Ask, sleep: (ms: number) => Promise<void>) {
  const token = async (): Promise<Record<string, string>> => {
    for (;;) {
      const auth = await deskAuth(ask).catch(() => undefined)
      if (auth?.headers['authorization']?.includes('desk-at')) return auth.headers
      await sleep(500)
    }
  }
  let desk: Record<string, string> | undefined
  return async (path: string): Promise<Answer> => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (path.startsWith('/desk')) desk ??= await token()
      const headers = path.startsWith('/desk')
        ? desk
        : path.startsWith('/pay')
          ? payAuth.headers
          : path.startsWith('/code')
            ? codeAuth.headers
            : trackAuth.headers
      const answer = await ask(path, headers ? { headers } : {}).catch(() => undefined)
      if (answer?.status === 200 && !answer.text.endsWith('terminated early\n')) return answer
      if (answer?.status === 401) desk = undefined
      await sleep(1_000)
    }
    throw new Error(`${path} failed ${ATTEMPTS} times`)
  }
}

type Read = ReturnType<typeof patient>

async function readDesk(
  read: Read,
  table: 'users' | 'tickets',
  rows: Map<string, string>,
  from: string,
): Promise<string> {
  for (let query = from; ; ) {
    const { body } = await read(`/desk/api/v2/incremental/${table}/cursor?${query}&per_page=40`)
    for (const row of body[table]) rows.set(String(row.id), JSON.stringify(row))
    query = `cursor=${encodeURIComponent(body.after_cursor)}`
    if (body.end_of_stream) return query
  }
}

async function readPay(read: Read, list: string, rows: Map<string, string>): Promise<void> {
  for (let after = ''; ; ) {
    const { body } = await read(`/pay/v1/${list}?limit=50${after}`)
    for (const row of body.data) rows.set(row.id, JSON.stringify(row))
    if (!body.has_more) return
    after = `&starting_after=${body.data.at(-1).id}`
  }
}

async function readTrack(
  read: Read,
  events: Map<string, string>,
  exported: Map<string, string>,
): Promise<void> {
  const keep = (into: Map<string, string>, event: { properties: { $insert_id: string } }) =>
    into.set(event.properties.$insert_id, JSON.stringify(event))
  for (let offset = 0; ; offset += 30) {
    const { body } = await read(`/track/api/query/events?project_id=1&offset=${offset}&limit=30`)
    for (const event of body.results) keep(events, event)
    if (offset + 30 >= body.total) break
  }
  for (const date of ['24', '25', '26', '27', '28', '29', '30', '31']) {
    const day = `2026-01-${date}`
    const { text } = await read(`/track/api/2.0/export?project_id=1&from_date=${day}&to_date=${day}`)
    for (const line of text.split('\n')) if (line !== '') keep(exported, JSON.parse(line))
  }
}

async function readCode(read: Read, rows: Map<string, string>): Promise<void> {
  for (let path = '/code/api/v4/projects?pagination=keyset&order_by=id&sort=asc&per_page=15'; ; ) {
    const { body, headers } = await read(path)
    for (const row of body) rows.set(`${row.id}`, JSON.stringify(row))
    const next = /^<(.+)>; rel="next"$/.exec(headers['link']?.toString() ?? '')?.[1]
    if (next === undefined) return
    const { pathname, search } = new URL(next)
    path = `${pathname}${search}`
  }
}

const met = new Set<string>()

test.each(Array.from({ length: 15 }, (_, seed) => seed))(
  'with half of all requests failing and records changing, a second reading completes the first (seed %i)',
  async (seed) => {
    const clock = fakeClock({ auto: true })
    const sandbox = createSandbox({
      clock,
      seed,
      records: { ...split(900), projects: 100 },
      faults: 0.5,
      latencyMs: 120,
      mutateEvery: 4,
    })
    const read = patient(asker(sandboxTransport(sandbox)), (ms) => clock.sleep(ms))
    const rows = Object.fromEntries(TABLES.map((table) => [table, new Map<string, string>()])) as Record<
      (typeof TABLES)[number],
      Map<string, string>
    >
    const pass = (users: string, tickets: string) =>
      Promise.all([
        readDesk(read, 'users', rows.users, users),
        readDesk(read, 'tickets', rows.tickets, tickets),
        readPay(read, 'balance_transactions', rows.transactions),
        readPay(read, 'charges', rows.charges),
        readCode(read, rows.projects),
        readTrack(read, rows.events, rows.exportEvents),
      ])
    const [users, tickets] = await pass('start_time=0', 'start_time=0')
    sandbox.freeze()
    expect(sandbox.stats.rounds).toBeGreaterThan(4)
    await clock.sleep(61_000)
    await pass(users, tickets)
    clock.stop()

    for (const table of TABLES) {
      const truth = [...sandbox.truth[table]()].map(({ key, json }) => [
        key,
        JSON.stringify(JSON.parse(json)),
      ])
      expect([...rows[table]].sort()).toEqual(truth.sort())
    }
    for (const kind of Object.keys(sandbox.stats.faults)) met.add(kind)
  },
)

test('between them the seeds met every fault that strikes by chance', () => {
  expect([...met].sort()).toEqual([
    'reset',
    'revoke',
    'short',
    'slow',
    'terminate',
    'throttle',
    'truncate',
    'unavailable',
  ])
})
