import assert from 'node:assert/strict'
import { byId, type ConformanceCase, columnById, counts, dataRows, merge, onSession } from './harness.ts'

/** Which keys are equal: the column decides. */
export const keyCases: readonly ConformanceCase[] = [
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

  onSession(
    'merge',
    'merge: a load by another key of the same table finds its rows, and so does one by the first key again',
    async (session, harness) => {
      await merge(session, [
        { id: 1, ref: 100 },
        { id: 2, ref: 200 },
      ])
      const byRef = { key: ['ref'], stream: 'desk.refs' }
      assert.deepEqual(counts(await merge(session, [{ id: 7, ref: 100 }], byRef)), [0, 1, 0])
      assert.deepEqual(counts(await merge(session, [{ id: 7, ref: 300 }])), [0, 1, 0])
      assert.deepEqual(counts(await merge(session, [{ id: 9, ref: 50 }], byRef)), [1, 0, 0])
      assert.deepEqual(counts(await merge(session, [{ id: 9, ref: 60 }])), [0, 1, 0])
      assert.deepEqual(byId(await dataRows(harness)), [
        { id: 2, ref: 200 },
        { id: 7, ref: 300 },
        { id: 9, ref: 60 },
      ])
    },
  ),
]
