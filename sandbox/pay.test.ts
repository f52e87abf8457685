import { expect, test } from 'vitest'
import { type Ask, payAuth, testWorld } from './ask.ts'

const PATH = '/pay/v1/balance_transactions'
interface Row {
  id: string
  created: number
}

const list = async (ask: Ask, query: string) => (await ask(`${PATH}?${query}`, payAuth)).body
const ids = (rows: readonly Row[]): string[] => rows.map(({ id }) => id)
const truthIds = (world: ReturnType<typeof testWorld>): string[] =>
  [...world.sandbox.truth.transactions()].map(({ key }) => key).reverse()

/** No quota, for tests that page without waiting. */
const open = { limits: { pay: null } }

async function readAll(ask: Ask, filter = 'limit=100', onPage: () => void = () => {}): Promise<Row[]> {
  const rows: Row[] = []
  for (let after = ''; ; ) {
    const page = await list(ask, `${filter}${after}`)
    rows.push(...page.data)
    if (!page.has_more) return rows
    after = `&starting_after=${rows.at(-1)?.id}`
    onPage()
  }
}

test('the list comes newest first, ten at a time unless told, and starting_after leads through all of it', async () => {
  const world = testWorld({ ...open, records: { transactions: 450 } })
  const first = await list(world.ask, '')
  expect(first).toMatchObject({ object: 'list', url: '/v1/balance_transactions', has_more: true })
  expect(first.data).toHaveLength(10)
  const rows = await readAll(world.ask)
  expect(ids(rows)).toEqual(truthIds(world))
  const created = rows.map((row) => row.created)
  expect(created).toEqual(created.toSorted((a, b) => b - a))
  expect(new Set(created).size).toBeLessThan(created.length)
})

test('a last page that is exactly full says that there is no more', async () => {
  const { ask } = testWorld({ records: { transactions: 20 } })
  const first = await list(ask, 'limit=10')
  const last = await list(ask, `limit=10&starting_after=${first.data.at(-1).id}`)
  expect([first.has_more, last.has_more, last.data.length]).toEqual([true, false, 10])
  expect(await list(ask, `starting_after=${last.data.at(-1).id}`)).toMatchObject({
    has_more: false,
    data: [],
  })
})

test('what is inserted at the head while a reader pages neither moves nor enters the pages that follow', async () => {
  const world = testWorld({ ...open, records: { transactions: 450 } })
  const before = truthIds(world)
  const rows = await readAll(world.ask, 'limit=100', () => world.sandbox.mutate({ inserts: 7 }))
  expect(ids(rows)).toEqual(before)
  const news = await readAll(world.ask, `limit=100&created[gte]=${world.clock.now() / 1000}`)
  expect(ids(news)).toEqual(truthIds(world).slice(0, 28))
})

test('ending_before gives the records just newer than an id, newest first too', async () => {
  const world = testWorld({ records: { transactions: 50 } })
  const all = truthIds(world)
  const page = await list(world.ask, `limit=5&ending_before=${all[20]}`)
  expect(ids(page.data)).toEqual(all.slice(15, 20))
  expect(page.has_more).toBe(true)
  const head = await list(world.ask, `limit=5&ending_before=${all[3]}`)
  expect(ids(head.data)).toEqual(all.slice(0, 3))
  expect(head.has_more).toBe(false)
})

test('created filters keep or leave out the boundary second as they say, together with a cursor too', async () => {
  const world = testWorld({ ...open, records: { transactions: 80 } })
  const rows = await readAll(world.ask)
  const at = rows[30]?.created as number
  const expected: Record<string, Row[]> = {
    'created[gte]': rows.filter(({ created }) => created >= at),
    'created[gt]': rows.filter(({ created }) => created > at),
    'created[lte]': rows.filter(({ created }) => created <= at),
    'created[lt]': rows.filter(({ created }) => created < at),
    created: rows.filter(({ created }) => created === at),
  }
  expect(expected['created']?.length).toBeGreaterThan(1)
  for (const [filter, wanted] of Object.entries(expected)) {
    expect(ids(await readAll(world.ask, `limit=7&${filter}=${at}`))).toEqual(ids(wanted))
  }
  const window = `limit=3&created[gte]=${rows[60]?.created}&created[lt]=${at}`
  expect(ids(await readAll(world.ask, window))).toEqual(
    ids(rows.filter(({ created }) => created >= (rows[60] as Row).created && created < at)),
  )
})

