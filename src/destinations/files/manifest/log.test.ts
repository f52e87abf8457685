import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { STREAM_CHECKPOINT } from '../../../ports/destination.ts'
import type { Runtime } from '../../../ports/runtime.ts'
import { seededRandom } from '../../../testing/seeded-random.ts'
import { DiskStore } from '../store/disk-store.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { MemoryStore } from '../store/test-memory-store.ts'
import { temporaryFolder } from '../test-files.ts'
import type { Change, LoadChange } from './entry.ts'
import { ManifestLog } from './log.ts'
import { KEPT_LOADS } from './state.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
/** Milliseconds that the clock is ahead of the machine's. */
let ahead = 0
const random = seededRandom(7)
const runtime: Pick<Runtime, 'clock' | 'random'> = {
  clock: { now: () => Date.now() + ahead, sleep: async () => {} },
  random,
}
const HOUR = 3_600_000

beforeEach(async () => {
  folder = await temporaryFolder()
  objects = new Map()
  ahead = 0
})
afterEach(() => folder.remove())

const disk = () => new DiskStore(folder.path, runtime)
let objects: MemoryStore['objects']
const still = async () => {}
const memory = () => new MemoryStore(objects, runtime.clock.now, still)

async function opened(store: ObjectStore = memory()): Promise<ManifestLog> {
  const log = new ManifestLog(store, 'p/_sluice/', runtime)
  await log.refresh()
  if (log.state.sequence < 0) await log.publish({ kind: 'begin', pipeline: 'p' })
  return log
}

function load(id: string, stream: string, fromVersion: number, path?: string): LoadChange {
  const schema = { columns: [{ field: 'id', name: 'id', type: { kind: 'integer' as const } }] }
  const counts = { inserted: 1, updated: 0, unchanged: 0, deleted: 0 }
  const file = { format: 'jsonl' as const, compression: 'none' as const, rows: 1, bytes: 10 }
  return {
    kind: 'load',
    record: {
      id,
      runId: 'r',
      stream,
      table: stream,
      mode: 'append',
      at: 1,
      rejected: 0,
      sides: {},
      ...counts,
    },
    onlyAdds: true,
    checkpoints: [{ slice: 'all', fromVersion, position: null, highWater: fromVersion + 1 }],
    tables: [{ table: stream, schema, file: { path: path ?? `${stream}/${id}`, ...file } }],
  }
}

const names = (part: 'log' | 'snapshot') =>
  [...objects.keys()].filter((key) => key.startsWith(`p/_sluice/${part}/`)).sort()

/** Commits `count` loads of one stream, each the next version, with compaction as a session does it. */
async function commits(log: ManifestLog, stream: string, count: number, from = 0): Promise<void> {
  for (let at = from; at < from + count; at++) {
    await log.publish(load(`${stream}-${at}`, stream, at))
    await log.compact()
  }
}

test('C2: writers of different streams that meet at one number all commit, each in an entry of its own', async () => {
  const logs = await Promise.all(Array.from({ length: 8 }, () => opened()))
  await Promise.all(logs.map((log, at) => commits(log, `stream-${at}`, 20)))
  const reader = await opened()
  expect(reader.state.loads.size).toBe(160)
  expect(reader.state.sequence).toBe(160)
  expect([...reader.state.checkpoints.values()].map(({ version }) => version)).toEqual(Array(8).fill(20))
})

test('C2: of writers that go on from one version, one commits and the others are told', async () => {
  const logs = await Promise.all(Array.from({ length: 8 }, () => opened()))
  const outcomes = await Promise.allSettled(logs.map((log, at) => log.publish(load(`l${at}`, 's', 0))))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const outcome of outcomes)
    if (outcome.status === 'rejected')
      expect(outcome.reason).toMatchObject({ code: 'CHECKPOINT_CONFLICT', found: 1 })
  expect((await opened()).state.loads.size).toBe(1)
})

const forgetting: Record<string, Change> = {
  'a reset': { kind: 'reset', stream: 's', tables: ['s'] },
  'a revert': { kind: 'revert', loadId: 'first', at: 2, withLater: false },
  'the end of a replacement': { kind: 'abandon', stream: 's', tables: ['s'] },
}
test.each(Object.keys(forgetting))(
  "C2: the stream's own checkpoint goes on from where it was after %s, so that who slept through it is refused",
  async (name) => {
    const isStaged = name === 'the end of a replacement'
    const own = (id: string, fromVersion: number, begin: boolean): LoadChange => ({
      ...load(id, 's', 0),
      checkpoints: [{ slice: STREAM_CHECKPOINT, fromVersion, position: null, highWater: null }],
      ...(isStaged && { replacement: { begin, publish: false, allowEmpty: false } }),
    })
    const zombie = await opened()
    await zombie.publish(own('first', 0, true))
    const log = await opened()
    await log.publish(forgetting[name]!)
    const [left, ...others] = [...log.state.checkpoints.values()]
    expect(others).toEqual([])
    expect(left).toMatchObject({ version: 2, staged: false, position: null, highWater: null })
    await log.publish(own('second', 2, true))
    await expect(zombie.publish(own('late', 1, false))).rejects.toMatchObject({
      code: 'CHECKPOINT_CONFLICT',
      found: 3,
    })
  },
)

