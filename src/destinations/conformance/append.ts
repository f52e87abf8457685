import assert from 'node:assert/strict'
import { type ConformanceCase, columnById, counts, dataRows, needing, onSession, write } from './harness.ts'

/** How loads append. */
export const appendCases: readonly ConformanceCase[] = [
  onSession('append', 'append: without a key every record is added', async (session, harness) => {
    assert.deepEqual(counts(await write(session, [{ n: 1 }, { n: 1 }])), [2, 0, 0])
    assert.deepEqual(counts(await write(session, [{ n: 1 }])), [1, 0, 0])
    assert.equal((await dataRows(harness)).length, 3)
  }),

  ...needing('merge', [
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
  ]),
]
