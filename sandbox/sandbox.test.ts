import { expect, test } from 'vitest'
import { fakeClock } from '../src/testing/fake-clock.ts'
import { asker, deskAuth, grant, payAuth, testWorld, trackAuth } from './ask.ts'
import { createSandbox } from './sandbox.ts'
import { sandboxTransport } from './transport.ts'
import { TABLES } from './world.ts'

const PAY = '/pay/v1/balance_transactions'
const TICKETS = '/desk/api/v2/incremental/tickets/cursor?start_time=0'
const rowsOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

test('a wrong option is named, with what is allowed', () => {
  const clock = fakeClock()
  expect(() => createSandbox({ clock, faults: 'lots' })).toThrow(
    'faults must be none, some, many or a number from 0 to 1, not \\"lots\\"',
  )
  expect(() => createSandbox({ clock, records: -1 })).toThrow('records')
  // @ts-expect-error: no such option
  expect(() => createSandbox({ clock, recods: 1 })).toThrow('recods')
})

test('start and records come from the hour of the clock unless they are given', () => {
  const clock = fakeClock({ start: Date.parse('2026-03-04T05:06:07Z') })
  expect(createSandbox({ clock }).startTime).toBe(Date.parse('2026-03-04T05:00:00Z'))
  expect(createSandbox({ clock, startTime: 1_000_000_000_000 }).startTime).toBe(1_000_000_000_000)
})

test('the log tells which page was asked for, so that a page asked for twice can be counted', async () => {
  const { ask, sandbox } = testWorld({ records: 100 })
  const auth = await deskAuth(ask)
  await ask(`${TICKETS}&per_page=10`, auth)
  await ask(`/track/api/query/events?project_id=1&limit=5&offset=5`, trackAuth)
  await ask(`/track/api/query/events?offset=5&project_id=1&limit=5`, trackAuth)
  await ask('/nowhere')
  const { log, requests, records } = sandbox.stats
  expect(log.map(({ endpoint, position, status }) => [endpoint, position, status])).toEqual([
    ['desk.token', '', 200],
    ['desk.tickets', 'per_page=10&start_time=0', 200],
    ['track.events', 'limit=5&offset=5', 200],
    ['track.events', 'limit=5&offset=5', 200],
    ['unknown', '', 404],
  ])
  expect(requests).toEqual({ 'desk.token': 1, 'desk.tickets': 1, 'track.events': 2, unknown: 1 })
  expect(records).toEqual({ 'desk.tickets': 10, 'track.events': 10 })
})

test('a path that a vendor does not have is 404 in its own envelope', async () => {
  const { ask } = testWorld()
  expect((await ask('/desk/api/v2/tickets')).body.error.title).toBe('Invalid endpoint')
  expect((await ask('/pay/v1/refunds')).body.error.message).toBe(
    'Unrecognized request URL (GET: /v1/refunds).',
  )
  expect((await ask('/track/api/2.0/segmentation')).body.error).toBe('Not found')
  expect((await ask(PAY, { method: 'DELETE' })).status).toBe(404)
})

test('changes during a run come at each so many-th request for data, and end', async () => {
  const { ask, sandbox } = testWorld({ records: 100, mutateEvery: 5, mutateRounds: 2 })
  const before = [...sandbox.truth.transactions()].length
  await ask('/desk/oauth/tokens', grant())
  for (let i = 0; i < 20; i++) await ask(PAY, payAuth)
  expect(sandbox.stats.rounds).toBe(2)
  expect([...sandbox.truth.transactions()].length).toBe(before + 6)
})

test('the same requests on the same clock meet the same answers, faults and changes', async () => {
  const run = async () => {
    const clock = fakeClock({ auto: true })
    const sandbox = createSandbox({
      clock,
      records: 2_000,
      seed: 11,
      faults: 0.4,
      latencyMs: 80,
      mutateEvery: 3,
    })
    const ask = asker(sandboxTransport(sandbox))
    const seen: unknown[] = []
    const attempt = async (path: string, headers: Record<string, string>) => {
      const answer = await ask(path, { headers }).catch((error: Error) => error.message)
      seen.push([clock.now(), answer])
    }
    for (let i = 0; i < 30; i++) {
      await Promise.all([
        attempt(`${PAY}?limit=${i + 1}`, payAuth.headers),
        attempt(`/track/api/query/events?project_id=1&offset=${i}`, trackAuth.headers),
      ])
    }
    clock.stop()
    return { seen, stats: sandbox.stats }
  }
  const [first, second] = [await run(), await run()]
  expect(second).toEqual(first)
  expect(Object.keys(first.stats.faults).length).toBeGreaterThan(3)
  expect(first.stats.breachesTotal).toBe(0)
})

