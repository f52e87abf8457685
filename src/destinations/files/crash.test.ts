// The process dies at every single operation of the store that a run makes, before it and after it. Whoever comes next finds each step
// done or not begun, and ends where an undisturbed run ends.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../http/system-runtime.ts'
import type { DestinationSession } from '../../ports/destination.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import { AT, nextCheckpoint, sideOf, write } from '../conformance/harness.ts'
import { jsonLinesWriter } from './formats/json-lines.ts'
import { ManifestLog } from './manifest/log.ts'
import { readRejects } from './rejects.ts'
import { FilesSession } from './session.ts'
import { DiskStore } from './store/disk-store.ts'
import type { ObjectStore, StagedFile } from './store/object-store.ts'
import { temporaryFolder } from './test-files.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

class Died extends Error {}

/** A store of a process that dies at the operation `at`, from 0: before it, or after it with nobody to tell. */
function mortal(inner: ObjectStore, at: number, phase: 'before' | 'after') {
  let count = 0
  async function step<Result>(work: () => Promise<Result>): Promise<Result> {
    const own = count++
    if (own > at || (own === at && phase === 'before')) throw new Died()
    const result = await work()
    if (own === at) throw new Died()
    return result
  }
  const store: ObjectStore = {
    description: inner.description,
    location: (key) => inner.location(key),
    localCopy: (key, target) => inner.localCopy(key, target),
    now: () => inner.now(),
    create: (key, body) => step(() => inner.create(key, body)),
    put: (key, body) => step(() => inner.put(key, body)),
    get: (key) => step(() => inner.get(key)),
    has: (key) => step(() => inner.has(key)),
    remove: (keys) => step(() => inner.remove(keys)),
    async *list(prefix, after) {
      yield* await step(async () => inner.list(prefix, after))
    },
    async stage(key): Promise<StagedFile> {
      const file = await step(() => inner.stage(key))
      // A process that is dead cleans nothing up.
      return { ...file, keep: () => step(() => file.keep()), drop: async () => {} }
    },
    [Symbol.asyncDispose]: async () => {},
  }
  return { store, count: () => count }
}

const reject = { id: 'r1', record: { note: 'no key' }, reason: 'no key' }

/** Each is one commit. */
const steps: readonly ((session: DestinationSession) => Promise<unknown>)[] = [
  (session) => write(session, [{ id: 1 }, { id: 2 }]),
  async (session) =>
    write(session, [{ id: 3, v: 1 }], {
      rejects: [reject],
      sides: [await sideOf(session, [{ line: 'a' }], { table: 'lines', write: 'append' })],
    }),
  (session) => write(session, [{ id: 4, v: 'wider' }], { rejects: [reject] }),
  async (session) =>
    session.moveCheckpoints({
      id: 'move',
      at: AT,
      stream: 'desk.tickets',
      checkpoints: [await nextCheckpoint(session)],
    }),
  (session) => write(session, [{ id: 10 }], { begin: true }),
  (session) => write(session, [{ id: 11 }], { staged: true }),
  (session) => write(session, [{ id: 12, v: true }], { publish: true }),
  (session) => write(session, [{ id: 13 }]),
  async (session) => {
    const [last] = await session.loads!()
    return session.revert!(last!.id, { at: AT })
  },
  (session) => write(session, [{ id: 20 }], { begin: true }),
  (session) => session.abandonReplacement('desk.tickets', 'tickets'),
]

const runtime = { clock: systemClock, random: seededRandom(3) }
const base = 'conformance/'
const own = `${base}_sluice/`

async function openOn(store: ObjectStore) {
  const log = new ManifestLog(store, own, runtime)
  const writer = jsonLinesWriter('none')
  await log.refresh()
  if (log.state.sequence < 0) await log.publish({ kind: 'begin', pipeline: 'conformance' })
  return new FilesSession({ store, log, writer, runtime, base, own, readOnly: false, graceMs: 3_600_000 })
}

/** All that can be seen, but for what names loads. */
async function seen(path: string): Promise<unknown> {
  const store = new DiskStore(path, runtime)
  const log = new ManifestLog(store, own, runtime)
  await log.refresh()
  const { state } = log
  const rows = async (table: string) => {
    const files = (state.tables.get(table)?.files ?? []).map((file) =>
      readFile(join(path, base, file.path), 'utf8'),
    )
    const lines = (await Promise.all(files)).flatMap((text) => text.trimEnd().split('\n'))
    return lines.map((line) => line.replace(/"_sluice_load_id":"[^"]*",?/, ''))
  }
  return {
    tickets: await rows('tickets'),
    lines: await rows('lines'),
    checkpoints: [...state.checkpoints.values()].map(({ slice, version, position, staged }) => [
      slice,
      version,
      position,
      staged,
    ]),
    loads: [...state.loads.values()].map(({ revertedAt, inserted }) => [revertedAt, inserted]),
    rejects: (await readRejects(store, base, state)).map(({ reason, times }) => [reason, times]),
    staged: [...state.staged].map(([name, { files }]) => [name, files.length]),
  }
}

test('C1: a process that dies at any operation leaves each step done or not begun, and the next one goes on from there', async () => {
  const whole = join(folder.path, 'whole')
  const undisturbed = mortal(new DiskStore(whole, runtime), Number.POSITIVE_INFINITY, 'before')
  const first = await openOn(undisturbed.store)
  const states = [await seen(whole)]
  for (const step of steps) {
    await step(first)
    states.push(await seen(whole))
  }
  await first[Symbol.asyncDispose]()
  const operations = undisturbed.count()
  expect(operations).toBeGreaterThan(60)

  const between = new Set<string>()
  for (let at = 0; at < operations; at++)
    for (const phase of ['before', 'after'] as const) {
      const path = join(folder.path, `${at}-${phase}`)
      const { store } = mortal(new DiskStore(path, runtime), at, phase)
      let done = 0
      try {
        const session = await openOn(store)
        for (const step of steps) {
          await step(session)
          done++
        }
      } catch (error) {
        if (!(error instanceof Died)) throw error
      }
      const found = JSON.stringify(await seen(path))
      // What was acknowledged is there; the step that was under way may be, too.
      const reached = [done, done + 1].find((step) => JSON.stringify(states[step]) === found)
      expect(reached, `${phase} operation ${at}, ${done} steps done: ${found}`).toBeDefined()
      between.add(`${phase} ${reached! - done}`)

      await using next = await openOn(new DiskStore(path, runtime))
      for (const step of steps.slice(reached)) await step(next)
      expect(await seen(path)).toEqual(states.at(-1))
    }
  // Both ends of a commit were met.
  expect(between).toEqual(new Set(['before 0', 'after 0', 'after 1', 'before 1']))
}, 180_000)
