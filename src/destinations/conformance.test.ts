import { describe, expect, test } from 'vitest'
import {
  type Destination,
  type DestinationSession,
  type Load,
  type SideLoad,
  STREAM_CHECKPOINT,
} from '../ports/destination.ts'
import type { Json } from '../ports/json.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { memoryHarness } from '../testing/memory-harness.ts'
import { conformanceCases, conformanceCasesFor } from './conformance.ts'

// A suite is worth what it catches: each destination here breaks one promise, and some case must say so.

type Commit = DestinationSession['commit']

/** A memory destination whose sessions are changed before they are handed out. */
function broken(change: (session: DestinationSession) => Partial<DestinationSession>) {
  return (inner: Destination): Destination => ({
    ...inner,
    async open(pipeline, options) {
      const session = await inner.open(pipeline, options)
      return { ...session, ...change(session) }
    },
  })
}

const brokenCommit = (
  change: (commit: Commit, load: Load, session: DestinationSession) => ReturnType<Commit>,
) => broken((session) => ({ commit: (load) => change((given) => session.commit(given), load, session) }))

const without = (load: Load, field: 'sides' | 'tombstones' | 'version'): Load => {
  const { [field]: _left, ...rest } = load
  return rest
}

/** Some of a load's records, without its tombstones' marks where those are left out. */
const only = (load: Load, holds: (at: number) => boolean): Pick<Load, 'records' | 'tombstones'> => {
  const kept = [...load.records.keys()].filter(holds)
  const tombstones = new Set(kept.flatMap((at, row) => (load.tombstones?.has(at) ? [row] : [])))
  return { records: kept.map((at) => load.records[at]!), tombstones }
}

const withSides = (load: Load, change: (side: SideLoad) => SideLoad): Load =>
  load.sides === undefined ? load : { ...load, sides: load.sides.map(change) }

let copies = 0

/** Stores another progress of a slice than the load says: one of the positions so far, and a high-water mark. */
function withPositions(choose: (positions: readonly Json[]) => Json, highWater: Json = null) {
  const positions: Json[] = []
  return brokenCommit((commit, load) => {
    const checkpoints = load.checkpoints.map((update) => {
      if (update.slice === STREAM_CHECKPOINT) return update
      positions.push(update.position)
      return { ...update, position: choose(positions), highWater }
    })
    return commit({ ...load, checkpoints })
  })
}

