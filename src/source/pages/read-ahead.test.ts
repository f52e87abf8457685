// Pages side by side: which are asked for when, what becomes of a wrong guess, and that nothing is lost by it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonRecord } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import type { RestOptions } from '../rest-options.ts'
import { type Answer, runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const theSlice = { key: 'all', progress: null }
const rows = (count: number) => Array.from({ length: count }, (_, id): JsonRecord => ({ id }))
// Pages that overlap are compared by their records: here they are compared by what they say of the list.
const byOffset = {
  type: 'offset',
  total: 'total',
  size: { param: 'limit', value: 10 },
  overlap: 'none',
} as const

type StreamInput = RestOptions['streams'][string]

const stream = (client: ReturnType<typeof scriptedClient>, options: Partial<StreamInput> = {}) =>
  streamOf(
    'api',
    'items',
    { path: 'items', records: 'data', paginate: byOffset, key: 'id', ...options },
    client,
  )

const offsetOf = ({ query }: RequestSpec) => Number(query['offset'] ?? 0)
const pageOf = (list: readonly JsonRecord[], from: number, size = 10): Answer => ({
  body: { data: list.slice(from, from + size), total: list.length },
})

/** Answers that wait until they are let go, by the offset that was asked for. */
function gatedApi(answer: (from: number) => Answer | Error) {
  const gates = new Map<number, () => void>()
  const log: string[] = []
  const aborted: number[] = []
  const client = scriptedClient(async (request, signal) => {
    const from = offsetOf(request)
    log.push(`ask ${from}`)
    await new Promise<void>((resolve) => {
      gates.set(from, resolve)
      signal?.addEventListener('abort', () => {
        if (gates.delete(from)) aborted.push(from)
        resolve()
      })
    })
    return answer(from)
  })
  const release = async (from: number) => {
    gates.get(from)!()
    gates.delete(from)
    await turn()
  }
  return { client, log, release, aborted }
}

// PEERS: dlt pages of one endpoint are sequential
test('after the first page so many are asked for at once, and one more for each that is taken', async () => {
  const list = rows(95)
  const { client, log, release } = gatedApi((from) => pageOf(list, from))
  const taken: unknown[] = []
  const reading = stream(client, { concurrency: { pages: 3 } }).read(theSlice, {
    signal: new AbortController().signal,
    async emit(page) {
      taken.push(page.records[0]!['id'])
    },
  })
  await turn()
  expect(log).toEqual(['ask 0'])
  await release(0)
  expect(log.slice(1)).toEqual(['ask 10', 'ask 20', 'ask 30'])
  // Answers that overtake wait for their turn, and nothing further is asked for on their account.
  await release(30)
  await release(20)
  expect(log).toHaveLength(4)
  expect(taken).toEqual([0])
  await release(10)
  expect(taken).toEqual([0, 10, 20, 30])
  expect(log.slice(4)).toEqual(['ask 40', 'ask 50', 'ask 60'])
  for (const from of [60, 50, 40, 70, 80, 90]) await release(from)
  await reading
  expect(taken).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90])
  expect(log).toHaveLength(10)
})

test('C4: pages are committed in the order of the list, and a run that died goes on behind the last of them', async () => {
  const list = rows(95)
  const client = scriptedClient((request) => pageOf(list, offsetOf(request)))
  const warehouse = new Warehouse()
  await expect(runOnce(stream(client), warehouse, { crashAfterPages: 4 })).rejects.toThrow('after 4 pages')
  expect(warehouse.progress.get('all')).toEqual({ position: { at: 40 }, highWater: null })
  client.requests.length = 0
  await runOnce(stream(client), warehouse)
  // The page in the middle of the list tells what lies behind it.
  expect(client.requests.map(offsetOf)).toEqual([40, 50, 60, 70, 80, 90])
  expect(warehouse.received).toBe(95)
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: null })
})

