import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import type { SourcePage } from '../../ports/source.ts'
import { type Answer, runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'

const cursorPages = { type: 'cursor', token: 'next', param: 'cursor' } as const

/** A list of `count` pages of one record each; `log` says what happened in which order. */
function numbered(count: number, log: string[] = []) {
  const client = scriptedClient(({ query }) => {
    const page = Number(query.cursor ?? 1)
    log.push(`ask ${page}`)
    return { body: { items: [{ id: page }], next: page < count ? String(page + 1) : null } }
  })
  const stream = streamOf(
    'api',
    'items',
    { path: 'items', records: 'items', paginate: cursorPages, key: 'id' },
    client,
  )
  return { client, stream }
}

const theSlice = { key: 'all', progress: null }
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

// PEERS: airbyte#9404
test('the next page is asked for before the present one is handed on, and no further one until that is taken', async () => {
  const log: string[] = []
  const { stream } = numbered(4, log)
  let release: () => void = () => {}
  const reading = stream.read(theSlice, {
    signal: new AbortController().signal,
    async emit(page) {
      log.push(`take ${page.records[0]!.id}`)
      await new Promise<void>((resolve) => {
        release = resolve
      })
    },
  })
  await turn()
  expect(log).toEqual(['ask 1', 'ask 2', 'take 1'])
  for (let page = 1; page <= 4; page++) {
    release()
    await turn()
  }
  await reading
  expect(log).toEqual(['ask 1', 'ask 2', 'take 1', 'ask 3', 'take 2', 'ask 4', 'take 3', 'take 4'])
})

// PEERS: Airbyte lacks page-level checkpoint
test('C4: a list that is read whole goes on at the page after the committed one, and ends with no position', async () => {
  const { client, stream } = numbered(3)
  const warehouse = new Warehouse()
  await expect(runOnce(stream, warehouse, { crashAfterPages: 2 })).rejects.toThrow('after 2 pages')
  expect(warehouse.progress.get('all')).toEqual({ position: { at: '3' }, highWater: null })
  client.requests.length = 0
  await runOnce(stream, warehouse)
  expect(client.requests.map((request) => request.query)).toEqual([{ cursor: '3' }])
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: null })
  client.requests.length = 0
  await runOnce(stream, warehouse)
  expect(client.requests.map((request) => request.query.cursor)).toEqual([undefined, '2', '3'])
})

test('what was read is handed on before the error of the page after it', async () => {
  const client = scriptedClient(({ query }) =>
    query.cursor === undefined ? { body: { items: [{ id: 1 }], next: '2' } } : new Error('page 2 is gone'),
  )
  const stream = streamOf(
    'api',
    'items',
    { path: 'items', records: 'items', paginate: cursorPages, key: 'id' },
    client,
  )
  const warehouse = new Warehouse()
  await expect(runOnce(stream, warehouse)).rejects.toThrow('page 2 is gone')
  expect([...warehouse.rows.keys()]).toEqual(['1'])
  expect(warehouse.progress.get('all')).toEqual({ position: { at: '2' }, highWater: null })
})

test('an error of the taker stops the request that is ahead, and nothing is left unhandled', async () => {
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  let aheadSignal: AbortSignal | undefined
  const client = scriptedClient(({ query }, signal): Promise<Answer> | Answer => {
    if (query.cursor === undefined) return { body: { items: [{ id: 1 }], next: '2' } }
    aheadSignal = signal
    return new Promise((_, reject) => {
      signal!.addEventListener('abort', () => reject(signal!.reason))
    })
  })
  const stream = streamOf(
    'api',
    'items',
    { path: 'items', records: 'items', paginate: cursorPages, key: 'id' },
    client,
  )
  const reading = stream.read(theSlice, {
    signal: new AbortController().signal,
    emit: () => Promise.reject(new Error('the disk is full')),
  })
  await expect(reading).rejects.toThrow('the disk is full')
  expect(aheadSignal?.aborted).toBe(true)
  await turn()
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled).toEqual([])
})

test('an abort stops at once, with its reason, and leaves no listener behind', async () => {
  const abort = new AbortController()
  const client = scriptedClient(({ query }, signal): Promise<Answer> | Answer => {
    if (query.cursor === undefined) return { body: { items: [{ id: 1 }], next: '2' } }
    return new Promise((_, reject) => {
      signal!.addEventListener('abort', () => reject(signal!.reason))
    })
  })
  const stream = streamOf(
    'api',
    'items',
    { path: 'items', records: 'items', paginate: cursorPages, key: 'id' },
    client,
  )
  const taken: SourcePage[] = []
  const reading = stream.read(theSlice, {
    signal: abort.signal,
    async emit(page) {
      taken.push(page)
    },
  })
  await turn()
  abort.abort(new Error('enough'))
  await expect(reading).rejects.toThrow('enough')
  expect(taken).toHaveLength(1)
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
  await expect(stream.read(theSlice, { signal: abort.signal, async emit() {} })).rejects.toThrow('enough')
  expect(client.requests).toHaveLength(2)
})