const defects: Record<string, (inner: Destination) => Destination> = {
  'C1: that stores its rejects in a commit of their own': brokenCommit(async (commit, load) => {
    await commit({ ...load, id: `${load.id}-rejects`, records: [], checkpoints: [] })
    return commit({ ...load, rejects: [] })
  }),
  'C1: that stores its rows before it looks at the checkpoints': brokenCommit(async (commit, load) => {
    const receipt = await commit({ ...load, checkpoints: [] })
    await commit({ ...load, id: `${load.id}-state`, records: [], rejects: [] })
    return receipt
  }),
  'C1: that forgets rejects': brokenCommit((commit, load) => commit({ ...load, rejects: [] })),
  'C2: that takes a checkpoint from whatever version it has': brokenCommit(async (commit, load, session) => {
    const present = new Map(
      (await session.readCheckpoints(load.stream)).map(({ slice, version }) => [slice, version]),
    )
    const checkpoints = load.checkpoints.map((update) => ({
      ...update,
      fromVersion: present.get(update.slice) ?? 0,
    }))
    return commit({ ...load, checkpoints })
  }),
  'C2: that moves checkpoints without rows from whatever version they have': broken((session) => ({
    moveCheckpoints: async (move) => {
      const present = await session.readCheckpoints(move.stream)
      const checkpoints = move.checkpoints.map((update) => ({
        ...update,
        fromVersion: present.find(({ slice }) => slice === update.slice)?.version ?? 0,
      }))
      await session.moveCheckpoints({ ...move, checkpoints })
    },
  })),
  'C3: that does not know a load again': brokenCommit((commit, load) =>
    commit({ ...load, id: `${load.id}-copy-${++copies}` }),
  ),
  'C4: that stores how far it came with the next load': withPositions(
    (positions) => positions.at(-2) ?? null,
  ),
  'C5: that stores how far it came before all of it is there': withPositions(
    (positions) => positions.at(-1) ?? null,
    90,
  ),
  'R6: that publishes a replacement with each load': brokenCommit((commit, load) =>
    commit(load.replacement ? { ...load, replacement: { ...load.replacement, publish: true } } : load),
  ),
  "R6: that lets an empty table take a full one's place": brokenCommit((commit, load) =>
    commit(load.replacement ? { ...load, replacement: { ...load.replacement, allowEmpty: true } } : load),
  ),
  'R6: that keeps what an abandoned replacement left': brokenCommit(async (commit, load, session) => {
    const staged = await session.readSchema(load.table, { staged: true })
    return commit(
      load.replacement && staged ? { ...load, replacement: { ...load.replacement, begin: false } } : load,
    )
  }),
  'R6: that abandons nothing': broken(() => ({ abandonReplacement: async () => {} })),
  'R6: that forgets what is live with what is staged': broken((session) => ({
    abandonReplacement: async (stream, table) => {
      await session.resetStream(stream, table)
    },
  })),
  'merge: that appends': brokenCommit((commit, load) => commit({ ...load, key: [] })),
  'merge: that ignores the version': brokenCommit((commit, load) => {
    const { version: _version, ...rest } = load
    return commit(rest)
  }),
  'merge: that compares the first field of a key only': brokenCommit((commit, load) =>
    commit({ ...load, key: load.key.slice(0, 1) }),
  ),
  'append: that lets the record read last win': brokenCommit((commit, load) =>
    commit({ ...load, mode: 'merge' }),
  ),
  'R4: that passes long integers through doubles': brokenCommit((commit, load) =>
    commit({
      ...load,
      records: load.records.map((record) =>
        Object.fromEntries(
          Object.entries(record).map(([field, value]) => [
            field,
            typeof value === 'bigint' && BigInt.asIntN(64, value) === value ? BigInt(Number(value)) : value,
          ]),
        ),
      ),
    }),
  ),
  'state: that shows every pipeline the same checkpoints': (inner) => ({
    ...inner,
    open: (_pipeline, options) => inner.open('shared', options),
  }),
  'state: that keeps a reject once more each time it comes': brokenCommit((commit, load) =>
    commit({
      ...load,
      rejects: load.rejects.map((reject) => ({ ...reject, id: `${reject.id}-${++copies}` })),
    }),
  ),
  'C1: that stores no side table': brokenCommit((commit, load) => commit(without(load, 'sides'))),
  'sides: that adds each row of a side table': brokenCommit((commit, load) =>
    commit(withSides(load, (side) => ({ ...side, key: [] }))),
  ),
  'R6: that publishes no side table': brokenCommit((commit, load) =>
    commit(load.replacement?.publish ? without(load, 'sides') : load),
  ),
  'owned: that adds owned rows to those that are there': brokenCommit((commit, load) =>
    commit(withSides(load, (side) => ({ ...side, write: 'append' }))),
  ),
  'tombstones: that takes a record that is gone for one that is there': brokenCommit((commit, load) =>
    commit(without(load, 'tombstones')),
  ),
  'tombstones: that removes rows whatever their version': brokenCommit((commit, load) =>
    commit(load.tombstones === undefined ? load : without(load, 'version')),
  ),
  'delete: that loads what it is to delete': brokenCommit((commit, load) =>
    commit(load.mode === 'delete' ? { ...load, mode: 'merge' } : load),
  ),
  'delete: that leaves what a deleted row owns': brokenCommit((commit, load) =>
    commit(load.mode === 'delete' ? without(load, 'sides') : load),
  ),
  'reconcile: that forgets the keys of the loads before': brokenCommit((commit, load) =>
    commit(
      load.mode === 'reconcile' ? { ...load, replacement: { ...load.replacement!, begin: true } } : load,
    ),
  ),
  'reconcile: that stages keys where a replacement is staged': (inner) => ({
    ...inner,
    async open(pipeline, options) {
      const session = await inner.open(pipeline, options)
      return {
        ...session,
        readSchema: (table, { staged } = {}) =>
          session.readSchema(table, { staged: staged === 'keys' ? true : (staged ?? false) }),
      }
    },
  }),
  "C2: that hides a stream's own checkpoint": broken((session) => ({
    readCheckpoints: async (stream) =>
      (await session.readCheckpoints(stream)).filter(({ slice }) => slice !== STREAM_CHECKPOINT),
  })),
  'revert: that takes out nothing': broken(() => ({
    revert: async (loadId) => ({ stream: '', loadIds: [loadId], removed: {}, checkpoints: 0 }),
  })),
  'revert: that takes later loads along unasked': broken((session) => ({
    revert: (loadId, options) => session.revert!(loadId, { ...options, withLater: true }),
  })),
  'revert: that lists its loads by their clock': broken((session) => ({
    loads: async (options) => [...(await session.loads!(options))].sort((a, b) => b.at - a.at),
  })),
  'C3: that says of a load that was taken out that it is there': broken((session) => ({
    commit: async (load) => {
      const known = (await session.loads!()).find(({ id }) => id === load.id)
      return known === undefined
        ? session.commit(load)
        : { ...known, loadId: load.id, sides: {}, replayed: true }
    },
  })),
  'history: that forgets deletions': brokenCommit((commit, load) =>
    commit(load.mode === 'history' ? { ...load, ...only(load, (at) => !load.tombstones?.has(at)) } : load),
  ),
  'history: that dates each version by its load': brokenCommit((commit, load) =>
    commit(load.mode === 'history' ? without(load, 'version') : load),
  ),
  'history: that keeps the last version of a load alone': brokenCommit((commit, load) =>
    commit(
      load.mode === 'history' ? { ...load, ...only(load, (at) => at === load.records.length - 1) } : load,
    ),
  ),
  'rows: that reads nothing back': broken(() => ({ readRows: async function* () {} })),
  'rows: that reads long integers as doubles': broken((session) => ({
    async *readRows(table, columns) {
      for await (const rows of session.readRows!(table, columns))
        yield rows.map((row) =>
          Object.fromEntries(
            Object.entries(row).map(([name, value]) => [
              name,
              /^\d{17,}$/.test(String(value)) ? Number(value) : value,
            ]),
          ),
        )
    },
  })),
  'state: that forgets runs': broken(() => ({ recordRun: async () => {} })),
  'state: that resets nothing': broken(() => ({ resetStream: async () => 0 })),
}

describe('the suite finds a destination', () => {
  for (const [promise, change] of Object.entries(defects))
    test(promise, async () => {
      const failures: string[] = []
      for (const { name, run } of conformanceCasesFor(memoryDestination().capabilities))
        await run(memoryHarness(change)).catch((error: Error) => failures.push(`${name}: ${error.message}`))
      expect(failures).not.toEqual([])
      const [number] = promise.split(':')
      expect(failures.some((failure) => failure.startsWith(`${number}:`))).toBe(true)
    })
})

test('each case is a sentence of its own that begins with its promise', () => {
  const names = conformanceCases.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const { name, promise } of conformanceCases) expect(name.startsWith(`${promise}: `)).toBe(true)
})