test('C3: a load that another process has committed is known', async () => {
  const [first, second] = [await opened(), await opened()]
  expect((await first.publish(load('same', 's', 0))).known).toBe(false)
  expect((await second.publish(load('same', 's', 0, 's/another'))).known).toBe(true)
  expect((await opened()).state.sequence).toBe(1)
})

test('C3: a load without checkpoints that was read of since its files were written is known, and not committed twice', async () => {
  const [first, second] = [await opened(), await opened()]
  const change = (path: string): LoadChange => ({ ...load('same', 's', 0, path), checkpoints: [] })
  await first.publish(change('s/one'))
  await second.refresh()
  expect((await second.publish(change('s/two'))).known).toBe(true)
  expect((await opened()).state.tables.get('s')!.files.map(({ path }) => path)).toEqual(['s/one'])
})

test('snapshots fold the log, old entries go after the grace, and whoever opens it finds the same', async () => {
  const log = await opened()
  await commits(log, 's', 150)
  const snapshots = names('snapshot')
  expect(snapshots.length).toBeGreaterThanOrEqual(2)
  expect(names('log')).toHaveLength(151)
  expect(await log.clean(Date.now() - HOUR)).toBe(0)
  ahead = 2 * HOUR
  expect(await log.clean(runtime.clock.now() - HOUR)).toBeGreaterThan(30)
  expect(names('log').length).toBeLessThan(151)
  expect(names('snapshot')).toHaveLength(2)
  const reader = await opened()
  expect(reader.state).toEqual(log.state)
  expect(reader.state.loads.size).toBe(150)
})

test('what is written in snapshots grows with the entries, not with their square', async () => {
  const log = await opened()
  await commits(log, 's', 600)
  expect(names('snapshot').length).toBeLessThan(20)
})

test('a reader that began before goes on where it was, also after a cleaning', async () => {
  const log = await opened()
  const reader = await opened()
  await commits(log, 's', 150)
  ahead = 2 * HOUR
  await log.clean(runtime.clock.now() - HOUR)
  await reader.refresh()
  expect(reader.state).toEqual(log.state)
})

test('C2: a writer that slept while the log was cleaned up commits nothing at its old number', async () => {
  const log = await opened()
  await commits(log, 's', 1)
  const zombie = await opened()
  await commits(log, 's', 150, 1)
  ahead = 2 * HOUR
  await log.clean(runtime.clock.now() - HOUR)
  const before = log.state
  await expect(zombie.publish(load('late', 's', 1))).rejects.toMatchObject({
    code: 'CHECKPOINT_CONFLICT',
    found: 151,
  })
  expect((await opened()).state).toEqual(before)
  // Of another stream it is a commit as any other, after the last one.
  const second = new ManifestLog(memory(), 'p/_sluice/', runtime)
  await second.refresh()
  await zombie.publish(load('fine', 'other', 0))
  await second.refresh()
  expect(second.state.loads.has('fine')).toBe(true)
  expect(second.state.sequence).toBe(before.sequence + 1)
})

test('C2: two writers that slept do not take what the other left for a commit', async () => {
  const log = await opened()
  await commits(log, 's', 1)
  const first = await opened()
  await commits(log, 's', 1, 1)
  const second = await opened()
  await commits(log, 's', 150, 2)
  ahead = 2 * HOUR
  await log.clean(runtime.clock.now() - HOUR)
  await first.publish(load('a', 'a', 0))
  await second.publish(load('b', 'b', 0))
  const reader = await opened()
  expect(reader.state.loads.has('a') && reader.state.loads.has('b')).toBe(true)
  expect(reader.state.sequence).toBe(154)
})

/** A store whose writer is overtaken once, between its entry and its next look. */
function overtaken(others: () => Promise<void>): ObjectStore {
  let once: typeof others | undefined = others
  return new (class extends MemoryStore {
    override async create(key: string, body: Uint8Array): Promise<boolean> {
      const created = await super.create(key, body)
      const now = once
      once = undefined
      await now?.()
      return created
    }
  })(objects, runtime.clock.now, still)
}

/** So many commits of another writer, hours later, and a cleaning. */
async function committedAndCleaned(log: ManifestLog, count: number): Promise<void> {
  await log.refresh()
  await commits(log, 's', count, 1)
  ahead = 2 * HOUR
  await log.clean(runtime.clock.now() - HOUR)
}

