import { expect, test } from 'vitest'
import { createClient } from '../http/client.ts'
import type { Account } from '../http/layer.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { HttpHeaders } from '../ports/runtime.ts'
import { adaptiveQuota } from '../quota/adaptive/adaptive-quota.ts'
import { quotaEntry } from '../quota/declared/entry.ts'
import { createQuota } from '../quota/options.ts'
import type { Quota } from '../quota/quota.ts'
import { createQuotaRegistry } from '../quota/registry.ts'
import { memoryQuotaStore } from '../quota/store/memory-quota-store.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { ReportBuilder } from './report.ts'

type Entry = Parameters<typeof quotaEntry.parse>[0]
interface Reply {
  readonly status?: number
  readonly headers?: HttpHeaders
}

/** An API that counts what it is asked, and the report of who asks it. */
function bench(start = 0) {
  const clock = fakeClock({ start, auto: true })
  const server = { requests: 0, refused: 0 }
  function client(
    options: {
      readonly quotas?: readonly Quota[]
      readonly members?: readonly Account[]
      readonly reply?: (nth: number, at: number) => Reply
      readonly name?: string
      readonly report?: ReportBuilder
      readonly patienceMs?: number
    } = {},
  ) {
    const report = options.report ?? new ReportBuilder()
    const { reply = (): Reply => ({}), name = 'desk', ...rest } = options
    const one = createClient({
      ...rest,
      name,
      baseUrl: 'https://api.test',
      onEvent: (event: SluiceEvent) => report.add(event),
      runtime: {
        clock,
        random: () => 0,
        async transport() {
          const { status = 200, headers = {} } = reply(server.requests++, clock.now())
          if (status === 429) server.refused++
          return { status, headers, body: (async function* () {})(), discard: async () => {} }
        },
      },
    })
    const ask = (path = 'a', given: { quotas?: readonly Quota[]; tenant?: string; stream?: string } = {}) =>
      one.request(
        { method: 'GET', url: path, query: {}, headers: given.tenant ? { 'x-tenant': given.tenant } : {} },
        async () => {},
        { stream: given.stream ?? `${name}.${path}`, ...(given.quotas && { quotas: given.quotas }) },
      )
    return { ask, quotas: () => report.build().quotas, report }
  }
  const declared = (...entries: Entry[]) =>
    createQuota({ quotas: entries.map((entry) => quotaEntry.parse(entry)), rateLimitHeaders: false }, clock)
  return { clock, server, client, declared }
}

const times = (count: number, task: () => Promise<unknown>) =>
  Promise.all(Array.from({ length: count }, task))

test('what the tenants of one limit used is added up, and so is what each was granted', async () => {
  const { client, declared } = bench()
  const { ask, quotas } = client({
    quotas: [declared({ requests: 50, per: '1m', each: { header: 'x-tenant' } })],
  })
  await times(40, () => ask('a', { tenant: 'a' }))
  await ask('a', { tenant: 'b' })
  expect(quotas()).toMatchObject([{ used: 41, requests: 41, parts: 2, granted: 100, refused: 0 }])
})

test('credentials that are used in turn are added up', async () => {
  const { client, declared } = bench()
  const member = () => ({ quotas: [declared({ requests: 10, per: '1s' })] })
  const { ask, quotas } = client({ members: [member(), member()] })
  await times(40, () => ask())
  expect(quotas()).toMatchObject([{ quota: '10 requests per 1s', used: 40, granted: 40, parts: 2 }])
})

test('endpoints with limits of the same words are told of apart, and so is an account whose words are those', async () => {
  const { client, declared } = bench()
  const account = declared({ requests: 5, per: '1m' })
  const one = [declared({ requests: 5, per: '1m' })]
  const other = [declared({ requests: 5, per: '1m' })]
  const { ask, quotas } = client({ quotas: [account] })
  await times(3, () => ask('a', { quotas: one }))
  expect(quotas()).toMatchObject([{ used: 3 }, { used: 3 }])
  await times(2, () => ask('b', { quotas: other }))
  expect(quotas().map(({ used, streams }) => [used, streams])).toEqual([
    [3, ['desk.a']],
    [5, ['desk.a', 'desk.b']],
    [2, ['desk.b']],
  ])
})

test('a registry that runs share counts what each of them used', async () => {
  const { client, declared } = bench()
  const shared = [declared({ requests: 100, per: '1h' })]
  const first = client({ quotas: shared })
  await times(60, () => first.ask())
  const second = client({ quotas: shared })
  await times(10, () => second.ask())
  expect(first.quotas()).toMatchObject([{ used: 60, granted: 100 }])
  expect(second.quotas()).toMatchObject([{ used: 10, granted: 100 }])
})

test('sources that share a limit are one line', async () => {
  const { client, declared } = bench()
  const quotas = [declared({ requests: 100, per: '1h' })]
  const report = new ReportBuilder()
  await client({ quotas, report, name: 'desk' }).ask()
  await client({ quotas, report, name: 'chat' }).ask()
  expect(report.build().quotas).toMatchObject([{ sources: ['desk', 'chat'], used: 2, granted: 100 }])
})

