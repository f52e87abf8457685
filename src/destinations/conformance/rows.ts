import assert from 'node:assert/strict'
import type { LoadReceipt } from '../../ports/destination.ts'
import {
  byId,
  type ConformanceCase,
  columnById,
  dataRows,
  makeLoad,
  merge,
  onSession,
  TABLE,
  write,
} from './harness.ts'

/** A receipt's counts: inserted, updated, unchanged. */
const counts = (receipt: LoadReceipt) => [receipt.inserted, receipt.updated, receipt.unchanged]

/** How loads merge, and how they append. */
export const rowCases: readonly ConformanceCase[] = [
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

  onSession(
    'merge',
    'merge: a key of several fields is equal where each of them is',
    async (session, harness) => {
      const options = { key: ['a', 'b'] }
      await merge(
        session,
        [
          { id: 1, a: 'x', b: 'yz' },
          { id: 2, a: 'xy', b: 'z' },
        ],
        options,
      )
      await merge(
        session,
        [
          { id: 3, a: 'x', b: 'yz' },
          { id: 4, a: 'xy', b: 'Z' },
        ],
        options,
      )
      assert.deepEqual(byId(await dataRows(harness)), [
        { id: 2, a: 'xy', b: 'z' },
        { id: 3, a: 'x', b: 'yz' },
        { id: 4, a: 'xy', b: 'Z' },
      ])
    },
  ),

  onSession(
    'merge',
    'merge: keys are told apart by case, accents and white space',
    async (session, harness) => {
      const keys = ['a', 'A', 'á', 'a\u0301', ' a', 'a ', '']
      await merge(
        session,
        keys.map((id) => ({ id })),
      )
      await merge(
        session,
        keys.map((id) => ({ id })),
      )
      assert.deepEqual((await dataRows(harness)).map((row) => row['id']).sort(), [...keys].sort())
    },
  ),

  onSession(
    'merge',
    'merge: a key that widens to text between loads still finds its rows: 1 and "1" are one key then',
    async (session, harness) => {
      await merge(session, [
        { id: 1, note: 'number' },
        { id: 2, note: 'kept' },
      ])
      const receipt = await merge(session, [
        { id: '1', note: 'text' },
        { id: 'x', note: 'new' },
      ])
      assert.deepEqual(counts(receipt), [1, 1, 0])
      assert.deepEqual(counts(await merge(session, [{ id: 2, note: 'number again' }])), [0, 1, 0])
      assert.deepEqual(await columnById(harness, 'note'), { 1: 'text', 2: 'number again', x: 'new' })
    },
  ),

  onSession(
    'merge',
    'merge: a key that widens from integer to bigint and double still finds its rows',
    async (session, harness) => {
      await merge(session, [{ id: 1, note: 'a' }])
      assert.deepEqual(
        counts(
          await merge(session, [
            { id: 9_007_199_254_740_993n, note: 'b' },
            { id: 1, note: 'c' },
          ]),
        ),
        [1, 1, 0],
      )
      assert.deepEqual(await columnById(harness, 'note'), { 1: 'c', '9007199254740993': 'b' })
      const doubles = { table: 'doubles', stream: 'desk.doubles' }
      await merge(session, [{ id: 1, note: 'a' }], doubles)
      assert.deepEqual(
        counts(
          await merge(
            session,
            [
              { id: 1.5, note: 'b' },
              { id: 1, note: 'c' },
            ],
            doubles,
          ),
        ),
        [1, 1, 0],
      )
      assert.deepEqual(
        counts(
          await merge(
            session,
            [
              { id: 'x', note: 'd' },
              { id: 1, note: 'e' },
            ],
            doubles,
          ),
        ),
        [1, 1, 0],
      )
      assert.deepEqual(await columnById(harness, 'note', 'doubles'), { 1: 'e', 1.5: 'b', x: 'd' })
    },
  ),

  onSession('merge', 'merge: keys of dates, times and booleans find their rows', async (session, harness) => {
    for (const [id, other] of [
      ['2024-01-31', '2024-02-01'],
      ['2024-01-31T10:00:00.5Z', '2024-01-31T10:00:00.6Z'],
      [true, false],
    ] as const) {
      const table = `by_${typeof id}_${String(id).length}`
      await merge(
        session,
        [
          { id, n: 1 },
          { id: other, n: 2 },
        ],
        { table, stream: table },
      )
      assert.deepEqual(counts(await merge(session, [{ id, n: 3 }], { table, stream: table })), [0, 1, 0])
      assert.deepEqual((await dataRows(harness, table)).map((row) => row['n']).sort(), [2, 3])
    }
  }),

  onSession('append', 'append: without a key every record is added', async (session, harness) => {
    assert.deepEqual(counts(await write(session, [{ n: 1 }, { n: 1 }])), [2, 0, 0])
    assert.deepEqual(counts(await write(session, [{ n: 1 }])), [1, 0, 0])
    assert.equal((await dataRows(harness)).length, 3)
  }),

  onSession(
    'append',
    'append: with a key a record that is known is left out, in the table and in the batch',
    async (session, harness) => {
      const keyed = { key: ['id'] }
      assert.deepEqual(
        counts(
          await write(
            session,
            [
              { id: 1, n: 'a' },
              { id: 1, n: 'b' },
              { id: 2, n: 'c' },
            ],
            keyed,
          ),
        ),
        [2, 0, 1],
      )
      assert.deepEqual(
        counts(
          await write(
            session,
            [
              { id: 2, n: 'd' },
              { id: 3, n: 'e' },
              { id: 3, n: 'f' },
            ],
            keyed,
          ),
        ),
        [1, 0, 2],
      )
      assert.deepEqual(await columnById(harness, 'n'), { 1: 'a', 2: 'c', 3: 'e' })
    },
  ),

  onSession(
    'append',
    'append: a key of several fields that widens still finds its rows',
    async (session, harness) => {
      const keyed = { key: ['day', 'id'] }
      await write(session, [{ day: '2024-01-31', id: 1 }], keyed)
      assert.deepEqual(
        counts(
          await write(
            session,
            [
              { day: '2024-01-31', id: '1' },
              { day: '2024-01-31', id: 'x' },
            ],
            keyed,
          ),
        ),
        [1, 0, 1],
      )
      assert.equal((await dataRows(harness)).length, 2)
    },
  ),
]
