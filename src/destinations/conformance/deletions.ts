import assert from 'node:assert/strict'
import type { DestinationSession } from '../../ports/destination.ts'
import type { JsonRecord } from '../../ports/json.ts'
import {
  byId,
  type ConformanceCase,
  columnById,
  columnTypes,
  counts,
  dataRows,
  erase,
  fourCounts,
  makeLoad,
  merge,
  nextCheckpoint,
  onSession,
  STREAM,
  sideOf,
  TABLE,
  type WriteOptions,
  write,
} from './harness.ts'

/** Merges records of which those at the given places remove the row of their key. */
const mergeGone = (
  session: DestinationSession,
  records: readonly JsonRecord[],
  gone: readonly number[],
  options: WriteOptions = {},
) => merge(session, records, { tombstones: new Set(gone), ...options })

/** Records that remove rows: among others that are merged, or alone. */
export const deletionCases: readonly ConformanceCase[] = [
  onSession(
    'tombstones',
    'tombstones: a record that is gone removes the row of its key; without one it changes nothing',
    async (session, harness) => {
      await merge(session, [
        { id: 1, note: 'a' },
        { id: 2, note: 'b' },
      ])
      const receipt = await mergeGone(session, [{ id: 1 }, { id: 3, note: 'c' }, { id: 9 }], [0, 2])
      assert.deepEqual(fourCounts(receipt), [1, 0, 1, 1])
      assert.deepEqual(await columnById(harness, 'note'), { 2: 'b', 3: 'c' })
    },
  ),

  onSession(
    'tombstones',
    'tombstones: of one key in a load the last word counts, to be gone or to be there',
    async (session, harness) => {
      await merge(session, [
        { id: 1, note: 'old' },
        { id: 2, note: 'old' },
      ])
      const receipt = await mergeGone(
        session,
        [
          { id: 1 },
          { id: 1, note: 'anew' },
          { id: 2, note: 'late' },
          { id: 2 },
          { id: 3, note: 'short' },
          { id: 3 },
        ],
        [0, 3, 5],
      )
      assert.deepEqual(fourCounts(receipt), [0, 1, 4, 1])
      assert.deepEqual(await columnById(harness, 'note'), { 1: 'anew' })
    },
  ),

  onSession(
    'tombstones',
    'tombstones: with a version a newer row stays, and the newest word of a load counts whichever comes last',
    async (session, harness) => {
      const options = { version: 'v' }
      await merge(
        session,
        [
          { id: 1, v: 5 },
          { id: 2, v: 5 },
          { id: 3, v: 5 },
          { id: 4, v: 1 },
        ],
        options,
      )
      const receipt = await mergeGone(
        session,
        [
          { id: 1, v: 4 },
          { id: 2, v: 5 },
          { id: 3, v: 6 },
          { id: 4, v: 9 },
          { id: 4, v: 8 },
        ],
        [0, 1, 2, 3],
        options,
      )
      assert.deepEqual(fourCounts(receipt), [0, 0, 2, 3])
      assert.deepEqual(byId(await dataRows(harness)), [{ id: 1, v: 5 }])
    },
  ),

  onSession(
    'tombstones',
    'tombstones: a record that is gone though nothing but its key is known is no row, in a table with no other column too',
    async (session, harness) => {
      await merge(session, [{ id: 1 }, { id: 2 }])
      assert.deepEqual(fourCounts(await mergeGone(session, [{ id: 1 }], [0])), [0, 0, 0, 1])
      assert.deepEqual(await dataRows(harness), [{ id: 2 }])
    },
  ),

  onSession(
    'tombstones',
    'tombstones: where there is no row yet, nor a column for the key, there is nothing to remove',
    async (session, harness) => {
      const schema = { columns: [] }
      assert.deepEqual(fourCounts(await mergeGone(session, [{}, {}], [0, 1], { schema })), [0, 0, 2, 0])
      await merge(session, [{ id: 1 }])
      assert.deepEqual(await dataRows(harness), [{ id: 1 }])
    },
  ),

  onSession(
    'C3',
    'C3: a record that came back is not removed by the load that removed it, committed again',
    async (session, harness) => {
      await merge(session, [{ id: 1, note: 'a' }])
      const load = await makeLoad(session, [{ id: 1 }], {
        mode: 'merge',
        key: ['id'],
        tombstones: new Set([0]),
      })
      const first = await session.commit(load)
      await merge(session, [{ id: 1, note: 'back' }])
      assert.deepEqual(await session.commit(load), { ...first, replayed: true })
      assert.deepEqual(await columnById(harness, 'note'), { 1: 'back' })
    },
  ),

  onSession(
    'R6',
    'R6: in a replacement a record that is gone removes what was staged, and what is live stays until it is published',
    async (session, harness) => {
      await merge(session, [{ id: 1 }])
      await merge(session, [{ id: 1 }, { id: 2 }], { begin: true })
      await mergeGone(session, [{ id: 1 }], [0], { staged: true })
      assert.deepEqual(await dataRows(harness), [{ id: 1 }])
      await merge(session, [], { publish: true })
      assert.deepEqual(await dataRows(harness), [{ id: 2 }])
    },
  ),

  onSession(
    'delete',
    'delete: each record removes the row of its key from a table that another stream loads',
    async (session, harness) => {
      await merge(session, [
        { id: 1, note: 'a' },
        { id: 2, note: 'b' },
        { id: 3, note: 'c' },
      ])
      const deletions = { stream: 'desk.deleted_tickets' }
      const receipt = await erase(session, [{ id: 1 }, { id: 3 }, { id: 3 }, { id: 9 }], deletions)
      assert.deepEqual(fourCounts(receipt), [0, 0, 2, 2])
      assert.deepEqual(await dataRows(harness), [{ id: 2, note: 'b' }])
      assert.deepEqual(await columnTypes(session), { id: 'integer', note: 'text' })
      assert.equal((await session.readCheckpoints('desk.deleted_tickets')).length, 1)
    },
  ),

  onSession(
    'delete',
    'delete: a table that is not there is not made, nor one without a column given any; the checkpoint moves',
    async (session, harness) => {
      assert.deepEqual(fourCounts(await erase(session, [{ id: 1 }])), [0, 0, 1, 0])
      assert.equal(await session.readSchema(TABLE), null)
      assert.deepEqual(await harness.rows(TABLE), [])
      assert.equal((await session.readCheckpoints(STREAM))[0]?.version, 1)
      await write(session, [])
      assert.deepEqual(fourCounts(await erase(session, [{ id: 1 }])), [0, 0, 1, 0])
      assert.deepEqual((await session.readSchema(TABLE))?.columns, [])
    },
  ),

  onSession('delete', 'delete: with a version a row that is newer stays', async (session, harness) => {
    await merge(
      session,
      [
        { id: 1, v: 5 },
        { id: 2, v: 5 },
      ],
      { version: 'v' },
    )
    const receipt = await erase(
      session,
      [
        { id: 1, v: 4 },
        { id: 2, v: 5 },
      ],
      { version: 'v' },
    )
    assert.deepEqual(fourCounts(receipt), [0, 0, 1, 1])
    assert.deepEqual(await dataRows(harness), [{ id: 1, v: 5 }])
  }),

  onSession(
    'delete',
    'delete: from a table that is filled without a key, every row that has it goes',
    async (session, harness) => {
      await write(session, [
        { id: 1, n: 1 },
        { id: 1, n: 2 },
        { id: 2, n: 3 },
      ])
      assert.deepEqual(fourCounts(await erase(session, [{ id: 1 }])), [0, 0, 0, 2])
      assert.deepEqual(await dataRows(harness), [{ id: 2, n: 3 }])
    },
  ),

  onSession('delete', 'delete: the rows that belong to a removed one go along', async (session, harness) => {
    const owner = { table: 'lines', write: 'owned', owner: ['ticket'] } as const
    const rows = [
      { ticket: 1, item: 'a' },
      { ticket: 1, item: 'b' },
      { ticket: 2, item: 'c' },
    ]
    await merge(session, [{ id: 1 }, { id: 2 }], {
      sides: [await sideOf(session, rows, { ...owner, owners: [0, 0, 1] })],
    })
    const sides = [await sideOf(session, [], { ...owner, owners: [] })]
    const receipt = await erase(session, [{ id: 1 }], { sides })
    assert.deepEqual(fourCounts(receipt.sides['lines']), [0, 0, 0, 2])
    assert.deepEqual(await dataRows(harness, 'lines'), [{ ticket: 2, item: 'c' }])
  }),

  onSession('C2', 'C2: a deletion that lost its checkpoint removes nothing', async (session, harness) => {
    await merge(session, [{ id: 1 }])
    const stale = { ...(await nextCheckpoint(session)), fromVersion: 0 }
    await assert.rejects(erase(session, [{ id: 1 }], { checkpoints: [stale] }), {
      code: 'CHECKPOINT_CONFLICT',
    })
    assert.deepEqual(await dataRows(harness), [{ id: 1 }])
    assert.deepEqual(counts(await merge(session, [{ id: 1 }])), [0, 0, 1])
  }),
]
