import assert from 'node:assert/strict'
import type { DestinationSession } from '../../ports/destination.ts'
import {
  assertRejects,
  type ConformanceCase,
  dataRows,
  makeLoad,
  needing,
  nextCheckpoint,
  onSession,
  STREAM,
  TABLE,
  withSession,
  write,
} from './harness.ts'

const ids = (rows: readonly { readonly [name: string]: unknown }[]) =>
  rows.map((row) => Number(row['id'])).sort()

/** A stream's checkpoints, each as its slice, whether it is live, and its version. */
async function standing(session: DestinationSession): Promise<string[]> {
  const checkpoints = await session.readCheckpoints(STREAM)
  return checkpoints
    .map(({ slice, staged, version }) => `${slice} ${staged ? 'staged' : 'live'} ${version}`)
    .sort()
}

/** R6: a replacement is read into a new table, and swapped in at the end. */
export const replaceCases: readonly ConformanceCase[] = [
  onSession(
    'R6',
    'R6: nothing of a replacement is visible before it is published, and all of it after',
    async (session, harness) => {
      await write(session, [
        { id: 1, old: 'x' },
        { id: 2, old: 'y' },
      ])
      const live = await session.readSchema(TABLE)
      await write(session, [{ id: 10, fresh: true }], { begin: true })
      await write(session, [{ id: 11, fresh: false }], { staged: true })
      assert.deepEqual(ids(await dataRows(harness)), [1, 2])
      assert.deepEqual(await session.readSchema(TABLE), live)
      const staged = await session.readSchema(TABLE, { staged: true })
      assert.deepEqual(
        staged?.columns.map(({ name }) => name),
        ['id', 'fresh'],
      )

      await write(session, [{ id: 12, fresh: true }], { publish: true })
      assert.deepEqual(ids(await dataRows(harness)), [10, 11, 12])
      assert.deepEqual(await session.readSchema(TABLE), staged)
      assert.equal(await session.readSchema(TABLE, { staged: true }), null)
    },
  ),

  onSession('R6', 'R6: the first replacement makes the table, in one load too', async (session, harness) => {
    await write(session, [{ id: 1 }], { begin: true, publish: true })
    assert.deepEqual(ids(await dataRows(harness)), [1])
    await write(session, [{ id: 2 }], { begin: true, publish: true })
    assert.deepEqual(ids(await dataRows(harness)), [2])
  }),

  onSession(
    'R6',
    'R6: an empty replacement of a full table is refused and leaves everything as it was',
    async (session, harness) => {
      await write(session, [{ id: 1 }, { id: 2 }])
      const before = await session.readCheckpoints(STREAM)
      const error = await assertRejects(write(session, [], { begin: true, publish: true }), 'REPLACE_EMPTY')
      assert.match(error.message, /tickets/)
      assert.match(error.message, /\b2\b/)
      assert.deepEqual(ids(await dataRows(harness)), [1, 2])
      assert.deepEqual(await session.readCheckpoints(STREAM), before)
    },
  ),

  onSession(
    'R6',
    'R6: an empty replacement is published where it is allowed, or where the table was empty',
    async (session, harness) => {
      await write(session, [], { begin: true, publish: true })
      await write(session, [{ id: 1 }])
      await write(session, [], { begin: true, publish: true, allowEmpty: true })
      assert.deepEqual(await dataRows(harness), [])
    },
  ),

  onSession(
    'R6',
    'R6: a replacement that staged rows may end with an empty load',
    async (session, harness) => {
      await write(session, [{ id: 1 }])
      await write(session, [{ id: 2 }], { begin: true })
      await write(session, [], { publish: true })
      assert.deepEqual(ids(await dataRows(harness)), [2])
    },
  ),

  onSession(
    'R6',
    'R6: begin drops what an abandoned replacement staged, rows and checkpoints',
    async (session, harness) => {
      await write(session, [{ id: 1 }])
      const abandoned = { slice: 'abandoned', fromVersion: 0, position: null, highWater: null }
      await write(session, [{ id: 10, gone: 1 }], { begin: true, checkpoints: [abandoned] })
      await write(session, [{ id: 20 }], { begin: true })
      assert.deepEqual(
        (await session.readSchema(TABLE, { staged: true }))?.columns.map(({ name }) => name),
        ['id'],
      )
      assert.deepEqual(await standing(session), ['all live 1', 'all staged 2'])
      await write(session, [{ id: 21 }], { publish: true })
      assert.deepEqual(ids(await dataRows(harness)), [20, 21])
    },
  ),

  onSession(
    'R6',
    'R6: staged checkpoints stand beside the live ones; publishing makes them live and forgets those that were',
    async (session) => {
      const update = (slice: string, fromVersion: number) => ({
        slice,
        fromVersion,
        position: null,
        highWater: 1,
      })
      await write(session, [{ id: 1 }], { checkpoints: [update('kept', 0), update('untouched', 0)] })
      await write(session, [{ id: 2 }], { begin: true, checkpoints: [update('kept', 1)] })
      await write(session, [{ id: 9 }], { stream: 'desk.users', table: 'users' })
      assert.deepEqual(await standing(session), ['kept live 1', 'kept staged 2', 'untouched live 1'])
      await write(session, [{ id: 3 }], { publish: true, checkpoints: [update('last', 0)] })
      assert.deepEqual(await standing(session), ['kept live 2', 'last live 1'])
      assert.equal((await session.readCheckpoints('desk.users')).length, 1)
    },
  ),

  {
    promise: 'R6',
    name: 'R6: a replacement that was interrupted goes on after a reopen, from its staged checkpoint',
    async run(harness) {
      await withSession(await harness.open(), async (session) => {
        await write(session, [{ id: 1 }])
        await write(session, [{ id: 10 }], { begin: true })
      })
      await withSession(await harness.reopen(), async (session) => {
        assert.deepEqual(await standing(session), ['all live 1', 'all staged 2'])
        assert.deepEqual(ids(await dataRows(harness)), [1])
        await write(session, [{ id: 11, added: 'x' }], { publish: true })
        assert.deepEqual(ids(await dataRows(harness)), [10, 11])
        assert.deepEqual(
          (await session.readCheckpoints(STREAM)).map(({ staged }) => staged),
          [false],
        )
      })
    },
  },

  onSession(
    'R6',
    'R6: a publishing load that fails publishes nothing, and replays once it has succeeded',
    async (session, harness) => {
      await write(session, [{ id: 1 }])
      await write(session, [{ id: 10 }], { begin: true })
      const load = await makeLoad(session, [{ id: 11 }], { publish: true })
      const stale = {
        ...load,
        id: `${load.id}-stale`,
        checkpoints: [{ ...load.checkpoints[0]!, fromVersion: 99 }],
      }
      await assertRejects(session.commit(stale), 'CHECKPOINT_CONFLICT')
      assert.deepEqual(ids(await dataRows(harness)), [1])
      await session.commit(load)
      assert.deepEqual(ids(await dataRows(harness)), [10, 11])
      assert.equal((await session.commit(load)).replayed, true)
      assert.deepEqual(ids(await dataRows(harness)), [10, 11])
    },
  ),

  ...needing('merge', [
    onSession('R6', 'R6: a replacement merges by key within the new table only', async (session, harness) => {
      const keyed = { mode: 'merge', key: ['id'] } as const
      await write(session, [{ id: 1, note: 'live' }], keyed)
      const first = await write(session, [{ id: 1, note: 'first' }], { ...keyed, begin: true })
      assert.equal(first.inserted, 1)
      const second = await write(
        session,
        [
          { id: 1, note: 'second' },
          { id: 2, note: 'new' },
        ],
        { ...keyed, publish: true },
      )
      assert.deepEqual([second.inserted, second.updated], [1, 1])
      const rows = await dataRows(harness)
      assert.deepEqual(rows.map((row) => row['note']).sort(), ['new', 'second'])
      assert.equal((await write(session, [{ id: 2, note: 'after' }], keyed)).updated, 1)
    }),
  ]),

  onSession(
    'R6',
    'R6: resetting a stream drops its staged table and leaves the live one',
    async (session, harness) => {
      await write(session, [{ id: 1 }])
      await write(session, [{ id: 10 }], { begin: true })
      assert.equal(await session.resetStream(STREAM, TABLE), 2)
      assert.equal(await session.readSchema(TABLE, { staged: true }), null)
      assert.deepEqual(await session.readCheckpoints(STREAM), [])
      assert.deepEqual(ids(await dataRows(harness)), [1])
    },
  ),

  onSession(
    'R6',
    'R6: abandoning a replacement drops what it staged, and leaves rows and checkpoints that are live',
    async (session, harness) => {
      await write(session, [{ id: 1 }])
      const [live] = await session.readCheckpoints(STREAM)
      const fresh = { slice: 'fresh', fromVersion: 0, position: null, highWater: null }
      await write(session, [{ id: 10 }], {
        begin: true,
        checkpoints: [await nextCheckpoint(session), fresh],
      })
      await session.abandonReplacement(STREAM, TABLE)
      assert.equal(await session.readSchema(TABLE, { staged: true }), null)
      assert.deepEqual(ids(await dataRows(harness)), [1])
      const [checkpoint, ...others] = await session.readCheckpoints(STREAM)
      assert.deepEqual(others, [])
      assert.deepEqual({ ...checkpoint, version: 0 }, { ...live, version: 0 })
      await write(session, [{ id: 2 }])
      assert.deepEqual(ids(await dataRows(harness)), [1, 2])
    },
  ),

  onSession(
    'C2',
    'C2: after a replacement was abandoned, neither who staged it nor who began before it can commit',
    async (session, harness) => {
      await write(session, [{ id: 1 }])
      const before = await makeLoad(session, [{ id: 5 }])
      await write(session, [{ id: 10 }], { begin: true })
      const staging = await makeLoad(session, [{ id: 11 }], { publish: true })
      await session.abandonReplacement(STREAM, TABLE)
      await assertRejects(session.commit(staging), 'CHECKPOINT_CONFLICT')
      await assertRejects(session.commit(before), 'CHECKPOINT_CONFLICT')
      assert.deepEqual(ids(await dataRows(harness)), [1])
    },
  ),

  onSession('R6', 'R6: where nothing is staged, abandoning changes nothing', async (session, harness) => {
    await session.abandonReplacement(STREAM, TABLE)
    await write(session, [{ id: 1 }])
    const before = await session.readCheckpoints()
    await session.abandonReplacement(STREAM, TABLE)
    assert.deepEqual(await session.readCheckpoints(), before)
    assert.deepEqual(ids(await dataRows(harness)), [1])
  }),
]
