import fc from 'fast-check'
import { expect, test } from 'vitest'
import { testWorld } from './ask.ts'
import { ChangeFeed, DayFiles, Timeline } from './tables.ts'
import { split, TABLES, World } from './world.ts'

const START = Date.parse('2026-01-31T00:00:00Z')
const contents = (world: { truth: World['truth'] }): string =>
  TABLES.map((table) => [...world.truth[table]()].map(({ json }) => json).join('\n')).join('\n\n')

test('the split of a number of records over the tables adds up to it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_000_000 }), (records) => {
      expect(Object.values(split(records)).reduce((sum, size) => sum + size, 0)).toBe(records)
    }),
  )
})

test('the same seed and rounds give the same world, and another seed another one', () => {
  const make = (seed: number) => {
    const world = new World(seed, split(400), START)
    world.apply({ at: START, inserts: 2, updates: 5, deletes: 2 })
    world.apply({ at: START + 5_000, inserts: 1, updates: 1, deletes: 0 })
    return world
  }
  expect(contents(make(7))).toBe(contents(make(7)))
  expect(contents(make(8))).not.toBe(contents(make(7)))
})

test('a world can be made again from its rounds', () => {
  const { sandbox, clock } = testWorld({ records: 300, generation: 2 })
  sandbox.mutate({ inserts: 3 })
  sandbox.mutate({ deletes: 4 })
  const again = new World(1, split(300), sandbox.startTime)
  for (const round of sandbox.rounds) again.apply(round)
  expect(contents(again)).toBe(contents(sandbox))
  expect(sandbox.rounds).toHaveLength(4)
  expect(sandbox.rounds.at(-1)?.at).toBe(clock.now())
})

test('a generation holds the one before it, changed and added to, and all of it lies before the start', () => {
  const keys = (generation: number) => {
    const { sandbox } = testWorld({ records: 300, generation })
    for (const { at } of sandbox.rounds) expect(at).toBeLessThan(sandbox.startTime)
    return [...sandbox.truth.tickets()]
  }
  const [before, after] = [keys(1), keys(2)]
  expect(after.slice(0, before.length).map(({ key }) => key)).toEqual(before.map(({ key }) => key))
  expect(after.length).toBe(before.length + 3)
  expect(after.slice(0, before.length).some(({ json }, i) => json !== before[i]?.json)).toBe(true)
})

test('a round before the newest change is refused with both times', () => {
  const world = new World(1, split(10), START)
  world.apply({ at: START, inserts: 1, updates: 0, deletes: 0 })
  expect(() => world.apply({ at: START - 1, inserts: 1, updates: 0, deletes: 0 })).toThrow(
    'a round at 2026-01-30T23:59:59.999Z is before the newest change (2026-01-31T00:00:00.000Z): rounds go forward in time',
  )
})

test('a change feed gives each record once, newest change, in order, from any place', () => {
  const change = fc.record({
    index: fc.nat(30),
    after: fc.nat(3),
    kind: fc.constantFrom('update', 'system', 'delete'),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.nat(1200), fc.nat(35), (changes, second, index) => {
      const feed = new ChangeFeed(new Timeline(25, 0, 1000), 9)
      let now = 1000
      for (const { index: which, after, kind } of changes) {
        now += after
        if (which < feed.count) feed.change(which, now, kind as 'update' | 'system' | 'delete')
        else feed.insert(now)
      }
      const records = Array.from({ length: feed.count }, (_, i) => feed.record(i))
      const expected = records
        .filter((r) => r.generated > second || (r.generated === second && r.index >= index))
        .sort((a, b) => a.generated - b.generated || a.index - b.index)
      expect([...feed.from({ second, index }, Number.POSITIVE_INFINITY)]).toEqual(expected)
      const until = 1002
      expect([...feed.from({ second, index }, until)]).toEqual(expected.filter((r) => r.generated <= until))
    }),
  )
})

test('a system update moves the generated time alone, and a deleted record stays deleted', () => {
  const feed = new ChangeFeed(new Timeline(4, 0, 100), 1)
  const before = feed.record(2)
  feed.change(2, 500, 'system')
  expect(feed.record(2)).toMatchObject({
    generated: 500,
    updated: before.updated,
    version: 1,
    deleted: false,
  })
  feed.change(2, 600, 'delete')
  feed.change(2, 700, 'update')
  expect(feed.record(2)).toMatchObject({ generated: 700, updated: 700, version: 3, deleted: true })
})

test('every event of an export is in the file of its own day, late ones at the end', () => {
  const files = new DayFiles(new Timeline(20, 0, 2 * 86_400))
  files.add(100, 300_000)
  files.add(86_400, 300_000)
  const days = [...files.days()]
  const events = days.flatMap((day) => [...files.day(day)].map((event) => ({ day, ...event })))
  expect(events).toHaveLength(files.count)
  for (const { day, time } of events) expect(Math.floor(time / 86_400)).toBe(day)
  expect([...files.day(0)].at(-1)).toEqual({ index: 20, time: 100, received: 300_000 })
})

test('late events of a round lie up to five days back and say when they were received', () => {
  const { sandbox, clock } = testWorld({ records: 100 })
  sandbox.mutate({ inserts: 60 })
  const events = [...sandbox.truth.exportEvents()].map(({ json }) => JSON.parse(json).properties)
  const fresh = events.filter((event) => event.mp_processing_time_ms === clock.now())
  const lateness = fresh.map((event) => clock.now() / 1000 - event.time)
  expect(fresh).toHaveLength(60)
  expect(Math.max(...lateness)).toBeGreaterThan(86_400)
  expect(Math.max(...lateness)).toBeLessThanOrEqual(5 * 86_400)
  expect(lateness.filter((late) => late === 0).length).toBeGreaterThan(20)
})
