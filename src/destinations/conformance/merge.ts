import assert from 'node:assert/strict'
import {
  type ConformanceCase,
  columnById,
  counts,
  dataRows,
  makeLoad,
  merge,
  onSession,
  TABLE,
} from './harness.ts'

/** How loads merge: one row a key, the newest version. */
export const mergeCases: readonly ConformanceCase[] = [
  onSession(
    'merge',
    'merge: a record takes the place of the row of its key, others are added',
    async (session, harness) => {
      assert.deepEqual(
        counts(
          await merge(session, [
            { id: 1, note: 'a' },
            { id: 2, note: 'b' },
          ]),
        ),
        [2, 0, 0],
      )
      const load = await makeLoad(
        session,
        [
          { id: 2, note: 'B' },
          { id: 3, note: 'c' },
        ],
        { mode: 'merge', key: ['id'] },
      )
      assert.deepEqual(counts(await session.commit(load)), [1, 1, 0])
      assert.deepEqual(await columnById(harness, 'note'), { 1: 'a', 2: 'B', 3: 'c' })
      const loadIds = await columnById(
        {
          ...harness,
          rows: async (table) =>
            (await harness.rows(table)).map((row) => ({ ...row, load: row['_sluice_load_id']! })),
        },
        'load',
      )
      assert.equal(loadIds['2'], load.id)
      assert.equal(loadIds['3'], load.id)
      assert.notEqual(loadIds['1'], load.id)
    },
  ),

  onSession('merge', 'merge: a field that the new version lacks becomes null', async (session, harness) => {
    await merge(session, [{ id: 1, note: 'a', extra: 5 }])
    await merge(session, [{ id: 1, note: 'b' }])
    assert.deepEqual(await dataRows(harness), [{ id: 1, note: 'b', extra: null }])
  }),

  onSession(
    'merge',
    'merge: the newer version wins, whichever is read first, and an equal one that is read later does',
    async (session, harness) => {
      const options = { version: 'updated_at' }
      const at = (id: number, day: string, note: string) => ({
        id,
        updated_at: `2024-01-${day}T00:00:00Z`,
        note,
      })
      await merge(session, [at(1, '10', 'kept'), at(2, '10', 'old'), at(3, '10', 'same')], options)
      const receipt = await merge(
        session,
        [at(1, '09', 'late'), at(2, '11', 'new'), at(3, '10', 'again')],
        options,
      )
      assert.deepEqual(counts(receipt), [0, 2, 1])
      assert.deepEqual(await columnById(harness, 'note'), { 1: 'kept', 2: 'new', 3: 'again' })
    },
  ),

  onSession(
    'merge',
    'merge: versions are compared as instants and as numbers, not as spelled',
    async (session, harness) => {
      await merge(session, [{ id: 1, v: '2024-01-31T10:00:00Z', note: 'later' }], { version: 'v' })
      await merge(session, [{ id: 1, v: '2024-01-31T11:00:00+02:00', note: 'earlier' }], { version: 'v' })
      assert.deepEqual(await columnById(harness, 'note'), { 1: 'later' })
      const numbers = { table: 'numbers', stream: 'desk.numbers', version: 'v' }
      await merge(session, [{ id: 1, v: 9, note: 'nine' }], numbers)
      await merge(session, [{ id: 1, v: 10.5, note: 'ten and a half' }], numbers)
      await merge(session, [{ id: 1, v: 10, note: 'ten' }], numbers)
      assert.deepEqual(await columnById(harness, 'note', 'numbers'), { 1: 'ten and a half' })
      const long = { table: 'long', stream: 'desk.long', version: 'v' }
      await merge(session, [{ id: 1, v: 9_007_199_254_740_993n, note: 'greater' }], long)
      await merge(session, [{ id: 1, v: 9_007_199_254_740_992n, note: 'smaller by one' }], long)
      assert.deepEqual(await columnById(harness, 'note', 'long'), { 1: 'greater' })
    },
  ),

  onSession(
    'merge',
    'merge: a null version is older than any, and equal to another null',
    async (session, harness) => {
      const options = { version: 'v' }
      await merge(
        session,
        [
          { id: 1, v: 5, note: 'five' },
          { id: 2, v: null, note: 'null' },
          { id: 3, note: 'none' },
        ],
        options,
      )
      await merge(
        session,
        [
          { id: 1, v: null, note: 'null' },
          { id: 2, v: 1, note: 'one' },
          { id: 3, v: null, note: 'again' },
        ],
        options,
      )
      assert.deepEqual(await columnById(harness, 'note'), { 1: 'five', 2: 'one', 3: 'again' })
    },
  ),

  onSession(
    'merge',
    'merge: a version field that was only ever null has no column, and the record read last wins',
    async (session, harness) => {
      await merge(
        session,
        [
          { id: 1, v: null, note: 'a' },
          { id: 1, v: null, note: 'b' },
        ],
        { version: 'v' },
      )
      await merge(session, [{ id: 1, note: 'c' }], { version: 'v' })
      assert.deepEqual(await dataRows(harness), [{ id: 1, note: 'c' }])
    },
  ),

  onSession(
    'merge',
    "merge: of one key's records in a batch the newest is stored, and the others count as unchanged",
    async (session, harness) => {
      const options = { version: 'v' }
      const first = await merge(
        session,
        [
          { id: 1, v: 2, note: 'second' },
          { id: 1, v: 3, note: 'third' },
          { id: 1, v: 1, note: 'first' },
        ],
        options,
      )
      assert.deepEqual(counts(first), [1, 0, 2])
      const second = await merge(
        session,
        [
          { id: 1, v: 3, note: 'tie' },
          { id: 1, v: 3, note: 'last tie' },
          { id: 1, v: 2, note: 'old' },
        ],
        options,
      )
      assert.deepEqual(counts(second), [0, 1, 2])
      const unversioned = await merge(session, [
        { id: 2, note: 'x' },
        { id: 2, note: 'y' },
      ])
      assert.deepEqual(counts(unversioned), [1, 0, 1])
      assert.deepEqual(await columnById(harness, 'note'), { 1: 'last tie', 2: 'y' })
    },
  ),

  onSession(
    'merge',
    'merge: a record that equals its row is unchanged, and the row keeps its load id',
    async (session, harness) => {
      const record = { id: 1, at: '2024-01-31T10:00:00Z', n: 1.5, note: null, nested: { a: [1] }, flag: true }
      await merge(session, [record])
      const before = await harness.rows(TABLE)
      assert.deepEqual(
        counts(await merge(session, [{ ...record, at: '2024-01-31T12:00:00+02:00' }])),
        [0, 0, 1],
      )
      assert.deepEqual(await harness.rows(TABLE), before)
      assert.deepEqual(counts(await merge(session, [{ ...record, note: 'now' }])), [0, 1, 0])
      assert.deepEqual(counts(await merge(session, [record])), [0, 1, 0])
    },
  ),
]