test('while the present page is handed on, no more than the window is held in memory', async () => {
  const list = rows(200)
  const client = scriptedClient((request) => pageOf(list, offsetOf(request)))
  let taken = 0
  await stream(client, { concurrency: { pages: 5 } }).read(theSlice, {
    signal: new AbortController().signal,
    async emit() {
      for (let wait = 0; wait < 3; wait++) await turn()
      taken++
      expect(client.requests.length - taken).toBeLessThanOrEqual(5)
    },
  })
  expect(taken).toBe(20)
})

test('a page that was asked for ahead and failed is an error when it is its turn, and what came before is handed on', async () => {
  const list = rows(60)
  const client = scriptedClient((request) =>
    offsetOf(request) === 20 ? new Error('the page at 20 is gone') : pageOf(list, offsetOf(request)),
  )
  const warehouse = new Warehouse()
  await expect(runOnce(stream(client), warehouse)).rejects.toThrow('the page at 20 is gone')
  expect(warehouse.received).toBe(20)
  expect(warehouse.progress.get('all')).toEqual({ position: { at: 20 }, highWater: null })
})

test('a list that shrank ends where it ends: pages behind its end may fail, and nobody hears of it', async () => {
  let asked = 0
  const client = scriptedClient((request) => {
    // Right after the first page half of the records are gone, and the API refuses to go past the end.
    const list = rows(asked++ === 0 ? 60 : 30)
    return offsetOf(request) >= list.length
      ? new Error(`nothing at ${offsetOf(request)}`)
      : pageOf(list, offsetOf(request))
  })
  const warehouse = new Warehouse()
  await runOnce(stream(client), warehouse)
  expect(warehouse.rows.size).toBe(30)
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: null })
})

test('a list that grew is read to its new end', async () => {
  const list = rows(30)
  const client = scriptedClient((request) => {
    if (offsetOf(request) === 20 && list.length < 80) list.push(...rows(80).slice(list.length))
    return pageOf(list, offsetOf(request))
  })
  const warehouse = new Warehouse()
  await runOnce(stream(client), warehouse)
  expect(warehouse.rows.size).toBe(80)
})

test('a short page drops what was asked for behind it, loses nothing, and makes the window small until pages are full again', async () => {
  const list = rows(200)
  const client = scriptedClient((request) =>
    pageOf(list, offsetOf(request), offsetOf(request) === 20 ? 7 : 10),
  )
  const warehouse = new Warehouse()
  await runOnce(stream(client), warehouse)
  expect(warehouse.received).toBe(200)
  expect(warehouse.rows.size).toBe(200)
  const asked = client.requests.map(offsetOf)
  expect(asked.slice(0, 8)).toEqual([0, 10, 20, 30, 40, 50, 27, 37])
  // One after the other it takes 21 requests: the wrong guesses are all that came on top, once.
  expect(asked).toHaveLength(21 + 3)
})

test('R1: neighbours that are the same page stop the stream, also where they were asked for at once', async () => {
  const client = scriptedClient(() => ({ body: { data: rows(10), total: 100 } }))
  const failure = runOnce(stream(client), new Warehouse())
  await expect(failure).rejects.toMatchObject({ code: 'PAGINATION_LOOP' })
  await expect(failure).rejects.toThrow('of the one before it')
})

test('the taker failing stops all pages that are under way', async () => {
  const list = rows(100)
  const { client, release, aborted } = gatedApi((from) => pageOf(list, from))
  const reading = stream(client).read(theSlice, {
    signal: new AbortController().signal,
    emit: () => Promise.reject(new Error('the disk is full')),
  })
  reading.catch(() => {})
  await turn()
  await release(0)
  await expect(reading).rejects.toThrow('the disk is full')
  expect(aborted.sort()).toEqual([10, 20, 30, 40])
})

test('an early page counts only if it names the same total: an insert between two answers moves no record past the reader', async () => {
  const list = rows(40)
  const { client, log, release } = gatedApi((from) => pageOf(list, from))
  const warehouse = new Warehouse()
  const reading = runOnce(stream(client), warehouse)
  await turn()
  await release(0)
  // The page at 20 is answered, then a record comes in front of the list, then the page at 10 is answered: 19 now lies at 20.
  await release(20)
  list.unshift({ id: 'new' })
  await release(10)
  expect(log.slice(-1)).toEqual(['ask 20'])
  for (const from of [20, 30, 40]) await release(from)
  await reading
  expect([...warehouse.rows.keys()]).toEqual(expect.arrayContaining(rows(40).map(({ id }) => String(id))))
})

