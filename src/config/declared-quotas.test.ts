// From the config of a source to what its requests wait for.
import { expect, test } from 'vitest'
import { memoryTokenStore } from '../auth/token-store.ts'
import type { Runtime } from '../ports/runtime.ts'
import type { Stream } from '../ports/source.ts'
import type { RestOptions } from '../source/rest-options.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { scriptedTransport } from '../testing/scripted-transport.ts'
import { openSource } from './open-source.ts'
import { definePipeline } from './pipeline.ts'

/** Reads all streams of a source at once, and tells what was asked and when. */
async function read(
  options: Omit<RestOptions, 'type' | 'baseUrl'>,
  body: (url: URL, asked: number) => unknown = () => [],
): Promise<string[]> {
  const clock = fakeClock({ start: 0, auto: true })
  const sent: string[] = []
  const runtime: Runtime = {
    clock,
    random: () => 0,
    async transport(request, signal) {
      const url = new URL(request.url)
      sent.push(`${url.pathname}${url.search} ${clock.now()}`)
      return scriptedTransport([{ body: body(url, sent.length) }])(request, signal)
    },
  }
  const source = await openSource(
    'api',
    { type: 'rest', baseUrl: 'https://api.test/v2', ...options } as RestOptions,
    { runtime, lookup: () => 'secret', tokenStore: memoryTokenStore() },
  )
  await Promise.all(source.streams.map(readAll))
  return sent
}

async function readAll(stream: Stream): Promise<void> {
  const { signal } = new AbortController()
  for await (const slice of stream.slices(new Map(), {}))
    await stream.read(slice, { signal, emit: async () => {} })
}

const paginate = { type: 'none' as const }
const at = (sent: readonly string[], path: string) =>
  sent.filter((each) => each.startsWith(path)).map((each) => Number(each.split(' ')[1]))

test('a path of a class is below the base URL, and its quota holds back no other stream', async () => {
  const sent = await read({
    quotas: [{ requests: 1, per: '10s', for: { path: 'search/*' } }],
    streams: {
      first: { path: 'search/first', paginate },
      second: { path: 'search/second', paginate },
      third: { path: 'items', paginate },
    },
  })
  expect(at(sent, '/v2/search')).toEqual([0, 10_001])
  expect(at(sent, '/v2/items')).toEqual([0])
})

test('a quota for each parent is counted by what the placeholder stands for', async () => {
  const sent = await read(
    {
      streams: {
        messages: {
          path: 'channels/{parent.id}/messages',
          quotas: [{ requests: 1, per: '5s', each: '{parent.id}' }],
          paginate: { type: 'offset', size: { param: 'limit', value: 1 } },
          key: 'id',
          slices: { by: 'parent', stream: 'channels' },
        },
        channels: { path: 'channels', paginate, key: 'id' },
      },
    } as never,
    (url) =>
      url.pathname.endsWith('/messages')
        ? url.searchParams.get('offset') === '2'
          ? []
          : [{ id: url.searchParams.get('offset') }]
        : [{ id: 1 }, { id: 2 }],
  )
  expect(at(sent, '/v2/channels/1/messages')).toEqual([0, 5001, 10_002])
  // It is read once the first has ended, and waits for nothing of it.
  expect(at(sent, '/v2/channels/2/messages')).toEqual([10_002, 15_003, 20_004])
})

test('what bodies weigh is charged to a quota of bytes, as it was sent', async () => {
  const sent = await read(
    {
      quotas: [{ bytes: '100B', per: '10s' }],
      streams: {
        items: {
          path: 'items',
          paginate: { type: 'offset', size: { param: 'limit', value: 1 } },
          key: 'id',
        },
      },
    } as never,
    (url) =>
      url.searchParams.get('offset') === '3'
        ? []
        : [{ id: url.searchParams.get('offset'), text: 'x'.repeat(60) }],
  )
  expect(at(sent, '/v2/items')).toEqual([0, 10_001, 20_002, 30_003])
})

test('points are settled with what the body says, of an error, too', async () => {
  const sent = await read(
    {
      quotas: [{ points: 10, per: '10s', cost: { estimate: 10, actual: 'extensions.cost.actualQueryCost' } }],
      streams: {
        items: {
          path: 'items',
          records: 'data',
          paginate: { type: 'offset', size: { param: 'limit', value: 1 } },
          key: 'id',
        },
      },
    } as never,
    (url, asked) => ({
      data: url.searchParams.get('offset') === '3' ? [] : [{ id: url.searchParams.get('offset') }],
      extensions: { cost: { actualQueryCost: asked === 2 ? 25 : 0 } },
    }),
  )
  // The second overdraws by as much as is there for fifteen more; it is gone from the window after ten seconds.
  expect(at(sent, '/v2/items')).toEqual([0, 0, 10_001, 10_001])
})

test('the requests of a job are counted by what their placeholders stand for, as those of pages are', async () => {
  const sent = await read(
    {
      quotas: [{ requests: 1, per: '5m', each: '{slice.team}' }],
      streams: {
        items: {
          path: 'exports/{job.id}/{slice.team}',
          paginate,
          key: 'id',
          slices: { by: 'list', values: ['a', 'b'], name: 'team' },
          job: {
            create: { path: 'exports', body: { team: '{slice.team}' } },
            poll: { path: 'exports/{job.id}', status: 'state', done: ['done'] },
          },
        },
      },
    } as never,
    (url) => (url.pathname.endsWith('/a') || url.pathname.endsWith('/b') ? [] : { id: 1, state: 'done' }),
  )
  const window = 300_030
  expect(sent).toEqual([
    '/v2/exports 0',
    `/v2/exports/1 ${window}`,
    `/v2/exports/1/a ${2 * window}`,
    // Another team's, which waits for nothing of the first.
    `/v2/exports ${2 * window}`,
    `/v2/exports/1 ${3 * window}`,
    `/v2/exports/1/b ${4 * window}`,
  ])
})

test.each<[object, string]>([
  [
    { each: '{parent.team}' },
    'sources.api.streams.items.quotas[0].each: no request of this stream names {parent.team}, so none can be told from another by it: they name {parent.id}',
  ],
  [
    { for: { methods: ['post'] } },
    'sources.api.streams.items.quotas[0].for.methods: this stream asks with GET, so the limit would hold for none of its requests: leave `methods` out',
  ],
])('a limit of a stream that can hold for none of its requests is refused: %j', (limit, message) => {
  expect(() =>
    definePipeline({
      name: 'all',
      destination: { type: 'duckdb', path: 'x.duckdb' },
      sources: {
        api: {
          type: 'rest',
          baseUrl: 'https://api.test',
          streams: {
            items: {
              path: 'items/{parent.id}',
              paginate,
              key: 'id',
              slices: { by: 'parent', stream: 'parents' },
              quotas: [{ requests: 1, per: '1s', ...limit }],
            },
            parents: { path: 'parents', paginate, key: 'id' },
          },
        },
      },
    } as never),
  ).toThrow(message)
})

test('an even pace is kept by all quotas of a source, and by those of its streams', async () => {
  const sent = await read({
    pace: 'spread',
    quotas: [{ requests: 4, per: '1s' }],
    streams: {
      a: { path: 'a', paginate },
      b: { path: 'b', paginate },
      c: { path: 'c', paginate },
      d: { path: 'd', paginate },
    },
  })
  expect(sent.map((each) => Number(each.split(' ')[1]))).toEqual([0, 250, 500, 750])
})
