import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cursor } from '../../pagination/cursor.ts'
import type { RestOptions } from '../rest-options.ts'
import { Crash, runOnce, scriptedClient, streamsOf, Warehouse } from '../testing/scripted-client.ts'
import type { Partitioning } from './partition.ts'
import { product } from './product.ts'

type StreamInput = RestOptions['streams'][string]

/** Partitions that count how often they are listed, and how many were given. */
function counted(name: string, count: number, filler = '') {
  const seen = { lists: 0, given: 0, open: 0 }
  const partitioning: Partitioning = {
    levels: 1,
    asks: [name],
    async *partitions() {
      seen.lists++
      seen.open++
      try {
        for (let id = 0; id < count; id++) {
          seen.given++
          yield { key: `${name}=${id}`, values: { [name]: { id, filler } }, carried: [] }
        }
      } finally {
        seen.open--
      }
    },
  }
  return { partitioning, seen }
}

async function keysOf(partitioning: Partitioning): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of partitioning.partitions(new AbortController().signal)) keys.push(key)
  return keys
}

const pairs = (outer: number, inner: number) =>
  Array.from({ length: outer }, (_, a) => Array.from({ length: inner }, (_, b) => `a=${a}/b=${b}`)).flat()

/** What one of the counted partitions takes. */
const one = 'a=1'.length + '{"a":{"id":1,"filler":""}}'.length + 100

describe('a product', () => {
  test('lists each of its factors once, and goes through them in order', async () => {
    const [a, b, c] = [counted('a', 4), counted('b', 5), counted('c', 3)]
    const keys = await keysOf(product(product(a.partitioning, b.partitioning), c.partitioning))
    expect(keys).toEqual(pairs(4, 5).flatMap((pair) => ['0', '1', '2'].map((id) => `${pair}/c=${id}`)))
    expect([a.seen.lists, b.seen.lists, c.seen.lists]).toEqual([1, 1, 1])
  })

  test('asks for no more of either factor than was read', async () => {
    const [a, b] = [counted('a', 9), counted('b', 9)]
    let taken = 0
    for await (const _ of product(a.partitioning, b.partitioning).partitions(new AbortController().signal)) {
      if (++taken === 3) break
    }
    expect([a.seen.given, b.seen.given]).toEqual([1, 3])
    expect([a.seen.open, b.seen.open]).toEqual([0, 0])
  })

  test('lists an inner factor that is too long to keep once more for each block of the outer one', async () => {
    const [a, b] = [counted('a', 7), counted('b', 10)]
    const keys = await keysOf(product(a.partitioning, b.partitioning, 3 * one))
    expect(keys.toSorted()).toEqual(pairs(7, 10).toSorted())
    expect([a.seen.lists, b.seen.lists]).toEqual([1, 3])
  })

  test('keeps less of partitions that hold more', async () => {
    const [a, b] = [counted('a', 4), counted('b', 4, 'x'.repeat(3 * one))]
    await keysOf(product(a.partitioning, b.partitioning, 3 * one))
    // All of it was one partition at a time, beside a block of three.
    expect([a.seen.lists, b.seen.lists]).toEqual([1, 2])
  })

  test('property: gives each pair once, and lists the inner factor once where either fits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.nat(12), fc.integer({ min: 1, max: 14 }), async (m, n, room) => {
        const [a, b] = [counted('a', m), counted('b', n)]
        const keys = await keysOf(product(a.partitioning, b.partitioning, room * one - 5))
        expect(keys.toSorted()).toEqual(pairs(m, n).toSorted())
        expect(a.seen.lists).toBe(1)
        expect(b.seen.lists).toBe(m === 0 ? 0 : n <= room ? 1 : Math.ceil(m / room))
        expect([a.seen.open, b.seen.open]).toEqual([0, 0])
      }),
    )
  })
})

const list = { records: 'items', paginate: cursor({ token: 'next', param: 'cursor' }), key: 'id' }

/** `parents` sites in pages of `pageSize`, and a list for each way to read one. */
function sitesAndVisits(parents: number, pageSize: number, filler: string) {
  const asked = { pages: 0, visits: 0 }
  const client = scriptedClient(({ url, query }) => {
    if (url !== 'sites') {
      asked.visits++
      return { body: { items: [{ id: `${url}-${query['device']}` }], next: null } }
    }
    asked.pages++
    const start = Number(query['cursor'] ?? 0)
    const items = Array.from({ length: pageSize }, (_, index) => ({ id: start + index, filler }))
    return { body: { items, next: start + pageSize < parents ? String(start + pageSize) : null } }
  })
  const visits: StreamInput = {
    ...list,
    path: 'sites/{parent.id}/visits',
    query: { device: '{slice.device}' },
    slices: [
      { by: 'list', name: 'device', values: ['phone', 'desktop', 'tablet'] },
      { by: 'parent', stream: 'sites' },
    ],
  }
  return { asked, stream: streamsOf('web', { sites: { ...list, path: 'sites' }, visits }, client).visits }
}

test('the parents inside a list of values are asked for once by each run', async () => {
  const { asked, stream } = sitesAndVisits(6, 2, '')
  const warehouse = new Warehouse()
  const keys = await runOnce(stream, warehouse)
  expect(keys.slice(0, 7).join(' ')).toBe(
    'device=phone/id=0 device=phone/id=1 device=phone/id=2 device=phone/id=3 device=phone/id=4 device=phone/id=5 device=desktop/id=0',
  )
  expect(keys).toHaveLength(18 + 1)
  expect(asked).toEqual({ pages: 3, visits: 18 })
  expect(warehouse.rows.size).toBe(18)
  await runOnce(stream, warehouse)
  expect(asked).toEqual({ pages: 6, visits: 36 })
})

test('C4: a run that goes on asks for the parents once, and reads none again, wherever it was cut short', async () => {
  for (const crashAfterPages of [1, 6, 7, 13, 18]) {
    const { asked, stream } = sitesAndVisits(6, 2, '')
    const warehouse = new Warehouse()
    await expect(runOnce(stream, warehouse, { crashAfterPages })).rejects.toThrow(Crash)
    expect(asked.pages).toBeLessThanOrEqual(3)
    const before = asked.pages
    await runOnce(stream, warehouse)
    expect(asked).toEqual({ pages: before + 3, visits: 18 })
    expect(warehouse.progress.get('(pass)')).toEqual({ position: null, highWater: 'pass 1' })
  }
})

test('100,000 parents in each of three values are asked for once, be they short or too long to keep', async () => {
  for (const filler of ['', 'x'.repeat(1000)]) {
    const { asked, stream } = sitesAndVisits(100_000, 1000, filler)
    let slices = 0
    for await (const _ of stream.slices(new Map(), {})) slices++
    expect(slices).toBe(300_000 + 1)
    expect(asked).toEqual({ pages: 100, visits: 0 })
  }
}, 60_000)
