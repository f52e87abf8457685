import { expect, test } from 'vitest'
import { bench, done, page, type Responses } from '../../../test/source/reaction-bench.ts'
import { createClient } from '../../http/client.ts'
import type { SluiceEvent } from '../../ports/events.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { scriptedTransport } from '../../testing/scripted-transport.ts'

// PEERS: dlt response_actions ignore 404
// PEERS: Airbyte HttpResponseFilter IGNORE
// PEERS: dlt test_client hook raising Ignore
test('ignore: the response counts as an empty last page, and the slice is done', async () => {
  const { run, warehouse } = bench(
    [page(1, 'b'), { status: 404, body: {} }],
    [{ status: 404, action: 'ignore' }],
  )
  await run()
  expect([...warehouse.rows.keys()]).toEqual(['1'])
  expect(warehouse.progress.get('all')).toEqual(done)
})

// PEERS: dlt response_actions on content
// PEERS: dlt #1786
// PEERS: dlt retry predicates
// PEERS: dlt test_requests custom predicate
// PEERS: Airbyte HttpResponseFilter RETRY
test('retry: a body under 200 is asked for again, with the delays of a 503', async () => {
  const pending = { body: { items: [], state: 'incomplete' } }
  const { run, warehouse, events, transport } = bench(
    [pending, pending, page(1)],
    [{ body: "@.state == 'incomplete'", action: 'retry' }],
  )
  await run()
  expect(transport.requests).toHaveLength(3)
  expect(events.filter(({ type }) => type === 'request.retry')).toHaveLength(2)
  expect([...warehouse.rows.keys()]).toEqual(['1'])
})

// PEERS: dlt response_actions order
// PEERS: Airbyte CompositeErrorHandler
// PEERS: Airbyte CustomErrorHandler
test("the first entry that matches holds, the stream's before the source's", async () => {
  const { run } = bench(
    [{ status: 404, body: {} }],
    [{ status: '4xx', action: 'fail', message: 'the stream says' }],
    {
      source: [{ status: 404, action: 'ignore' }],
    },
  )
  await expect(run()).rejects.toThrow('GET https://api.test/items answered 404: the stream says')
  const second = bench([{ status: 404, body: {} }], [{ status: 403, action: 'fail' }], {
    source: [{ status: 404, action: 'ignore' }],
  })
  await second.run()
  expect(second.warehouse.progress.get('all')).toEqual(done)
})

// PEERS: dlt response_actions unhandled status still raises
test('a response that no entry names is treated as without any', async () => {
  const { run } = bench(
    [{ status: 400, body: { message: 'bad sort' } }],
    [{ status: [404, 422], action: 'ignore' }],
  )
  await expect(run()).rejects.toThrow("answered 400: bad sort (check the request's query and body)")
})

// PEERS: Airbyte HttpResponseFilter FAIL with error_message and failure_type
test('fail: a success stops the stream with the message, its placeholders filled', async () => {
  const { run } = bench(
    [{ body: { items: [], error: { code: 'plan', message: 'no such feature' } } }],
    [
      {
        body: "@.error.code == 'plan'",
        action: 'fail',
        message: '{status}: your plan lacks this ({body.error.message}, {body.none}) at {url}, {{as is}}',
      },
    ],
  )
  await expect(run()).rejects.toMatchObject({
    code: 'HTTP_STATUS',
    recovery: 'stop-stream',
    message:
      'GET https://api.test/items answered 200: 200: your plan lacks this (no such feature, (none)) at https://api.test/items, {as is}',
  })
})

// PEERS: Airbyte HttpResponseFilter error_message_contains
test('text: what the body holds, also where it is no JSON', async () => {
  const { run, transport } = bench(
    [{ body: '<html>down for maintenance</html>' }, page(1)],
    [{ text: 'maintenance', action: 'retry' }],
  )
  await run()
  expect(transport.requests).toHaveLength(2)
})