test('a page that is handed on while the signal is aborted ends the reading before another is taken', async () => {
  const abort = new AbortController()
  const { stream } = numbered(5)
  const taken: unknown[] = []
  const reading = stream.read(theSlice, {
    signal: abort.signal,
    async emit(page) {
      taken.push(page.records[0]!.id)
      abort.abort(new Error('enough'))
    },
  })
  await expect(reading).rejects.toThrow('enough')
  expect(taken).toEqual([1])
})

test('R1: a page that is the one before it, byte for byte, stops the stream', async () => {
  let token = 1
  const client = scriptedClient(() => ({
    body: [{ id: 1 }],
    headers: { link: `<https://api.test/items?page=${++token}>; rel="next"` },
  }))
  const stream = streamOf(
    'api',
    'items',
    { path: 'items', paginate: { type: 'link-header' }, key: 'id' },
    client,
  )
  const warehouse = new Warehouse()
  const failure = runOnce(stream, warehouse)
  await expect(failure).rejects.toMatchObject({ code: 'PAGINATION_LOOP' })
  await expect(failure).rejects.toThrow(
    'https://api.test/items?page=2: this page holds the one record of the one before it, which came from https://api.test/items. The API may not know',
  )
  expect(warehouse.received).toBe(1)
})

test('R1: empty pages may repeat, since an API may have nothing for a while and something after', async () => {
  let asked = 0
  const client = scriptedClient(() => {
    asked++
    return {
      body: asked < 4 ? [] : [{ id: 1 }],
      headers: asked < 4 ? { link: `<https://api.test/items?page=${asked}>; rel="next"` } : {},
    }
  })
  const stream = streamOf(
    'api',
    'items',
    { path: 'items', paginate: { type: 'link-header' }, key: 'id' },
    client,
  )
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(warehouse.received).toBe(1)
})

test('R2: a selector that finds nothing stops the stream, and what was read before it is handed on', async () => {
  const client = scriptedClient(({ query }) => ({
    body: query.cursor === undefined ? { items: [{ id: 1 }], next: '2' } : { error: 'invalid_cursor' },
  }))
  const stream = streamOf(
    'api',
    'items',
    { path: 'items', records: 'items', paginate: cursorPages, key: 'id' },
    client,
  )
  const warehouse = new Warehouse()
  await expect(runOnce(stream, warehouse)).rejects.toThrow(
    'https://api.test/items?cursor=2: the API answered 200, but its body is an error: invalid_cursor',
  )
  expect(warehouse.received).toBe(1)
})

const bulk = (from: number, count: number) =>
  Array.from(
    { length: count },
    (_, index) => `${JSON.stringify({ id: from + index, text: 'x'.repeat(1000) })}\n`,
  ).join('')

test('JSON Lines are handed on in parts without progress, and the last one with it', async () => {
  const client = scriptedClient(() => ({ body: [Buffer.from(bulk(0, 1500)), Buffer.from(bulk(1500, 1000))] }))
  const stream = streamOf('api', 'events', { path: 'export', format: 'jsonl', key: 'id' }, client)
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(warehouse.rows.size).toBe(2500)
  expect(warehouse.pages.length).toBeGreaterThan(2)
  expect(warehouse.pages.slice(0, -1).every((page) => page.progress === undefined && page.bytes > 0)).toBe(
    true,
  )
  expect(warehouse.pages.at(-1)).toEqual({
    records: [],
    bytes: 0,
    progress: { position: null, highWater: null },
  })
})

test('JSON Lines that break off are read again from their start, also where their order is checked', async () => {
  const whole = [Buffer.from(bulk(0, 1500))]
  const bodies = [[...whole, Buffer.from('terminated early')], whole]
  const client = scriptedClient(() => ({ body: bodies.shift()! }))
  const { request } = client
  // The client repeats an attempt whose consumer fails with what may be retried.
  client.request = (spec, consume, options) =>
    request(spec, consume, options).catch((error: { recovery?: string }) => {
      if (error.recovery !== 'retry') throw error
      return request(spec, consume, options)
    })
  const stream = streamOf(
    'api',
    'events',
    {
      path: 'export',
      format: 'jsonl',
      key: 'id',
      incremental: { by: 'id', field: 'id', param: 'since', order: 'ascending' },
    },
    client,
  )
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(client.requests).toHaveLength(2)
  expect(warehouse.received).toBeGreaterThan(1500)
  expect(warehouse.rows.size).toBe(1500)
  expect(warehouse.progress.get('all')).toEqual({ position: null, highWater: '1499' })
})

test('R2: an export that answers one line with an error, and no record, is refused', async () => {
  const client = scriptedClient(() => ({ body: '{"error":"Project is over its quota","status":"error"}\n' }))
  const stream = streamOf('api', 'events', { path: 'export', format: 'jsonl', key: 'id' }, client)
  await expect(runOnce(stream, new Warehouse())).rejects.toThrow(
    'https://api.test/export: the API answered 200, but its body is an error: Project is over its quota',
  )
})

test('one record of an export with a field of the name error is a record', async () => {
  const client = scriptedClient(() => ({ body: '{"id":7,"error":"timeout"}\n' }))
  const stream = streamOf('api', 'events', { path: 'export', format: 'jsonl', key: 'id' }, client)
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect([...warehouse.rows.values()]).toEqual([{ id: 7, error: 'timeout' }])
})