test.each([
  [
    'an unknown id',
    'starting_after=txn_unknown',
    {
      code: 'resource_missing',
      message: "No such balance_transaction: 'txn_unknown'",
      param: 'starting_after',
    },
  ],
  ['a limit above 100', 'limit=101', { message: 'This value must be between 1 and 100.', param: 'limit' }],
  ['a limit that is no number', 'limit=many', { message: 'Invalid integer: many', param: 'limit' }],
  [
    'a filter that is no number',
    'created[gte]=yesterday',
    { message: 'Invalid integer: yesterday', param: 'created[gte]' },
  ],
])('400 in the error envelope for %s', async (_what, query, error) => {
  const answer = await testWorld().ask(`${PATH}?${query}`, payAuth)
  expect(answer.status).toBe(400)
  expect(answer.body.error).toMatchObject({ type: 'invalid_request_error', ...error })
})

test('both cursors at once are refused', async () => {
  const world = testWorld()
  const [id] = truthIds(world)
  const answer = await world.ask(`${PATH}?starting_after=${id}&ending_before=${id}`, payAuth)
  expect(answer.status).toBe(400)
  expect(answer.body.error.message).toBe('You cannot parameterize both starting_after and ending_before.')
})

test('a missing and a wrong key are 401, and the wrong one is not repeated whole', async () => {
  const { ask } = testWorld()
  const missing = await ask(PATH)
  expect([missing.status, missing.body.error.type]).toEqual([401, 'invalid_request_error'])
  const wrong = await ask(PATH, { headers: { authorization: 'Bearer sk_test_somebodyelse' } })
  expect([wrong.status, wrong.body.error.message]).toEqual([
    401,
    'Invalid API Key provided: sk_test_********else',
  ])
  const basic = await ask(PATH, { headers: { authorization: `Basic ${btoa('sk_test_sluice:')}` } })
  expect(basic.status).toBe(200)
})

test('past 25 requests a second the answer is 429 in the envelope, without any header about waiting', async () => {
  const { ask, sandbox, clock } = testWorld()
  for (let i = 0; i < 25; i++) expect((await ask(PATH, payAuth)).status).toBe(200)
  const refused = await ask(PATH, payAuth)
  expect(refused.status).toBe(429)
  expect(Object.keys(refused.headers).sort()).toEqual(['content-length', 'content-type'])
  expect(refused.body.error.code).toBe('rate_limit')
  expect(sandbox.stats.breaches).toEqual({ 'pay.transactions': 1 })
  await clock.advance(40)
  expect((await ask(PATH, payAuth)).status).toBe(200)
})

test('two million transactions are reached at any depth without being made first', async () => {
  const world = testWorld({ records: { transactions: 2_000_000 } })
  const middle = await list(
    world.ask,
    `limit=100&created[lt]=${world.sandbox.startTime / 1000 - 15 * 86_400}`,
  )
  expect(middle.data).toHaveLength(100)
  const next = await list(world.ask, `limit=100&starting_after=${middle.data.at(-1).id}`)
  expect(next.data[0].created).toBeLessThanOrEqual(middle.data.at(-1).created)
})

test('charges are a list of their own, in the same manner and with a quota of their own', async () => {
  const { ask, sandbox } = testWorld({
    records: { transactions: 20, charges: 30 },
    limits: { pay: { requests: 1, perMs: 1_000, kind: 'bucket' } },
  })
  expect((await ask(PATH, payAuth)).status).toBe(200)
  const charges = await ask('/pay/v1/charges?limit=100', payAuth)
  expect(charges.body).toMatchObject({ object: 'list', url: '/v1/charges', has_more: false })
  expect(ids(charges.body.data)).toEqual([...sandbox.truth.charges()].map(({ key }) => key).reverse())
  expect((await ask('/pay/v1/charges', payAuth)).status).toBe(429)
})

test('a charge is no transaction: its id leads nowhere in the other list', async () => {
  const { ask } = testWorld({ ...open, records: { transactions: 20, charges: 20 } })
  const [charge] = (await ask('/pay/v1/charges', payAuth)).body.data
  expect((await ask(`${PATH}?starting_after=${charge.id}`, payAuth)).body.error).toMatchObject({
    code: 'resource_missing',
    message: `No such balance_transaction: '${charge.id}'`,
  })
})
