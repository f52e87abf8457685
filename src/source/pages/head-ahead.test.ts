// A header that names the next page: it is asked for before the body of the present one has come.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openClient } from '../../config/open-client.ts'
import { systemRuntime } from '../../http/system-runtime.ts'
import type { HttpResponse, Runtime, Transport } from '../../ports/runtime.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import type { RestOptions } from '../rest-options.ts'
import { runOnce, streamOf, Warehouse } from '../testing/scripted-client.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const origin = 'https://api.test'
type Paginate = RestOptions['streams'][string]['paginate']

/** An API whose bodies come when they are let go. The header of each page but the last names the next one. */
function slowBodies(count: number, head: (page: number) => HttpResponse['headers']) {
  const log: string[] = []
  const bodies = new Map<number, (error?: Error) => void>()
  const transport: Transport = async (request, signal) => {
    signal?.throwIfAborted()
    const page = Number(new URL(request.url).searchParams.get('page') ?? 1)
    log.push(`ask ${page}`)
    signal?.addEventListener('abort', () => bodies.has(page) && log.push(`stop ${page}`))
    const come = new Promise<void>((resolve, reject) => {
      bodies.set(page, (error) => (error === undefined ? resolve() : reject(error)))
    })
    come.catch(() => {})
    return {
      status: 200,
      headers: { 'content-type': 'application/json', ...head(page) },
      body: (async function* () {
        await come
        bodies.delete(page)
        log.push(`body ${page}`)
        yield Buffer.from(JSON.stringify([{ id: page }]))
      })(),
      discard: async () => {},
    }
  }
  const runtime: Runtime = { transport, clock: fakeClock({ auto: true }), random: seededRandom(1) }
  const open = (maxConcurrent?: number) =>
    openClient(
      'api',
      { baseUrl: origin, retry: { firstDelay: '0s' }, ...(maxConcurrent !== undefined && { maxConcurrent }) },
      { runtime },
    )
  const come = async (page: number, error?: Error) => {
    bodies.get(page)!(error)
    for (let at = 0; at < 8; at++) await turn()
  }
  return { log, come, open, count }
}

const link = (count: number) => (page: number) =>
  page < count ? { link: `<${origin}/items?page=${page + 1}>; rel="next"` } : {}

const read = (
  client: ReturnType<typeof openClient>,
  paginate: Paginate,
  warehouse = new Warehouse(),
  pages?: number,
) =>
  runOnce(
    streamOf(
      'api',
      'items',
      {
        path: 'items',
        paginate: paginate!,
        key: 'id',
        ...(pages !== undefined && { concurrency: { pages } }),
      },
      client,
    ),
    warehouse,
  )

test('a Link header: the next page is asked for before the body has come, one ahead and no more', async () => {
  const { log, come, open } = slowBodies(4, link(4))
  const reading = read(open(), { type: 'link-header' })
  await turn()
  await come(1)
  expect(log).toEqual(['ask 1', 'ask 2', 'body 1', 'ask 3'])
  for (const page of [2, 3, 4]) await come(page)
  await reading
  expect(log.filter((line) => line.startsWith('ask'))).toEqual(['ask 1', 'ask 2', 'ask 3', 'ask 4'])
})

test('a token, a URL and a count in a header do the same', async () => {
  const kinds: [Paginate, (page: number) => HttpResponse['headers']][] = [
    [
      { type: 'cursor', token: { header: 'x-next' }, param: 'page' },
      (page) => (page < 3 ? { 'x-next': String(page + 1) } : {}),
    ],
    [
      { type: 'next-url', url: { header: 'x-next' } },
      (page) => (page < 3 ? { 'x-next': `?page=${page + 1}` } : {}),
    ],
    [{ type: 'page-number', totalPages: { header: 'x-pages' } }, () => ({ 'x-pages': '3' })],
    [
      {
        type: 'page-number',
        totalRecords: { header: 'x-total' },
        size: { param: 'per_page', value: 1 },
      },
      () => ({ 'x-total': '3' }),
    ],
  ]
  for (const [paginate, head] of kinds) {
    const { log, come, open } = slowBodies(3, head)
    const warehouse = new Warehouse()
    const reading = read(open(), paginate, warehouse, 1)
    await turn()
    await turn()
    expect(log).toEqual(['ask 1', 'ask 2'])
    for (const page of [1, 2, 3]) await come(page)
    await reading
    expect([...warehouse.rows.keys()]).toEqual(['1', '2', '3'])
  }
})