// PEERS: Airbyte HttpResponseFilter REFRESH_TOKEN_THEN_RETRY
// PEERS: airbyte#31687
test('refresh-token: the credential is renewed once, and a second refusal stops the stream', async () => {
  const expired = { status: 400, body: { error: { code: 'session_expired' } } }
  const reaction: Responses = [{ body: "@.error.code == 'session_expired'", action: 'refresh-token' }]
  const good = bench([expired, page(1)], reaction, { token: () => 'Bearer a' })
  await good.run()
  expect([good.renewals(), good.warehouse.received]).toEqual([1, 1])
  const under200 = bench([{ body: { error: { code: 'session_expired' } } }, page(1)], reaction, {
    token: () => 'Bearer a',
  })
  await under200.run()
  expect([under200.renewals(), under200.warehouse.received]).toEqual([1, 1])
  const bad = bench([expired, expired], reaction, { token: () => 'Bearer a' })
  await expect(bad.run()).rejects.toMatchObject({ code: 'AUTH_REFUSED', recovery: 'fix-config' })
  expect(bad.renewals()).toBe(1)
})

test('a 401 that is to be ignored may be an old token, which is renewed first', async () => {
  const refused = { status: 401, body: {} }
  const old = bench([refused, page(1)], [{ status: 401, action: 'ignore' }], { token: () => 'Bearer a' })
  await old.run()
  expect([old.renewals(), old.warehouse.received]).toEqual([1, 1])
  const meant = bench([refused, refused], [{ status: 401, action: 'ignore' }], { token: () => 'Bearer a' })
  await meant.run()
  expect([meant.renewals(), meant.warehouse.progress.get('all')]).toEqual([1, done])
})

// PEERS: dlt test_requests hook turns 503 into 204
test('what the config expects opens no breaker', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const transport = scriptedTransport(Array.from({ length: 20 }, () => ({ status: 500, body: {} })))
  const events: SluiceEvent[] = []
  const client = createClient({
    name: 'api',
    baseUrl: 'https://api.test',
    runtime: { clock, transport, random: () => 0.5 },
    onEvent: (event) => events.push(event),
  })
  for (let index = 0; index < 20; index++) {
    const asked = client.request({ method: 'GET', url: 'x', query: {}, headers: {} }, async () => {}, {
      react: () => ({ action: 'skip-record' }),
    })
    await expect(asked).rejects.toMatchObject({ action: 'skip-record' })
  }
  expect(events.filter(({ type }) => type.startsWith('breaker'))).toEqual([])
})

// PEERS: dlt fault 4 API key in an error
test('S1: a message shows no secret that the API sends back', async () => {
  const secret = 'super-secret-token-1'
  const { run } = bench(
    [{ status: 400, body: { echo: `Bearer ${secret}` } }],
    [{ status: 400, action: 'fail', message: 'it said {body.echo}' }],
    { secrets: [secret] },
  )
  await expect(run()).rejects.toThrow('answered 400: it said Bearer ***')
  const under200 = bench(
    [{ body: { echo: secret } }],
    [{ body: '@.echo', action: 'fail', message: 'it said {body.echo}' }],
    { secrets: [secret] },
  )
  await expect(under200.run()).rejects.toMatchObject({
    message: expect.stringContaining('it said ***'),
    reason: 'it said ***',
  })
})

// PEERS: airbyte#42448
test('JSON Lines: a condition on the body looks at a body of one line, and reads no other for it', async () => {
  const lines = { format: 'jsonl' as const, records: undefined, paginate: undefined }
  const reaction: Responses = [{ body: "@.status == 'busy'", action: 'retry' }]
  const { run, warehouse, transport } = bench(
    [{ body: '{"status":"busy"}\n' }, { body: '{"id":1,"status":"busy"}\n{"id":2}\n' }],
    reaction,
    lines as never,
  )
  await run()
  expect(transport.requests).toHaveLength(2)
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
})
