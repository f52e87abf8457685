import fc from 'fast-check'
import { expect, test } from 'vitest'
import { offset } from '../../pagination/offset.ts'
import type { RequestSpec } from '../../ports/request.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import type { RestOptions } from '../rest-options.ts'
import { Crash, runOnce, scriptedClient, streamsOf, Warehouse } from '../testing/scripted-client.ts'

type StreamInput = RestOptions['streams'][string]
type Slicing = Extract<NonNullable<StreamInput['slices']>, readonly unknown[]>[number]

interface Item {
  readonly id: number
  readonly country: string
  readonly project: number
  readonly at: string
}

const countries = ['de', 'f/r', 'i=t']
const day = 86_400_000
const start = Date.parse('2026-01-01')

const list: Slicing = { by: 'list', name: 'country', values: countries }
const parent: Slicing = { by: 'parent', stream: 'projects' }
const windows: Slicing = {
  by: 'time',
  size: '1 week',
  timeZone: 'Europe/Berlin',
  start: '2026-01-01',
  from: { param: 'from' },
  to: { param: 'to', inclusive: false },
}

/** Every way to part the same list, and to read a part. */
const ways: Readonly<Record<string, { slices: Slicing[]; rest?: Partial<StreamInput>; rereads: boolean }>> = {
  list: { slices: [list], rereads: false },
  parent: { slices: [parent], rereads: false },
  'list × parent': { slices: [list, parent], rereads: false },
  'parent × list': { slices: [parent, list], rereads: false },
  windows: { slices: [windows], rereads: false },
  'list × windows': { slices: [list, windows], rereads: false },
  'parent × windows': { slices: [parent, windows], rereads: false },
  'parent × list × windows': { slices: [parent, list, windows], rereads: false },
  'parent × time': {
    slices: [parent],
    rest: { incremental: { by: 'time', field: 'at', param: 'from', start: '2026-01-01' } },
    rereads: true,
  },
  'list × time, in order': {
    slices: [list],
    rest: {
      incremental: { by: 'time', field: 'at', param: 'from', start: '2026-01-01', order: 'ascending' },
    },
    rereads: true,
  },
  'parent × id': {
    slices: [parent],
    rest: { incremental: { by: 'id', field: 'id', param: 'after' } },
    rereads: false,
  },
}

function matches(item: Item, { query }: RequestSpec): boolean {
  const { country, project, from, to, after } = query
  return (
    (country === undefined || item.country === country) &&
    (project === undefined || item.project === project) &&
    (from === undefined || item.at >= String(from)) &&
    (to === undefined || item.at < String(to)) &&
    (after === undefined || item.id > Number(after))
  )
}

function setup(way: (typeof ways)[string], items: readonly Item[], projects: number, size: number) {
  const client = scriptedClient((request) => {
    const all: readonly object[] =
      request.url === 'projects'
        ? Array.from({ length: projects }, (_, id) => ({ id }))
        : items
            .filter((item) => matches(item, request))
            .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.id - b.id))
    const from = Number(request.query['offset'])
    return { body: all.slice(from, from + size) }
  })
  const paginate = offset({ param: 'offset', size: { param: 'limit', value: size } })
  const kinds = way.slices.map(({ by }) => by)
  const streams: Record<string, StreamInput> = {
    projects: { path: 'projects', paginate, key: 'id' },
    items: {
      path: 'items',
      query: {
        ...(kinds.includes('list') && { country: '{slice.country}' }),
        ...(kinds.includes('parent') && { project: '{parent.id}' }),
      },
      paginate,
      key: 'id',
      slices: way.slices,
      ...way.rest,
    },
  }
  const stream = streamsOf('desk', streams, client, fakeClock({ start: start + 60 * day }))['items']!
  return { stream, warehouse: new Warehouse() }
}

const anyItem = fc.record({
  country: fc.constantFrom(...countries),
  project: fc.nat({ max: 3 }),
  at: fc
    .integer({ min: 0, max: 59 * 24 })
    .map((hour) => new Date(start + hour * 3_600_000).toISOString().replace('.000Z', 'Z')),
})
const anyItems = fc
  .array(anyItem, { maxLength: 30 })
  .map((items) => items.map((item, id): Item => ({ id, ...item })))

for (const [name, way] of Object.entries(ways)) {
  test(`${name}: every record is read, and once, whatever was cut short`, async () => {
    await fc.assert(
      fc.asyncProperty(
        anyItems,
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
        async (items, size, crashes) => {
          const { stream, warehouse } = setup(way, items, 4, size)
          for (const crashAfterPages of [...crashes, undefined]) {
            const run = runOnce(stream, warehouse, crashAfterPages === undefined ? {} : { crashAfterPages })
            const outcome = await run.catch((error: unknown) => error)
            // A run that came to its end is not gone on with.
            if (!(outcome instanceof Error)) break
            if (!(outcome instanceof Crash)) throw outcome
          }
          const ids = [...warehouse.rows.keys()].map(Number).toSorted((a, b) => a - b)
          expect(ids).toEqual(items.map(({ id }) => id))
          // A run that was cut short right after it had committed all is followed by a new pass.
          // C4: where nothing is read again by intention, nothing is.
          const isNextPass = [...warehouse.progress.values()].some(({ highWater }) =>
            /^pass ([2-9]|1\d)$/.test(String(highWater)),
          )
          if (!way.rereads && !isNextPass) expect(warehouse.received).toBe(items.length)
        },
      ),
      { numRuns: 25 },
    )
  })
}

test('slices that are read side by side: the pass is through when all of them are', async () => {
  await fc.assert(
    fc.asyncProperty(anyItems, fc.integer({ min: 1, max: 3 }), async (items, size) => {
      const { stream, warehouse } = setup(ways['parent']!, items, 4, size)
      const order: string[] = []
      const reads: Promise<void>[] = []
      for await (const slice of stream.slices(new Map(), {})) {
        const read = stream.read(slice, {
          signal: new AbortController().signal,
          async emit(page) {
            order.push(slice.key)
            warehouse.commit(stream, slice.key, page)
          },
        })
        reads.push(read)
      }
      await Promise.all(reads)
      expect(order.at(-1)).toBe('(pass)')
      expect(warehouse.received).toBe(items.length)
      expect(warehouse.rows.size).toBe(items.length)
    }),
    { numRuns: 25 },
  )
})

test('a slice that fails beside others leaves the pass open', async () => {
  const { stream, warehouse } = setup(ways['parent']!, [], 3, 5)
  const reads: Promise<void>[] = []
  for await (const slice of stream.slices(new Map(), {})) {
    const read = stream.read(slice, {
      signal: new AbortController().signal,
      async emit(page) {
        if (slice.key === 'id=1') throw new Error('there is no room')
        warehouse.commit(stream, slice.key, page)
      },
    })
    reads.push(read)
  }
  const outcomes = await Promise.allSettled(reads)
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  expect([...warehouse.progress.keys()].toSorted()).toEqual(['id=0', 'id=2'])
  expect(await runOnce(stream, warehouse)).toEqual(['id=1', '(pass)'])
})