test('C1: a commit whose entry was cleaned up before its writer looked again is known as its own', async () => {
  const log = await opened()
  await commits(log, 's', 1)
  const slow = await opened(overtaken(() => committedAndCleaned(log, 150)))
  expect((await slow.publish(load('mine', 'other', 0))).known).toBe(false)
  const { state } = await opened()
  expect(state.loads.has('mine')).toBe(true)
  expect(state.tables.get('other')!.files).toHaveLength(1)
})

test('C6: the last loads are kept, and what is live of older ones stays', async () => {
  const log = await opened()
  await commits(log, 's', KEPT_LOADS + 2)
  const { state } = log
  expect([...state.loads.keys()]).toEqual(Array.from({ length: KEPT_LOADS }, (_, at) => `s-${at + 2}`))
  expect(state.tables.get('s')!.files).toHaveLength(KEPT_LOADS + 2)
  expect(state.tables.get('s')!.files[0]).toMatchObject({ loadId: 's-0', stream: 's', at: 1 })
  expect([...state.loads.values()].filter(({ undo }) => undo !== 'dropped')).toHaveLength(200)
  expect((await opened()).state).toEqual(state)

  const revert = (loadId: string) => log.publish({ kind: 'revert', loadId, at: 2, withLater: true })
  await expect(revert('s-1')).rejects.toThrow(
    "load s-1 can't be reverted: it is not among the last 1000 loads of this pipeline, and files keep no more of them. `sluice loads` lists those. Nothing was removed",
  )
  await expect(revert(`s-${KEPT_LOADS - 200}`)).rejects.toThrow('kept for the last ones alone')

  // A load that is not kept any more is committed once nevertheless (C3).
  const again = load('s-0', 's', 0, 's/again')
  await expect(log.publish(again)).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT' })
  expect((await log.publish({ ...again, checkpoints: [] })).known).toBe(true)

  const { size } = state.loads
  await revert(`s-${KEPT_LOADS + 2 - 200}`)
  expect(log.state.tables.get('s')!.files).toHaveLength(size + 2 - 200)
})

test('C1: a commit whose entry was cleaned up, and whose load is not kept any more, is known as its own', async () => {
  const log = await opened()
  await commits(log, 's', 1)
  const slow = await opened(overtaken(() => committedAndCleaned(log, KEPT_LOADS)))
  const change = load('mine', 'other', 0)
  slow.await(['other/mine'])
  expect((await slow.publish(change)).known).toBe(false)
  const { state } = await opened()
  expect(state.loads.has('mine')).toBe(false)
  expect(state.tables.get('other')!.files.map(({ path }) => path)).toEqual(['other/mine'])
})

test('a commit of files that somebody took for orphans is refused', async () => {
  const writer = await opened()
  const change = load('slow', 's', 0, 's/slow.jsonl')
  writer.await(['s/slow.jsonl'])
  const cleaner = await opened()
  await cleaner.publish({ kind: 'clean', paths: ['s/slow.jsonl'] } satisfies Change)
  await expect(writer.publish(change)).rejects.toThrow(
    'files memory: this process slept for so long that others took what it meant to commit for orphans. Nothing was published; run again',
  )
  expect((await opened()).state.loads.size).toBe(0)
})

test('a damaged manifest stops everybody, by its name', async () => {
  const log = await opened(disk())
  await commits(log, 's', 3)
  const path = join(folder.path, 'p/_sluice/log/000000000002.json')
  await writeFile(path, (await readFile(path, 'utf8')).slice(0, 50))
  await expect(opened(disk())).rejects.toThrow(
    new RegExp(
      `^files ${folder.path}: the manifest ${path} is damaged \\(.*JSON.*\\)\\. Nothing is read past it, and nothing was changed; bring the object back from a backup, or choose another path and load anew$`,
    ),
  )
})

test('a manifest of a later version is not guessed at', async () => {
  const log = await opened(disk())
  await commits(log, 's', 1)
  const path = join(folder.path, 'p/_sluice/log/000000000001.json')
  await writeFile(path, (await readFile(path, 'utf8')).replace('"version":1', '"version":9'))
  await expect(opened(disk())).rejects.toThrow('it is of version 9, and this Sluice reads version 1')
})

test('a manifest that is missing stops everybody, by its name', async () => {
  const log = await opened(disk())
  await commits(log, 's', 3)
  const path = join(folder.path, 'p/_sluice/log/000000000002.json')
  await rm(path)
  await expect(opened(disk())).rejects.toThrow(
    `files ${folder.path}: the manifest ${path} is not there, and later ones are: a commit is missing. Nothing is read past it; bring the object back from a backup, or choose another path and load anew`,
  )
})

test('a damaged snapshot stops everybody, by its name', async () => {
  const log = await opened(disk())
  await commits(log, 's', 40)
  const [name] = await readdir(join(folder.path, 'p/_sluice/snapshot'))
  const path = join(folder.path, 'p/_sluice/snapshot', name!)
  await writeFile(path, 'not gzip')
  await expect(opened(disk())).rejects.toThrow(`the manifest ${path} is damaged (`)
})
