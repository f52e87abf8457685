import { expect, test } from 'vitest'
import { bench, done, noHeaders, page } from '../../../test/source/reaction-bench.ts'
import type { EndAction } from '../../http/answer.ts'
import { createClient } from '../../http/client.ts'
import { formatOf } from '../../http/decode/format-options.ts'
import { defaultBodyLimits } from '../../http/decode/limits.ts'
import type { Slice } from '../../ports/source.ts'
import { requestTemplate } from '../../template/request-template.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../../testing/scripted-transport.ts'
import { pageFetcher } from '../pages/fetch-page.ts'
import { readSlice } from '../pages/read-slice.ts'
import { Warehouse } from '../testing/scripted-client.ts'
import type { ReactionSettings } from './reaction-options.ts'
import { compileReactions } from './reactions.ts'

test('stop-slice: what came is committed, the checkpoint stays, and the reason is told', async () => {
  const { stream, warehouse, transport } = bench(
    [page(1, 'b'), { status: 451, body: { message: 'not today' } }, page(2)],
    [{ status: 451, action: 'stop-slice' }],
  )
  const reasons: string[] = []
  const read = async (slice: Slice) =>
    stream.read(slice, {
      signal: new AbortController().signal,
      emit: async (each) => warehouse.commit(stream, slice.key, each),
      onStop: (reason) => reasons.push(reason),
    })
  await read({ key: 'all', progress: null })
  expect(reasons).toEqual([
    'GET https://api.test/items?cursor=b answered 451: not today (the API refuses the request as it is)',
  ])
  expect(warehouse.progress.get('all')).toEqual({ position: { at: 'b' }, highWater: null })
  await read({ key: 'all', progress: warehouse.progress.get('all')! })
  expect(transport.requests.at(-1)?.url).toBe('https://api.test/items?cursor=b')
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
})

/** A child's slice, as a stream of parents reads it. */
async function readChild(
  replies: Iterable<ScriptedReply>,
  entry: Partial<ReactionSettings> & { action: ReactionSettings['action'] },
) {
  const clock = fakeClock({ start: 0, auto: true })
  const transport = scriptedTransport(replies)
  const client = createClient({
    name: 'api',
    baseUrl: 'https://api.test',
    runtime: { clock, transport, random: () => 0.5 },
  })
  const template = requestTemplate({
    method: 'GET',
    url: 'repos/{parent.name}/issues',
    query: {},
    headers: {},
  })
  const warehouse = new Warehouse()
  const values = { parent: { id: 7, name: 'octo/repo' } }
  const fetcher = pageFetcher({
    client,
    clock,
    stream: 'api.issues',
    quotas: [],
    format: formatOf('json'),
    records: 'items',
    optionalRecords: false,
    key: ['id'],
    unwrap: undefined,
    limits: defaultBodyLimits,
    reactions: compileReactions([entry as ReactionSettings], clock),
    placeholders: template.placeholders,
  })
  const paginator = { request: (base: never) => base, next: () => undefined }
  const reading = {
    start: undefined,
    values,
    request: (base: never) => base,
    take: (records: never) => records,
    progress: ({ next }: { next: unknown }) => ({
      position: next === undefined ? null : { at: 1 },
      highWater: null,
    }),
  }
  const requests = { paginator: paginator as never, base: template.fill(values), fetcher, pages: 1 }
  await readSlice(reading as never, requests, {
    signal: new AbortController().signal,
    emit: async (each) => {
      warehouse.pages.push(each)
    },
  })
  return { pages: warehouse.pages, requests: transport.requests }
}

// PEERS: Airbyte lacks "retry N times, then skip"
test('skip-record: after the attempts the parent is kept among the rejects, and its slice is done', async () => {
  const down = { status: 502, body: { message: 'Server Error' } }
  const { pages, requests } = await readChild([down, down, down], {
    status: 502,
    action: 'retry',
    attempts: 3,
    finally: 'skip-record',
    message: 'the issues of {parent.name} can not be read: {body.message}',
  })
  expect(requests).toHaveLength(3)
  expect(pages).toEqual([
    {
      records: [],
      bytes: 0,
      progress: done,
      rejects: [
        {
          record: { id: 7, name: 'octo/repo' },
          reason:
            'GET https://api.test/repos/octo%2Frepo/issues answered 502 for parent.name octo/repo: the issues of octo/repo can not be read: Server Error',
        },
      ],
    },
  ])
})

// PEERS: dlt lacks a retry policy for each endpoint
test.for<EndAction>(['ignore', 'skip-record', 'stop-slice'])(
  'retry, finally %s: it holds also where the retries of the source are used up first',
  async (action) => {
    const down = { status: 422, body: {} }
    const { requests, pages } = await readChild(
      Array.from({ length: 6 }, () => down),
      {
        status: '4xx',
        action: 'retry',
        attempts: 50,
        finally: action,
      },
    )
    expect(requests).toHaveLength(6)
    expect(pages).toHaveLength(action === 'stop-slice' ? 0 : 1)
  },
)

test('retry: other failures in between are not counted as its attempts', async () => {
  const down = { status: 500, body: {} }
  const busy = { status: 429, headers: { ...noHeaders, 'retry-after': '1' }, body: {} }
  const { requests } = await readChild([busy, busy, down, busy, down], {
    status: 500,
    action: 'retry',
    attempts: 2,
    finally: 'ignore',
  })
  expect(requests).toHaveLength(5)
})
