import assert from 'node:assert/strict'
import {
  AT,
  assertRejects,
  type ConformanceCase,
  dataRows,
  fourCounts,
  makeLoad,
  merge,
  onSession,
  reconcile,
  sideOf,
  TABLE,
  withSession,
  write,
} from './harness.ts'

const KEYS = 'desk.ticket_ids'
const ids = (rows: readonly { readonly [name: string]: unknown }[]) =>
  rows.map((row) => String(row['id'])).sort()

/** A list of all keys that there are: what it does not name is gone. */
export const reconcileCases: readonly ConformanceCase[] = [
  onSession(
    'reconcile',
    'reconcile: rows that no staged key names are removed when all keys are there, and none before',
    async (session, harness) => {
      await merge(session, [
        { id: 1, n: 'a' },
        { id: 2, n: 'b' },
        { id: 3, n: 'c' },
      ])
      const live = await session.readSchema(TABLE)
      await reconcile(session, [{ id: 1 }, { id: 1 }], { begin: true })
      assert.deepEqual(ids(await dataRows(harness)), ['1', '2', '3'])
      const receipt = await reconcile(session, [{ id: 3 }, { id: 99 }], { publish: true })
      assert.deepEqual(fourCounts(receipt), [0, 0, 2, 1])
      assert.deepEqual(ids(await dataRows(harness)), ['1', '3'])
      assert.deepEqual(await session.readSchema(TABLE), live)
      assert.equal(await session.readSchema(TABLE, { staged: 'keys' }), null)
    },
  ),

  onSession(
    'reconcile',
    'reconcile: one load may hold all keys, and a table that is not there is not made',
    async (session, harness) => {
      await reconcile(session, [{ id: 1 }], { begin: true, publish: true })
      assert.equal(await session.readSchema(TABLE), null)
      await merge(session, [{ id: 1 }, { id: 2 }])
      await reconcile(session, [{ id: 2 }], { begin: true, publish: true })
      assert.deepEqual(ids(await dataRows(harness)), ['2'])
    },
  ),

  onSession(
    'R6',
    'R6: an empty list of keys empties no table, unless it is allowed to',
    async (session, harness) => {
      await merge(session, [{ id: 1 }, { id: 2 }])
      const error = await assertRejects(
        reconcile(session, [], { begin: true, publish: true }),
        'REPLACE_EMPTY',
      )
      assert.match(error.message, /tickets holds 2/)
      assert.deepEqual(ids(await dataRows(harness)), ['1', '2'])
      const receipt = await reconcile(session, [], { begin: true, publish: true, allowEmpty: true })
      assert.deepEqual(fourCounts(receipt), [0, 0, 0, 2])
      assert.deepEqual(await dataRows(harness), [])
      await reconcile(session, [], { begin: true, publish: true })
    },
  ),

  onSession(
    'R6',
    'R6: a list of keys removes no more of a table than its limit, rounded up to whole rows; beyond it nothing at all',
    async (session, harness) => {
      await merge(
        session,
        Array.from({ length: 12 }, (_, id) => ({ id })),
      )
      const list = (count: number, maxRemovedPercent: number, allowEmpty = false) =>
        reconcile(
          session,
          Array.from({ length: count }, (_, id) => ({ id })),
          { begin: true, publish: true, maxRemovedPercent, allowEmpty },
        )
      const error = await assertRejects(list(9, 10), 'REMOVAL_LIMIT')
      assert.match(error.message, /does not name 3 of the 12 rows of tickets, .* 25% .* allows 10%/)
      assert.equal((await dataRows(harness)).length, 12)
      assert.deepEqual(fourCounts(await list(10, 10)), [0, 0, 10, 2])
      assert.deepEqual(fourCounts(await list(9, 0.1)), [0, 0, 9, 1])
      assert.deepEqual(fourCounts(await list(2, 100)), [0, 0, 2, 7])
      await assertRejects(list(0, 100), 'REPLACE_EMPTY')
      assert.deepEqual(fourCounts(await list(0, 1, true)), [0, 0, 0, 2])
    },
  ),

  onSession(
    'reconcile',
    'reconcile: what was loaded after the first key was staged stays, since the list may have been read past it',
    async (session, harness) => {
      await merge(session, [{ id: 1 }, { id: 2 }], { at: AT })
      await reconcile(session, [{ id: 1 }], { begin: true, at: AT + 1000 })
      await merge(session, [{ id: 3 }], { at: AT + 2000 })
      await reconcile(session, [], { publish: true, at: AT + 3000 })
      assert.deepEqual(ids(await dataRows(harness)), ['1', '3'])
      await reconcile(session, [{ id: 1 }], { begin: true, publish: true, at: AT + 4000 })
      assert.deepEqual(ids(await dataRows(harness)), ['1'])
    },
  ),

  ...[-3_600_000, -1, 0, 1, 3_600_000].map((ahead) =>
    onSession(
      'reconcile',
      `reconcile: what was loaded since the first key stays, what came before goes, by a clock that is ${ahead} ms off`,
      async (session, harness) => {
        await merge(session, [{ id: 1 }, { id: 2 }, { id: 3 }], { at: AT + ahead })
        await reconcile(session, [{ id: 1 }], { begin: true, at: AT })
        await merge(session, [{ id: 4 }], { at: AT + ahead })
        await reconcile(session, [{ id: 3 }], { publish: true, at: AT })
        assert.deepEqual(ids(await dataRows(harness)), ['1', '3', '4'])
      },
    ),
  ),

  onSession(
    'reconcile',
    'reconcile: what another pipeline has loaded since the first key stays, too',
    async (session, harness, destination) => {
      await merge(session, [{ id: 1 }, { id: 2 }])
      await reconcile(session, [{ id: 1 }], { begin: true })
      // A destination may let one pipeline in at a time.
      await session[Symbol.asyncDispose]()
      await withSession(destination, (other) => merge(other, [{ id: 3 }]), 'other')
      await withSession(destination, (again) => reconcile(again, [], { publish: true }))
      assert.deepEqual(ids(await dataRows(harness)), ['1', '3'])
    },
  ),

  onSession(
    'reconcile',
    'reconcile: keys are compared as values, whatever was widened in between',
    async (session, harness) => {
      await merge(session, [{ id: 1 }, { id: 2 }])
      await reconcile(session, [{ id: 'n7' }, { id: '2' }], { begin: true, publish: true })
      assert.deepEqual(ids(await dataRows(harness)), ['2'])
      await merge(session, [{ id: 3 }])
      await reconcile(session, [{ id: 2 }], { begin: true })
      await merge(session, [{ id: 'n8' }])
      await reconcile(session, [], { publish: true })
      assert.deepEqual(ids(await dataRows(harness)), ['2', 'n8'])
    },
  ),

  onSession('reconcile', 'reconcile: a key of several fields is compared whole', async (session, harness) => {
    const key = ['account', 'id']
    await merge(
      session,
      [
        { account: 'x', id: 1 },
        { account: 'y', id: 1 },
        { account: 'y', id: 2 },
      ],
      { key },
    )
    await reconcile(
      session,
      [
        { account: 'y', id: 1 },
        { account: 'x', id: 2 },
      ],
      { key, begin: true, publish: true },
    )
    assert.deepEqual(await dataRows(harness), [{ account: 'y', id: 1 }])
  }),

  onSession(
    'reconcile',
    'reconcile: the rows that belong to a removed one go along',
    async (session, harness) => {
      const owner = { table: 'lines', write: 'owned', owner: ['ticket'] } as const
      const rows = [
        { ticket: 1, item: 'a' },
        { ticket: 2, item: 'b' },
      ]
      await merge(session, [{ id: 1 }, { id: 2 }], {
        sides: [await sideOf(session, rows, { ...owner, owners: [0, 1] })],
      })
      const sides = [await sideOf(session, [], { ...owner, owners: [] })]
      await reconcile(session, [{ id: 2 }], { begin: true, sides })
      const receipt = await reconcile(session, [], { publish: true, sides })
      assert.deepEqual(fourCounts(receipt.sides['lines']), [0, 0, 0, 1])
      assert.deepEqual(await dataRows(harness, 'lines'), [{ ticket: 2, item: 'b' }])
    },
  ),

  onSession(
    'reconcile',
    'reconcile: a replacement of the same table may be staged at the same time, and each can be dropped without the other',
    async (session, harness) => {
      await merge(session, [{ id: 1 }, { id: 2 }])
      await write(session, [{ id: 10 }, { id: 12 }], { begin: true })
      await reconcile(session, [{ id: 2 }], { begin: true })
      await session.abandonReplacement(KEYS, TABLE, { write: 'reconcile' })
      assert.equal(await session.readSchema(TABLE, { staged: 'keys' }), null)
      await session.resetStream('desk.deleted', TABLE, { write: 'delete' })
      await reconcile(session, [{ id: 2 }, { id: 10 }], { begin: true })
      await write(session, [{ id: 11 }], { publish: true })
      assert.deepEqual(ids(await dataRows(harness)), ['10', '11', '12'])
      await reconcile(session, [], { publish: true })
      assert.deepEqual(ids(await dataRows(harness)), ['10', '11'])
    },
  ),

  {
    name: 'C3: a reconciliation that a process left is gone on with by the next, and publishing it again removes nothing more',
    promise: 'C3',
    async run(harness) {
      await withSession(await harness.open(), async (session) => {
        await merge(session, [{ id: 1 }, { id: 2 }, { id: 3 }])
        await reconcile(session, [{ id: 1 }], { begin: true })
      })
      await withSession(await harness.reopen(), async (session) => {
        const staged = await session.readCheckpoints(KEYS)
        assert.deepEqual(
          staged.map((checkpoint) => checkpoint.staged),
          [true],
        )
        const last = await makeLoad(session, [{ id: 2 }], {
          mode: 'reconcile',
          key: ['id'],
          stream: KEYS,
          publish: true,
        })
        const first = await session.commit(last)
        assert.deepEqual(ids(await dataRows(harness)), ['1', '2'])
        await merge(session, [{ id: 4 }])
        assert.deepEqual(await session.commit(last), { ...first, replayed: true })
        assert.deepEqual(ids(await dataRows(harness)), ['1', '2', '4'])
        const [live] = await session.readCheckpoints(KEYS)
        assert.equal(live?.staged, false)
      })
    },
  },
]