test('where the body has a say in whether the list goes on, it is waited for', async () => {
  const { log, come, open } = slowBodies(2, link(2))
  const reading = read(open(), { type: 'link-header', lastPage: 'empty' })
  for (let at = 0; at < 8; at++) await turn()
  expect(log).toEqual(['ask 1'])
  await come(1)
  expect(log).toEqual(['ask 1', 'body 1', 'ask 2'])
  await come(2)
  await reading
})

test('with one request at a time nothing waits for itself: the next page follows when the body has come', async () => {
  const { log, come, open } = slowBodies(3, link(3))
  const warehouse = new Warehouse()
  const reading = read(open(1), { type: 'link-header' }, warehouse, 3)
  for (let at = 0; at < 8; at++) await turn()
  expect(log).toEqual(['ask 1'])
  for (const page of [1, 2, 3]) await come(page)
  await reading
  expect(log).toEqual(['ask 1', 'body 1', 'ask 2', 'body 2', 'ask 3', 'body 3'])
  expect(warehouse.rows.size).toBe(3)
})

test('a page whose body broke off is asked for again, and so is what was asked for behind it', async () => {
  const { log, come, open } = slowBodies(3, link(3))
  const warehouse = new Warehouse()
  const reading = read(open(), { type: 'link-header' }, warehouse)
  await turn()
  await come(1, Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
  expect(log).toEqual(['ask 1', 'ask 2', 'ask 1', 'stop 2', 'ask 2'])
  for (const page of [1, 2, 3]) await come(page)
  await reading
  expect([...warehouse.rows.keys()]).toEqual(['1', '2', '3'])
})

test('R3: a header that leads to another origin asks nothing there, and is an error when it is its turn', async () => {
  const { log, come, open } = slowBodies(2, () => ({ link: '<https://evil.test/items?page=2>; rel="next"' }))
  const reading = read(open(), { type: 'link-header' })
  reading.catch(() => {})
  await turn()
  expect(log).toEqual(['ask 1'])
  await come(1)
  await expect(reading).rejects.toThrow('https://evil.test')
  expect(log).toEqual(['ask 1', 'body 1'])
})

test('property: over loopback, whatever the list and the window, each record is read once and in order, and no more requests are under way than the source allows', async () => {
  let under = 0
  let most = 0
  const server = createServer((request, response) => {
    most = Math.max(most, ++under)
    const url = new URL(request.url!, 'http://localhost')
    const [from, size, length] = ['offset', 'limit', 'length'].map((name) =>
      Number(url.searchParams.get(name)),
    )
    const data = Array.from({ length: Math.max(0, Math.min(size!, length! - from!)) }, (_, at) => ({
      id: from! + at,
    }))
    const follows = from! + size! < length!
    url.searchParams.set('offset', String(from! + size!))
    const next = follows ? { link: `<${url.pathname}${url.search}>; rel="next"` } : {}
    setTimeout(() => {
      response.writeHead(200, { 'content-type': 'application/json', ...next })
      response.end(JSON.stringify({ data, total: length }), () => under--)
    }, from! % 3)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const runtime = systemRuntime()
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        async (length, size, pages, maxConcurrent, byLink) => {
          most = 0
          const client = openClient('api', { baseUrl, maxConcurrent }, { runtime })
          const warehouse = new Warehouse()
          const paginate: Paginate = byLink
            ? { type: 'link-header' }
            : { type: 'offset', total: 'total', size: { param: 'limit', value: size } }
          const stream = streamOf(
            'api',
            'items',
            {
              path: `${baseUrl}/items`,
              records: 'data',
              query: { length, ...(byLink && { offset: 0, limit: size }) },
              paginate,
              key: 'id',
              concurrency: { pages },
            },
            client,
          )
          await runOnce(stream, warehouse)
          expect(warehouse.pages.flatMap((page) => page.records.map(({ id }) => id))).toEqual(
            Array.from({ length }, (_, id) => id),
          )
          expect(most).toBeLessThanOrEqual(Math.min(maxConcurrent, pages + (byLink ? 1 : 0)))
        },
      ),
      { numRuns: 60 },
    )
  } finally {
    server.closeAllConnections()
    server.close()
  }
}, 60_000)