test('without a total to compare, pages are read side by side only where the config says so', async () => {
  const paginate = { type: 'page-number', totalPages: 'pages' } as const
  const most = async (concurrency?: StreamInput['concurrency']) => {
    let under = 0
    let highest = 0
    const client = scriptedClient(async ({ query }) => {
      highest = Math.max(highest, ++under)
      await turn()
      under--
      return { body: { data: [{ id: Number(query['page']) }], pages: 20 } }
    })
    const warehouse = new Warehouse()
    await runOnce(stream(client, { paginate, ...(concurrency && { concurrency }) }), warehouse)
    expect(warehouse.rows.size).toBe(20)
    return highest
  }
  expect(await most()).toBe(1)
  expect(await most({ pages: 6 })).toBe(6)
})

test('more pages at once than a list can know are refused when the pipeline is loaded', () => {
  const client = scriptedClient(() => ({ body: [] }))
  expect(() =>
    stream(client, {
      paginate: { type: 'cursor', token: 'next', param: 'cursor' },
      concurrency: { pages: 4 },
    }),
  ).toThrow(
    '4 pages at once need a list whose positions can be known, and with `paginate.type: cursor` as it stands each page is known from the one before it: leave `pages` out',
  )
  expect(() => stream(client, { paginate: { type: 'offset' }, concurrency: { pages: 2 } })).toThrow(
    'write `total`',
  )
})

/** An API of pages that is written to while it is read: what it does is decided by a seed. */
function mutatedApi(seed: number, length: number, inserts: boolean, cuts: readonly number[]) {
  const random = seededRandom(seed)
  const list = rows(length)
  const client = scriptedClient(async (request) => {
    for (let wait = Math.floor(random() * 4); wait > 0; wait--) await turn()
    const from = offsetOf(request)
    const answer = pageOf(list, from, Math.max(1, 10 - cuts[from % cuts.length]!))
    if (inserts && random() < 0.3) list.unshift({ id: `new ${list.length}` })
    for (let wait = Math.floor(random() * 4); wait > 0; wait--) await turn()
    return answer
  })
  return client
}

// PEERS: dlt #2844
test('property: whatever order answers come in, wherever pages are short, the list is read once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 150 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.constantFrom(0, 0, 0, 0, 3, 9), { minLength: 1, maxLength: 9 }),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 3 }),
      fc.integer(),
      async (length, pages, cuts, sized, crashes, seed) => {
        const client = mutatedApi(seed, length, false, cuts)
        const { size, ...unsized } = byOffset
        const items = stream(client, {
          paginate: sized ? { ...unsized, size } : unsized,
          concurrency: { pages },
        })
        const warehouse = new Warehouse()
        // What was cut short is gone on with; what was read to its end would be read anew.
        const isRead = () => warehouse.progress.get('all')?.position === null
        for (const crashAfterPages of crashes) {
          if (!isRead()) await runOnce(items, warehouse, { crashAfterPages }).catch(() => {})
        }
        if (!isRead()) await runOnce(items, warehouse)
        expect(warehouse.pages.flatMap((page) => page.records.map(({ id }) => id))).toEqual(
          rows(length).map(({ id }) => id),
        )
      },
    ),
    { numRuns: 300 },
  )
})

test('property: records that come in front of the list while it is read make none disappear', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 120 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer(),
      async (length, pages, seed) => {
        const client = mutatedApi(seed, length, true, [0])
        const warehouse = new Warehouse()
        await runOnce(stream(client, { concurrency: { pages } }), warehouse)
        for (const { id } of rows(length)) expect(warehouse.rows.has(String(id))).toBe(true)
      },
    ),
    { numRuns: 300 },
  )
})
