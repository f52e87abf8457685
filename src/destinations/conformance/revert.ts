import assert from 'node:assert/strict'
import { type DestinationSession, STREAM_CHECKPOINT } from '../../ports/destination.ts'
import type { JsonRecord } from '../../ports/json.ts'
import {
  AT,
  assertRejects,
  type ConformanceCase,
  type ConformanceHarness,
  dataRows,
  makeLoad,
  merge,
  nextCheckpoint,
  onSession,
  PIPELINE,
  STREAM,
  sideOf,
  TABLE,
  type WriteOptions,
  withSession,
  write,
} from './harness.ts'

const reject = { id: 'r1', record: { note: 'no key' }, reason: 'key field "id" is null' }

function reverting(
  name: string,
  run: (session: DestinationSession, harness: ConformanceHarness) => Promise<void>,
): ConformanceCase {
  return { ...onSession('revert', `revert: ${name}`, run), needs: ['revert'] }
}

/** Appended loads are taken out again. */
export const revertCases: readonly ConformanceCase[] = [
  reverting('the last load goes, with its rows, its checkpoint and its rejects', async (session, harness) => {
    await write(session, [{ id: 1 }])
    const [before] = await session.readCheckpoints(STREAM)
    const { loadId } = await write(session, [{ id: 2 }, { id: 3, added: 'x' }], { rejects: [reject] })
    const receipt = await session.revert!(loadId, { at: AT + 1000 })
    assert.deepEqual(receipt, { stream: STREAM, loadIds: [loadId], removed: { [TABLE]: 2 }, checkpoints: 1 })
    assert.deepEqual(await ids(harness), [1])
    assert.deepEqual(await harness.rejects(PIPELINE), [])
    const [after] = await session.readCheckpoints(STREAM)
    assert.deepEqual([after?.position, after?.highWater], [before?.position, before?.highWater])
    await write(session, [{ id: 2 }])
    assert.deepEqual(await ids(harness), [1, 2])
  }),

  reverting('whoever goes on from a load that was taken out fails (C2)', async (session, harness) => {
    await write(session, [{ id: 1 }])
    const { loadId } = await write(session, [{ id: 2 }])
    const zombie = await nextCheckpoint(session)
    const before = { ...zombie, fromVersion: zombie.fromVersion - 1 }
    await session.revert!(loadId, { at: AT })
    for (const stale of [zombie, before])
      await assertRejects(write(session, [{ id: 9 }], { checkpoints: [stale] }), 'CHECKPOINT_CONFLICT')
    assert.deepEqual(await ids(harness), [1])
  }),

  reverting('a slice that the load began is forgotten, the others go back', async (session) => {
    await write(session, [{ id: 1 }], { checkpoints: [await nextCheckpoint(session, STREAM, 'a')] })
    const { loadId } = await write(session, [{ id: 2 }], {
      checkpoints: [await nextCheckpoint(session, STREAM, 'a'), await nextCheckpoint(session, STREAM, 'b')],
    })
    assert.equal((await session.revert!(loadId, { at: AT })).checkpoints, 2)
    const left = await session.readCheckpoints(STREAM)
    assert.deepEqual(
      left.map(({ slice, highWater }) => [slice, highWater]),
      [['a', 1]],
    )
  }),

  reverting(
    'a load that others went on from is refused, unless they go with it, in one piece',
    async (session, harness) => {
      await write(session, [{ id: 1 }])
      const second = await write(session, [{ id: 2 }])
      await write(session, [{ id: 3 }], { stream: 'desk.others' })
      const third = await write(session, [{ id: 4 }])
      const fourth = await write(session, [{ id: 5 }])
      const error = await assertRejects(session.revert!(second.loadId, { at: AT }), 'LOAD_REVERT')
      assert.equal(
        error.message,
        `load ${second.loadId} can't be reverted: 2 later loads of its stream went on from it, the last one ${fourth.loadId}. ` +
          'Revert the last one first, or all of them with `--with-later`. Nothing was removed',
      )
      assert.deepEqual(await ids(harness), [1, 2, 3, 4, 5])
      const receipt = await session.revert!(second.loadId, { at: AT, withLater: true })
      assert.deepEqual(receipt.loadIds, [fourth.loadId, third.loadId, second.loadId])
      assert.deepEqual(receipt.removed, { [TABLE]: 3 })
      assert.deepEqual(await ids(harness), [1, 3])
      const [checkpoint] = await session.readCheckpoints(STREAM)
      assert.equal(checkpoint?.highWater, 1)
    },
  ),

  reverting('loads go one after the other, the last one first', async (session, harness) => {
    await write(session, [{ id: 1 }])
    const second = await write(session, [{ id: 2 }])
    const third = await write(session, [{ id: 3 }])
    await session.revert!(third.loadId, { at: AT })
    await session.revert!(second.loadId, { at: AT })
    assert.deepEqual(await ids(harness), [1])
    const [checkpoint] = await session.readCheckpoints(STREAM)
    assert.equal(checkpoint?.highWater, 1)
  }),

  reverting('rows that belong to its records go along', async (session, harness) => {
    const side = async (rows: JsonRecord[], owners: number[]) => ({
      ...(await sideOf(session, rows, { table: 'lines', write: 'owned', owner: ['ticket'] })),
      owners,
    })
    await write(session, [{ id: 1 }], { key: ['id'], sides: [await side([{ ticket: 1, n: 1 }], [0])] })
    const { loadId } = await write(session, [{ id: 2 }], {
      key: ['id'],
      sides: [
        await side(
          [
            { ticket: 2, n: 1 },
            { ticket: 2, n: 2 },
          ],
          [0, 0],
        ),
      ],
    })
    const { removed } = await session.revert!(loadId, { at: AT })
    assert.deepEqual(removed, { [TABLE]: 1, lines: 2 })
    assert.deepEqual(
      (await dataRows(harness, 'lines')).map((row) => row['ticket']),
      [1],
    )
  }),

  {
    ...onSession(
      'C3',
      'C3: a load that was taken out is not said to be there when it is committed again, and loads nothing',
      async (session, harness) => {
        const slice = { position: null, highWater: null, fromVersion: 0 }
        for (const checkpoints of [
          [
            { ...slice, slice: STREAM_CHECKPOINT },
            { ...slice, slice: 'all' },
          ],
          [],
        ]) {
          const load = await makeLoad(session, [{ id: 1 }], { checkpoints })
          await session.commit(load)
          await session.revert!(load.id, { at: AT })
          const left = await session.readCheckpoints()
          const error = await assertRejects(session.commit(load), 'LOAD_REVERT')
          assert.equal(
            error.message,
            `load ${load.id} can't be committed again: it was taken out again at 2026-01-31T00:00:00.000Z. ` +
              'Run again: the run starts from the checkpoint, and loads anew what is missing. Nothing was written',
          )
          assert.deepEqual(await harness.rows(TABLE), [])
          assert.deepEqual(await session.readCheckpoints(), left)
        }
      },
    ),
    needs: ['revert'],
  },

  {
    ...onSession(
      'revert',
      'revert: a load whose rows another stream may rely on is refused, until that one is taken out',
      async (session, harness) => {
        const key = ['id']
        const first = await write(session, [{ id: 1 }, { id: 2 }], { key })
        const other = await write(session, [{ id: 2 }, { id: 3 }], { key, stream: 'desk.others' })
        assert.equal(other.unchanged, 1)
        const error = await assertRejects(session.revert!(first.loadId, { at: AT }), 'LOAD_REVERT')
        assert.equal(
          error.message,
          `load ${first.loadId} can't be reverted: desk.others of pipeline conformance has loaded tickets since, and found 1 of its records ` +
            `there already (load ${other.loadId}): they may be rows of the one to revert, and would be lost for it. ` +
            'Revert that load first if it only added rows, or delete the rows by hand, ' +
            `WHERE _sluice_load_id = '${first.loadId}', and reset both streams. Nothing was removed`,
        )
        assert.deepEqual(await ids(harness), [1, 2, 3])
        await session.revert!(other.loadId, { at: AT })
        await session.revert!(first.loadId, { at: AT })
        assert.deepEqual(await ids(harness), [])
      },
    ),
    needs: ['revert', 'merge'],
  },

  {
    ...onSession(
      'revert',
      "revert: rows of a side table that another pipeline's load found there are refused as well",
      async (session, _harness, destination) => {
        const side = async (of: DestinationSession) =>
          sideOf(of, [{ id: 'a' }], { table: 'tags', write: 'append', key: ['id'] })
        const first = await write(session, [{ id: 1 }], { sides: [await side(session)] })
        // A destination may let one pipeline in at a time.
        await session[Symbol.asyncDispose]()
        const elsewhere = { stream: 'desk.users', table: 'users' }
        await withSession(
          destination,
          async (other) => write(other, [{ id: 1 }], { ...elsewhere, sides: [await side(other)] }),
          'other',
        )
        await withSession(destination, async (again) => {
          const error = await assertRejects(again.revert!(first.loadId, { at: AT }), 'LOAD_REVERT')
          assert.match(
            error.message,
            /desk\.users of pipeline other has loaded tags since, and found 1 of its records/,
          )
        })
      },
    ),
    needs: ['revert', 'merge'],
  },

  ...refused('a load that is not there', async () => [
    'load-0',
    'there is no load of that name in this pipeline. `sluice loads` lists them',
  ]),

  ...refused('a load that was reverted', async (session) => {
    const { loadId } = await write(session, [{ id: 1 }])
    await session.revert!(loadId, { at: AT })
    return [loadId, 'it was reverted at 2026-01-31T00:00:00.000Z']
  }),

  {
    ...onSession('revert', 'revert: a load that merged is refused', async (session, harness) => {
      await merge(session, [{ id: 1 }])
      const { loadId } = await merge(session, [{ id: 1, note: 'new' }])
      const error = await assertRejects(session.revert!(loadId, { at: AT }), 'LOAD_REVERT')
      assert.match(error.message, /it did not only add rows \(its mode is merge\)/)
      assert.equal((await harness.rows(TABLE)).length, 1)
    }),
    needs: ['revert', 'merge'],
  },

  ...refused('a load that wrote a whole new table', async (session) => {
    const { loadId } = await write(session, [{ id: 1 }], { begin: true, publish: true })
    return [
      loadId,
      'it wrote a whole new table, or merged rows into a table beside it. A full refresh of the stream loads its table anew',
    ]
  }),

  reverting('loads are listed, the last one first, with what became of them', async (session) => {
    const options: WriteOptions = { runId: 'run-7' }
    const first = await write(session, [{ id: 1 }, { id: 2 }], options)
    const other = await write(session, [{ id: 1 }], { ...options, stream: 'desk.others', table: 'others' })
    const second = await write(session, [{ id: 3 }], { ...options, rejects: [reject], at: AT - 5000 })
    await session.revert!(second.loadId, { at: AT })
    const all = await session.loads!()
    assert.deepEqual(
      all.map(({ id }) => id),
      [second.loadId, other.loadId, first.loadId],
    )
    assert.deepEqual(all[0], {
      id: second.loadId,
      runId: 'run-7',
      stream: STREAM,
      table: TABLE,
      mode: 'append',
      at: AT - 5000,
      inserted: 1,
      updated: 0,
      unchanged: 0,
      deleted: 0,
      rejected: 1,
      revertedAt: AT,
    })
    assert.equal(all[1]?.revertedAt, null)
    assert.deepEqual(
      (await session.loads!({ stream: STREAM, limit: 1 })).map(({ id }) => id),
      [second.loadId],
    )
  }),
]

function refused(
  what: string,
  make: (session: DestinationSession) => Promise<[loadId: string, problem: string]>,
): ConformanceCase[] {
  return [
    reverting(`${what} is refused`, async (session, harness) => {
      await write(session, [{ id: 100 }], { stream: 'desk.untouched' })
      const [loadId, problem] = await make(session)
      const before = await harness.rows(TABLE)
      const error = await assertRejects(session.revert!(loadId, { at: AT }), 'LOAD_REVERT')
      assert.equal(error.message, `load ${loadId} can't be reverted: ${problem}. Nothing was removed`)
      assert.deepEqual(await harness.rows(TABLE), before)
    }),
  ]
}

async function ids(harness: ConformanceHarness): Promise<number[]> {
  return (await dataRows(harness)).map((row) => Number(row['id'])).sort((a, b) => a - b)
}