test('a 429 by chance is no breach, a 503 says at times how long to wait, and both are counted as faults', async () => {
  const { ask, sandbox } = testWorld()
  sandbox.force(PAY, 'throttle')
  sandbox.force(PAY, 'unavailable', 2)
  const answers = [await ask(PAY, payAuth), await ask(PAY, payAuth), await ask(PAY, payAuth)]
  expect(answers.map(({ status }) => status)).toEqual([429, 503, 503])
  expect(answers.map(({ headers }) => headers['retry-after'])).toEqual([undefined, '1', undefined])
  expect(sandbox.stats).toMatchObject({ breachesTotal: 0, faults: { throttle: 1, unavailable: 2 } })
  sandbox.force('/desk', 'throttle')
  const throttled = await ask('/desk/api/v2/users/me.json')
  expect([throttled.status, throttled.headers['retry-after']]).toEqual([429, '1'])
})

test('a revoked token is refused from then on, and a new one works', async () => {
  const { ask, sandbox } = testWorld()
  const auth = await deskAuth(ask)
  sandbox.force('/incremental', 'revoke')
  expect((await ask(TICKETS, auth)).status).toBe(401)
  expect((await ask(TICKETS, auth)).status).toBe(401)
  expect((await ask(TICKETS, await deskAuth(ask))).status).toBe(200)
})

test('HTML and an error body come under 200 when a test forces them', async () => {
  const { ask, sandbox } = testWorld()
  for (const path of ['/desk/api/v2/users/me.json', PAY, '/track/api/query/events']) {
    sandbox.force(path, 'html')
    sandbox.force(path, 'error-body')
    const html = await ask(path, payAuth)
    expect([html.status, html.headers['content-type'], html.body]).toEqual([200, 'text/html', undefined])
    const error = await ask(path, payAuth)
    expect([error.status, 'error' in error.body]).toEqual([200, true])
  }
})

test('a slow body arrives whole after the time it takes', async () => {
  const { ask, sandbox, clock } = testWorld({ slowMs: 4_000 })
  const whole = await ask(PAY, payAuth)
  sandbox.force(PAY, 'slow')
  const slow = ask(PAY, payAuth)
  await clock.advance(2_999)
  expect(clock.sleepers).toBe(1)
  await clock.advance(1_001)
  expect((await slow).text).toBe(whole.text)
})

test('the admin endpoints give truth, statistics and changes to another process, and stay out of the log', async () => {
  const { ask, sandbox } = testWorld({ records: 50 })
  const post = (path: string, body: unknown) => ask(path, { method: 'POST', body: JSON.stringify(body) })
  const round = await post('/_sandbox/mutate', { inserts: 2, deletes: 0 })
  expect(round.body).toMatchObject({ inserts: 2, updates: 4, deletes: 0 })
  for (const table of TABLES) {
    const { text } = await ask(`/_sandbox/truth/${table}`)
    expect(rowsOf(text)).toEqual(
      [...sandbox.truth[table]()].map(({ key, json }) => ({ key, record: JSON.parse(json) })),
    )
  }
  await post('/_sandbox/force', { match: '/pay', kind: 'unavailable' })
  expect((await ask(PAY, payAuth)).status).toBe(503)
  expect((await ask('/_sandbox/stats')).body).toEqual(JSON.parse(JSON.stringify(sandbox.stats)))
  expect(sandbox.stats.log).toHaveLength(1)
})

test('the admin endpoints explain what they refuse', async () => {
  const { ask, sandbox } = testWorld({ records: 50 })
  const post = (path: string, body: string) => ask(path, { method: 'POST', body })
  expect((await post('/_sandbox/force', '{"kind":"flood"}')).body.error).toMatch(
    /^kind must be one of unavailable, .* not "flood"$/,
  )
  const past = await post('/_sandbox/mutate', JSON.stringify({ at: sandbox.startTime - 7_200_000 }))
  expect([past.status, past.body.error]).toEqual([400, expect.stringContaining('rounds go forward in time')])
  expect((await post('/_sandbox/mutate', '{')).status).toBe(400)
  expect((await ask('/_sandbox/truth/orders')).body.error).toBe(
    'the sandbox has no GET /_sandbox/truth/orders',
  )
})

test('another process can end the tokens, and the changes that come by themselves', async () => {
  const { ask, sandbox } = testWorld({ records: 50, mutateEvery: 1 })
  const post = (path: string) => ask(path, { method: 'POST' })
  const auth = await deskAuth(ask)
  await ask(TICKETS, auth)
  expect(sandbox.stats.rounds).toBe(1)
  await post('/_sandbox/freeze')
  await post('/_sandbox/revoke')
  expect((await ask(TICKETS, auth)).status).toBe(401)
  expect(sandbox.stats.rounds).toBe(1)
})
