import assert from 'node:assert/strict'
import type { DestinationSession } from '../../ports/destination.ts'
import type { TableSchema } from '../../ports/schema.ts'
import { observeRecords } from '../../records/observe.ts'
import {
  AT,
  add,
  assertRejects,
  byId,
  type ConformanceCase,
  type ConformanceHarness,
  counts,
  dataRows,
  makeLoad,
  nextCheckpoint,
  onSession,
  PIPELINE,
  STREAM,
  TABLE,
  withSession,
  write,
} from './harness.ts'

/** Rows, columns, rejects, load records and checkpoints, as one value that must not change when a commit fails. */
async function everything(session: DestinationSession, harness: ConformanceHarness): Promise<unknown> {
  return {
    rows: await harness.rows(TABLE),
    schema: await session.readSchema(TABLE),
    rejects: await harness.rejects(PIPELINE),
    loads: [...(await harness.loads(PIPELINE))].sort(),
    checkpoints: await session.readCheckpoints(),
  }
}

const reject = { id: 'r1', record: { id: null, note: 'no key' }, reason: 'key field "id" is null' }

export const commitCases: readonly ConformanceCase[] = [
  onSession(
    'C1',
    'C1: a commit stores rows, checkpoint, rejects and load record together',
    async (session, harness) => {
      const load = await makeLoad(session, [{ id: 1 }, { id: 2 }], { rejects: [reject] })
      const receipt = await session.commit(load)
      const counted = { inserted: 2, updated: 0, unchanged: 0, deleted: 0 }
      assert.deepEqual(receipt, { loadId: load.id, ...counted, sides: {}, replayed: false })
      assert.deepEqual(
        (await harness.rows(TABLE)).map((row) => row['_sluice_load_id']),
        [load.id, load.id],
      )
      const [checkpoint, ...others] = await session.readCheckpoints(STREAM)
      assert.equal(others.length, 0)
      assert.deepEqual(checkpoint, {
        stream: STREAM,
        slice: 'all',
        version: 1,
        position: { page: 1 },
        highWater: 1,
        staged: false,
        loadId: load.id,
        updatedAt: load.at,
      })
      assert.deepEqual(await harness.loads(PIPELINE), [load.id])
      const [stored] = await harness.rejects(PIPELINE)
      assert.deepEqual(
        { ...stored, record: JSON.parse(stored?.record ?? '') },
        {
          stream: STREAM,
          record: reject.record,
          reason: reject.reason,
          times: 1,
          firstLoadId: load.id,
          lastLoadId: load.id,
        },
      )
    },
  ),

  onSession(
    'C1',
    'C1: a commit whose last checkpoint conflicts leaves nothing behind',
    async (session, harness) => {
      await write(session, [{ id: 1, amount: 1 }])
      const before = await everything(session, harness)
      const load = await makeLoad(session, [{ id: 2, amount: 1.5, added: 'x' }], {
        rejects: [reject],
        checkpoints: [
          await nextCheckpoint(session, STREAM, 'first'),
          { slice: 'all', fromVersion: 7, position: null, highWater: null },
        ],
      })
      await assertRejects(session.commit(load), 'CHECKPOINT_CONFLICT')
      assert.deepEqual(await everything(session, harness), before)
    },
  ),

  onSession(
    'C1',
    'C1: a commit whose schema narrows a column is refused and leaves nothing behind',
    async (session, harness) => {
      await write(session, [{ id: 1, note: 'text' }])
      const before = await everything(session, harness)
      const load = await makeLoad(session, [{ id: 2, note: 5, added: true }], {
        rejects: [reject],
        schema: {
          columns: [
            { field: 'id', name: 'id', type: { kind: 'integer' } },
            { field: 'note', name: 'note', type: { kind: 'integer' } },
            { field: 'added', name: 'added', type: { kind: 'boolean' } },
          ],
        },
      })
      await assertRejects(session.commit(load), 'DESTINATION_SCHEMA')
      assert.deepEqual(await everything(session, harness), before)
    },
  ),

  onSession(
    'C1',
    'C1: a commit whose last record does not fit its column leaves nothing behind',
    async (session, harness) => {
      await write(session, [{ id: 1 }])
      const before = await everything(session, harness)
      const records = Array.from({ length: 3000 }, (_, index) => ({ id: index + 2, added: true }))
      const { schema } = await makeLoad(session, records)
      const load = await makeLoad(session, [...records, { id: 'not a number', added: true }], {
        rejects: [reject],
        schema,
      })
      await assert.rejects(session.commit(load))
      assert.deepEqual(await everything(session, harness), before)
    },
  ),

  onSession(
    'C1',
    'C1: after a commit that failed, the session commits the next one',
    async (session, harness) => {
      const stale = await makeLoad(session, [{ id: 1 }], {
        checkpoints: [{ slice: 'all', fromVersion: 3, position: null, highWater: null }],
      })
      await assertRejects(session.commit(stale), 'CHECKPOINT_CONFLICT')
      await write(session, [{ id: 2 }])
      assert.deepEqual(await dataRows(harness), [{ id: 2 }])
    },
  ),

  onSession(
    'C1',
    'C1: a load without records moves its checkpoint',
    async (session, _harness, destination) => {
      await write(session, [])
      await add(destination, session, [])
      assert.deepEqual(
        (await session.readCheckpoints(STREAM)).map(({ version }) => version),
        [2],
      )
    },
  ),

  onSession(
    'C2',
    'C2: a commit from a version that has moved is refused with CHECKPOINT_CONFLICT',
    async (session, harness) => {
      const first = await makeLoad(session, [{ id: 1 }])
      const second = await makeLoad(session, [{ id: 1 }])
      await session.commit(first)
      const error = await assertRejects(session.commit(second), 'CHECKPOINT_CONFLICT')
      assert.match(error.message, /desk\.tickets/)
      assert.match(error.message, /"all"/)
      assert.deepEqual(await dataRows(harness), [{ id: 1 }])
    },
  ),

  onSession(
    'C2',
    'C2: a commit that expects a checkpoint where there is none is refused',
    async (session, harness) => {
      await write(session, [{ id: 1 }])
      const load = await makeLoad(session, [{ id: 2 }])
      await session.resetStream(STREAM, TABLE)
      await assertRejects(session.commit(load), 'CHECKPOINT_CONFLICT')
      assert.deepEqual(await dataRows(harness), [{ id: 1 }])
    },
  ),

  onSession(
    'C2',
    'C2: of two commits side by side from one version, exactly one is stored',
    async (session, harness, destination) => {
      await write(session, [{ id: 0 }])
      const rival = await destination.open(PIPELINE).catch((error: unknown) => {
        // A destination that lets one session in at a time keeps the promise too: then the two race inside it.
        assert.equal((error as { code?: string }).code, 'DESTINATION_BUSY')
        return null
      })
      try {
        const loads = [await makeLoad(session, [{ id: 1 }]), await makeLoad(rival ?? session, [{ id: 2 }])]
        const sessions = [session, rival ?? session]
        const outcomes = await Promise.allSettled(loads.map((load, index) => sessions[index]!.commit(load)))
        const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
        assert.equal(refused.length, 1)
        assert.equal(refused[0]!.reason.code, 'CHECKPOINT_CONFLICT')
        const winner = outcomes.findIndex((outcome) => outcome.status === 'fulfilled') + 1
        const ids = (await dataRows(harness)).map((row) => row['id'])
        assert.deepEqual(ids.sort(), [0, winner])
      } finally {
        await rival?.[Symbol.asyncDispose]()
      }
    },
  ),

  onSession(
    'C2',
    'C2: commits of different slices, asked for side by side, are all stored',
    async (session, harness) => {
      const loads = await Promise.all(
        Array.from({ length: 20 }, async (_, index) =>
          makeLoad(session, [{ id: index }], {
            checkpoints: [await nextCheckpoint(session, STREAM, `slice-${index}`)],
          }),
        ),
      )
      await Promise.all(loads.map((load) => session.commit(load)))
      assert.equal((await dataRows(harness)).length, 20)
      assert.equal((await session.readCheckpoints(STREAM)).length, 20)
    },
  ),

  onSession('C3', 'C3: replaying a committed load changes nothing and says so', async (session, harness) => {
    const load = await makeLoad(session, [{ id: 1 }, { id: 2 }], { rejects: [reject] })
    await session.commit(load)
    await write(session, [{ id: 3 }])
    const before = await everything(session, harness)
    const receipt = await session.commit(load)
    assert.equal(receipt.replayed, true)
    assert.equal(receipt.loadId, load.id)
    assert.deepEqual(await everything(session, harness), before)
  }),

  {
    promise: 'C3',
    name: 'C3: a load that another process committed is known after a reopen',
    async run(harness) {
      const load = await withSession(await harness.open(), async (session) => {
        const made = await makeLoad(session, [{ id: 1 }])
        await session.commit(made)
        return made
      })
      await withSession(await harness.reopen(), async (session) => {
        assert.equal((await session.commit(load)).replayed, true)
        assert.deepEqual(await dataRows(harness), [{ id: 1 }])
      })
    },
  },

  onSession('C6', 'C6: a slice has one checkpoint row however often it commits', async (session) => {
    for (let round = 1; round <= 5; round++) await write(session, [{ id: round }])
    const checkpoints = await session.readCheckpoints(STREAM)
    assert.deepEqual(
      checkpoints.map(({ slice, version, position }) => ({ slice, version, position })),
      [{ slice: 'all', version: 5, position: { page: 5 } }],
    )
  }),

  onSession(
    'C6',
    'C6: thousands of small slices share one commit, and a next one moves some of them',
    async (session, harness) => {
      const update = (index: number, fromVersion: number) => ({
        slice: `parent-${index}`,
        fromVersion,
        position: null,
        highWater: index,
      })
      const indexes = Array.from({ length: 3000 }, (_, index) => index)
      await write(
        session,
        indexes.map((id) => ({ id })),
        { checkpoints: indexes.map((index) => update(index, 0)) },
      )
      await write(session, [{ id: 3000 }], { checkpoints: [update(7, 1), update(8, 1), update(3000, 0)] })
      const versions = new Map(
        (await session.readCheckpoints(STREAM)).map(({ slice, version }) => [slice, version]),
      )
      assert.equal(versions.size, 3001)
      assert.deepEqual(
        ['parent-6', 'parent-7', 'parent-8', 'parent-3000'].map((slice) => versions.get(slice)),
        [1, 2, 2, 1],
      )
      assert.equal((await dataRows(harness)).length, 3001)
    },
  ),

  onSession(
    'C1',
    'C1: checkpoints that move without rows are all moved, and no table is made',
    async (session, harness) => {
      const move = async (id: string, ...slices: string[]) =>
        session.moveCheckpoints({
          id,
          at: AT,
          stream: STREAM,
          checkpoints: await Promise.all(slices.map((slice) => nextCheckpoint(session, STREAM, slice))),
        })
      await move('move-1', 'a')
      await move('move-2', 'a', 'b')
      assert.equal(await session.readSchema(TABLE), null)
      assert.deepEqual(await harness.rows(TABLE), [])
      const found = (await session.readCheckpoints(STREAM)).map(
        ({ slice, version, position, loadId, updatedAt, staged }) => [
          slice,
          version,
          position,
          loadId,
          updatedAt,
          staged,
        ],
      )
      assert.deepEqual(
        found.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
        [
          ['a', 2, { page: 2 }, 'move-2', AT, false],
          ['b', 1, { page: 1 }, 'move-2', AT, false],
        ],
      )
    },
  ),

  onSession(
    'C2',
    'C2: checkpoints that move without rows from a version that has moved are refused, each of them',
    async (session, harness) => {
      await write(session, [{ id: 1 }])
      const before = await everything(session, harness)
      const checkpoints = [
        await nextCheckpoint(session, STREAM, 'fresh'),
        { slice: 'all', fromVersion: 0, position: null, highWater: null },
      ]
      const error = await assertRejects(
        session.moveCheckpoints({ id: 'move-1', at: AT, stream: STREAM, checkpoints }),
        'CHECKPOINT_CONFLICT',
      )
      assert.match(error.message, /"all"/)
      assert.deepEqual(await everything(session, harness), before)
    },
  ),

  onSession(
    'C3',
    'C3: a load whose records were taken page by page, with a column more on the way, is stored once however often it is committed',
    async (session, harness, destination) => {
      const pages = [
        [{ id: 1, name: 'a' }, { id: 2 }],
        [{ id: 3, name: 'ü', price: 1.5 }],
        [{ id: 4, price: 2 }],
      ]
      const load = await makeLoad(session, pages.flat(), {
        ...(destination.capabilities.merge && { mode: 'merge', key: ['id'] }),
      })
      const rows = session.rows?.()
      let schema: TableSchema | null = null
      for (const page of pages) {
        schema = observeRecords(schema, page).schema
        rows?.append(page, schema)
      }
      const taken = rows === undefined ? load : { ...load, records: [], rows }
      assert.deepEqual(counts(await session.commit(taken)), [4, 0, 0])
      assert.equal((await session.commit(taken)).replayed, true)
      assert.deepEqual(byId(await dataRows(harness)), [
        { id: 1, name: 'a', price: null },
        { id: 2, name: null, price: null },
        { id: 3, name: 'ü', price: 1.5 },
        { id: 4, name: null, price: 2 },
      ])
    },
  ),
]
