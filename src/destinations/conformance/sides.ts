import assert from 'node:assert/strict'
import type { DestinationSession } from '../../ports/destination.ts'
import type { JsonRecord } from '../../ports/json.ts'
import {
  add,
  assertRejects,
  byId,
  type ConformanceCase,
  columnTypes,
  dataRows,
  fourCounts,
  makeLoad,
  merge,
  needing,
  nextCheckpoint,
  onSession,
  STREAM,
  sideOf,
  TABLE,
  withSession,
  write,
} from './harness.ts'

const USERS = 'users'
const LOG = 'log'

const users = (session: DestinationSession, records: readonly JsonRecord[], staging = {}) =>
  sideOf(session, records, { table: USERS, write: 'merge', key: ['id'], ...staging })
const log = (session: DestinationSession, records: readonly JsonRecord[], key: readonly string[] = []) =>
  sideOf(session, records, { table: LOG, write: 'append', key })

/** What a load brings beside its own table. */
export const sideCases: readonly ConformanceCase[] = [
  onSession(
    'C1',
    'C1: rows of side tables are committed with the load, counted apart, and carry its id',
    async (session, harness, destination) => {
      const sides = [
        await users(session, [{ id: 7, name: 'Ada' }]),
        await log(session, [{ line: 'a' }, { line: 'a' }]),
      ]
      const load = await makeLoad(session, [{ id: 1 }], {
        ...(destination.capabilities.merge && { mode: 'merge', key: ['id'] }),
        sides,
      })
      const receipt = await session.commit(load)
      assert.deepEqual(fourCounts(receipt), [1, 0, 0, 0])
      assert.deepEqual(fourCounts(receipt.sides[USERS]), [1, 0, 0, 0])
      assert.deepEqual(fourCounts(receipt.sides[LOG]), [2, 0, 0, 0])
      assert.deepEqual(await harness.rows(USERS), [{ id: 7, name: 'Ada', _sluice_load_id: load.id }])
      assert.deepEqual(await dataRows(harness, LOG), [{ line: 'a' }, { line: 'a' }])
    },
  ),

  onSession(
    'C2',
    'C2: a load that is refused leaves its side tables alone, too',
    async (session, harness, destination) => {
      await add(destination, session, [{ id: 1 }], {
        sides: [await users(session, [{ id: 7, name: 'Ada' }])],
      })
      const stale = { ...(await nextCheckpoint(session)), fromVersion: 0 }
      const sides = [await users(session, [{ id: 7, name: 'changed', more: 1 }])]
      await assertRejects(
        add(destination, session, [{ id: 2 }], { sides, checkpoints: [stale] }),
        'CHECKPOINT_CONFLICT',
      )
      assert.deepEqual(await dataRows(harness, USERS), [{ id: 7, name: 'Ada' }])
      assert.deepEqual(await columnTypes(session, USERS), { id: 'integer', name: 'text' })
    },
  ),

  onSession(
    'C3',
    'C3: committing a load with side tables again changes nothing, and tells what it did',
    async (session, harness) => {
      const sides = [await users(session, [{ id: 7 }]), await log(session, [{ line: 'a' }])]
      const load = await makeLoad(session, [{ id: 1 }], { sides })
      const first = await session.commit(load)
      assert.deepEqual(await session.commit(load), { ...first, replayed: true })
      assert.deepEqual(await dataRows(harness, LOG), [{ line: 'a' }])
      assert.deepEqual(await dataRows(harness, USERS), [{ id: 7 }])
    },
  ),

  ...needing('merge', [
    onSession(
      'sides',
      'sides: a merged side table holds one row a key, an appended one with a key the first',
      async (session, harness) => {
        const load = async (name: string, note: string) =>
          merge(session, [{ id: 1, name }], {
            sides: [
              await users(session, [
                { id: 7, name: 'first' },
                { id: 7, name },
              ]),
              await log(
                session,
                [
                  { id: 1, note },
                  { id: 1, note: 'again' },
                ],
                ['id'],
              ),
            ],
          })
        const first = await load('Ada', 'a')
        assert.deepEqual(fourCounts(first.sides[USERS]), [1, 0, 1, 0])
        assert.deepEqual(fourCounts(first.sides[LOG]), [1, 0, 1, 0])
        const second = await load('Lovelace', 'b')
        assert.deepEqual(fourCounts(second.sides[USERS]), [0, 1, 1, 0])
        assert.deepEqual(fourCounts(second.sides[LOG]), [0, 0, 2, 0])
        assert.deepEqual(await dataRows(harness, USERS), [{ id: 7, name: 'Lovelace' }])
        assert.deepEqual(await dataRows(harness, LOG), [{ id: 1, note: 'a' }])
      },
    ),
  ]),

  onSession(
    'sides',
    "sides: a side table's columns are added and widened as its rows ask for it, whatever the stream's own table has",
    async (session, harness, destination) => {
      await add(destination, session, [{ id: 1 }], { sides: [await users(session, [{ id: 7, score: 1 }])] })
      await add(destination, session, [{ id: 1 }], {
        sides: [await users(session, [{ id: 8, score: 'high', note: 'x' }])],
      })
      assert.deepEqual(byId(await dataRows(harness, USERS)), [
        { id: 7, score: '1', note: null },
        { id: 8, score: 'high', note: 'x' },
      ])
    },
  ),

  onSession(
    'R6',
    'R6: side tables are staged and swapped in with the replacement, an empty one too',
    async (session, harness) => {
      await write(session, [{ id: 1 }], {
        sides: [await users(session, [{ id: 7 }]), await log(session, [{ line: 'old' }])],
      })
      const begin = { begin: true }
      await write(session, [{ id: 10 }], {
        begin: true,
        sides: [
          await users(session, [{ id: 70 }], begin),
          await sideOf(session, [], { table: LOG, write: 'append', begin: true }),
        ],
      })
      assert.deepEqual(await dataRows(harness, USERS), [{ id: 7 }])
      assert.deepEqual(await columnTypes(session, LOG), { line: 'text' })
      const staged = { staged: true }
      await write(session, [{ id: 11 }], {
        publish: true,
        sides: [
          await users(session, [{ id: 71 }], staged),
          await sideOf(session, [], { table: LOG, write: 'append', staged: true }),
        ],
      })
      assert.deepEqual(byId(await dataRows(harness, USERS)), [{ id: 70 }, { id: 71 }])
      assert.deepEqual(await dataRows(harness, LOG), [])
      assert.equal(await session.readSchema(USERS, { staged: true }), null)
    },
  ),

  onSession(
    'R6',
    'R6: an empty replacement is refused whatever its side tables hold, and begin drops what was staged of them',
    async (session, harness) => {
      await write(session, [{ id: 1 }], { sides: [await users(session, [{ id: 7 }])] })
      await write(session, [], { begin: true, sides: [await users(session, [{ id: 70 }], { begin: true })] })
      await assertRejects(
        write(session, [], { publish: true, sides: [await users(session, [{ id: 71 }], { staged: true })] }),
        'REPLACE_EMPTY',
      )
      assert.deepEqual(await dataRows(harness, USERS), [{ id: 7 }])
      await write(session, [{ id: 2 }], {
        begin: true,
        publish: true,
        sides: [await users(session, [{ id: 80 }], { begin: true })],
      })
      assert.deepEqual(await dataRows(harness, USERS), [{ id: 80 }])
    },
  ),

  {
    name: 'R6: abandoning a replacement, or resetting its stream, drops what it staged of its side tables',
    promise: 'R6',
    async run(harness) {
      await withSession(await harness.open(), async (session) => {
        const stage = async () =>
          write(session, [{ id: 10 }], {
            begin: true,
            sides: [await users(session, [{ id: 70 }], { begin: true })],
          })
        const tables = { write: 'replace', sides: [{ table: USERS }] } as const
        await stage()
        await session.abandonReplacement(STREAM, TABLE, tables)
        assert.equal(await session.readSchema(USERS, { staged: true }), null)
        await stage()
        await session.resetStream(STREAM, TABLE, tables)
        assert.equal(await session.readSchema(USERS, { staged: true }), null)
        assert.equal(await session.readSchema(TABLE, { staged: true }), null)
      })
    },
  },
]