test('windows of the clock are granted as the clock has them: those that the first and the last request lie in, too', async () => {
  const { client, declared, clock } = bench(5000)
  const { ask, quotas } = client({ quotas: [declared({ requests: 20, per: '10s', window: 'fixed' })] })
  await times(70, () => ask())
  expect(clock.now()).toBeLessThan(35_000)
  expect(quotas()).toMatchObject([{ used: 70, granted: 80 }])
})

test('a day of a time zone begins at its midnight', async () => {
  const { client, declared, clock } = bench(Date.UTC(2026, 0, 1, 22, 30))
  const berlin = { requests: 20, per: '1d', window: 'fixed', timeZone: 'Europe/Berlin' } as const
  const { ask, quotas } = client({ quotas: [declared(berlin)] })
  await ask()
  await clock.sleep(3_600_000)
  await ask()
  expect(quotas()).toMatchObject([{ used: 2, granted: 40 }])
})

test('of a limit that other processes share, what they used is not counted, and that is said', async () => {
  const { client, clock } = bench()
  const store = memoryQuotaStore(clock)
  const limit = { quotas: [quotaEntry.parse({ requests: 300, per: '1m' })], rateLimitHeaders: false as const }
  const process = () => client({ quotas: [createQuotaRegistry({ store }).share('key', limit, clock)] })
  const [one, two] = [process(), process()]
  await Promise.all([times(100, () => one.ask()), times(50, () => two.ask())])
  expect(one.quotas()).toMatchObject([{ used: 100, granted: 300, shared: true }])
  expect(two.quotas()).toMatchObject([{ used: 50, granted: 300, shared: true }])
})

test('what an API reports is told of: used, and granted where limit and window are told', async () => {
  const { client, clock } = bench()
  const reported = createQuota({ quotas: [], rateLimitHeaders: 'auto' }, clock)
  const { ask, quotas } = client({
    quotas: [reported, adaptiveQuota({ key: 'k', clock })],
    reply: (nth, at) => ({
      headers: {
        'ratelimit-policy': '10;w=10',
        'ratelimit-limit': '10',
        'ratelimit-remaining': String(9 - (nth % 10)),
        'ratelimit-reset': String(10 - (Math.floor(at / 1000) % 10)),
      },
    }),
  })
  await times(25, () => ask())
  expect(quotas()).toMatchObject([
    { kind: 'reported', quota: 'what the API reports', used: 25, granted: 30, refused: 0 },
  ])
  expect(quotas()[0]!.waitedSeconds).toBeGreaterThan(0)
})

test('where an API tells no window, what it reports is told of without what it granted', async () => {
  const { client, clock } = bench()
  const { ask, quotas } = client({
    quotas: [createQuota({ quotas: [], rateLimitHeaders: 'auto' }, clock)],
    reply: () => ({ headers: { 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': '60' } }),
  })
  await times(4, () => ask())
  expect(quotas()).toMatchObject([{ kind: 'reported', used: 4, granted: null }])
})

test('a refusal is told of once: at the limit of which the reply says that nothing is left, else at the one that is found', async () => {
  const { client, clock, declared, server } = bench()
  const { ask, quotas } = client({
    quotas: [
      declared({ requests: 1000, per: '1m' }, { concurrent: 5 }),
      createQuota({ quotas: [], rateLimitHeaders: 'auto' }, clock),
      adaptiveQuota({ key: 'k', clock }),
    ],
    reply: (nth) => {
      if (nth === 0) return { status: 429, headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': '3' } }
      return nth === 1 ? { status: 429 } : {}
    },
  })
  await ask()
  const refused = quotas().map(({ kind, refused }) => [kind, refused])
  expect(refused).toEqual([
    ['reported', 1],
    ['found', 1],
    ['declared', 0],
    ['declared', 0],
  ])
  expect(server.refused).toBe(2)
})

test('what nobody tells has no line before something was refused', async () => {
  const { client, clock } = bench()
  const { ask, quotas } = client({ quotas: [adaptiveQuota({ key: 'k', clock })] })
  await ask()
  expect(quotas()).toEqual([])
})

test('a limit that nobody waited for has a line, and so has the one that paused a run', async () => {
  const { client, declared } = bench()
  const quotas = [declared({ requests: 1, per: '1d' }, { requests: 100, per: '1m' })]
  const one = client({ quotas, patienceMs: 60_000 })
  await one.ask()
  await expect(one.ask()).rejects.toMatchObject({ code: 'QUOTA_PAUSED' })
  expect(one.quotas()).toMatchObject([
    { quota: '100 requests per 1m', used: 1, pausedUntil: null, waitedSeconds: 0 },
    { quota: '1 requests per 1d', used: 1, granted: 1, pausedUntil: expect.stringMatching(/^1970-01-02/) },
  ])
})
