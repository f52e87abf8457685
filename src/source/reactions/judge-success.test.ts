import { expect, test } from 'vitest'
import { bench, done, noHeaders, page } from '../../../test/source/reaction-bench.ts'

test('Slack: ratelimited under 200 waits as long as Retry-After says, internal_error is repeated, others are an error (R2)', async () => {
  const slack = (error: string, headers = {}) => ({
    headers: { ...noHeaders, ...headers },
    body: { ok: false, error },
  })
  const busy = bench([slack('ratelimited', { 'retry-after': '30' }), page(1)], [])
  await busy.run()
  expect(busy.waited()).toBeGreaterThanOrEqual(30_000)
  const failing = bench([slack('internal_error'), page(1)], [])
  await failing.run()
  expect(failing.transport.requests).toHaveLength(2)
  await expect(bench([slack('channel_not_found')], []).run()).rejects.toMatchObject({
    code: 'API_ERROR_BODY',
  })
})

test('Discord: a search whose index is being built is asked for again, until it is there', async () => {
  const building = { status: 202, body: { message: 'Index not yet available', code: 110000, retry_after: 2 } }
  const { run, waited, warehouse } = bench([...Array.from({ length: 12 }, () => building), page(1)], [])
  await run()
  expect(waited()).toBeGreaterThanOrEqual(24_000)
  expect(warehouse.received).toBe(1)
})

test('a 202 without a body that says when to come back is waited for, as long as a run waits', async () => {
  const building = { status: 202, headers: { 'retry-after': '60' }, body: '' }
  const { run } = bench(
    Array.from({ length: 150 }, () => building),
    [],
  )
  await expect(run()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
})

// PEERS: dlt response_actions ignore 204
test('GitHub: a 204 has no records, and is the end of the list', async () => {
  const { run, warehouse } = bench([{ status: 204, headers: {}, body: '' }], [])
  await run()
  expect([warehouse.received, warehouse.progress.get('all')]).toEqual([0, done])
})
