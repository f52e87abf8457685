import assert from 'node:assert/strict'
import type { DestinationSession, LoadReceipt } from '../../ports/destination.ts'
import type { JsonRecord } from '../../ports/json.ts'
import {
  type ConformanceCase,
  type ConformanceHarness,
  dataRows,
  fourCounts,
  makeLoad,
  onSession,
  sideOf,
  TABLE,
  type WriteOptions,
} from './harness.ts'

const LINES = 'lines'

/** A record, and the items of its list; `undefined` for one that is gone. */
type Owner = readonly [record: JsonRecord, items: readonly string[] | undefined]

/** Puts records and the rows of their lists into one load, as the engine does. */
async function loadOf(session: DestinationSession, owners: readonly Owner[], options: WriteOptions = {}) {
  const key = options.key ?? ['id']
  const rows: JsonRecord[] = []
  const places: number[] = []
  const tombstones = new Set<number>()
  for (const [at, [record, items]] of owners.entries()) {
    if (items === undefined) tombstones.add(at)
    for (const item of items ?? []) {
      rows.push({
        ...Object.fromEntries(key.map((field) => [`owner_${field}`, record[field] ?? null])),
        item,
      })
      places.push(at)
    }
  }
  const owner = key.map((field) => `owner_${field}`)
  const lines = await sideOf(session, rows, {
    table: LINES,
    write: 'owned',
    owner,
    owners: places,
    begin: options.begin ?? false,
    staged: options.staged ?? options.publish ?? false,
  })
  const load = await makeLoad(
    session,
    owners.map(([record]) => record),
    { mode: 'merge', key, ...(tombstones.size > 0 && { tombstones }), ...options, sides: [lines] },
  )
  return load
}

async function load(
  session: DestinationSession,
  owners: readonly Owner[],
  options: WriteOptions = {},
): Promise<LoadReceipt> {
  return session.commit(await loadOf(session, owners, options))
}

async function items(harness: ConformanceHarness): Promise<string[]> {
  return (await dataRows(harness, LINES))
    .map(
      (row) =>
        `${Object.entries(row)
          .filter(([name]) => name !== 'item')
          .map(([, value]) => value)
          .join('/')}:${row['item']}`,
    )
    .sort()
}

/** Rows that belong to a record go with its version. */
export const ownedCases: readonly ConformanceCase[] = [
  onSession(
    'owned',
    "owned: a new version's rows take the place of all that its key had, also where it has none",
    async (session, harness) => {
      const first = await load(session, [
        [{ id: 1, n: 1 }, ['a', 'b']],
        [{ id: 2, n: 1 }, ['c']],
        [{ id: 3, n: 1 }, ['d']],
      ])
      assert.deepEqual(fourCounts(first.sides[LINES]), [4, 0, 0, 0])
      const second = await load(session, [
        [{ id: 1, n: 2 }, ['b', 'x']],
        [{ id: 2, n: 2 }, []],
      ])
      assert.deepEqual(fourCounts(second.sides[LINES]), [2, 0, 0, 3])
      assert.deepEqual(await items(harness), ['1:b', '1:x', '3:d'])
    },
  ),

  onSession(
    'owned',
    'owned: the rows are replaced where the record itself is what it was',
    async (session, harness) => {
      await load(session, [[{ id: 1 }, ['a', 'b']]])
      const again = await load(session, [[{ id: 1 }, ['b']]])
      assert.deepEqual(fourCounts(again), [0, 0, 1, 0])
      assert.deepEqual(await items(harness), ['1:b'])
    },
  ),

  onSession(
    'owned',
    'owned: of several versions in one load only the rows of the one that counts are stored',
    async (session, harness) => {
      await load(
        session,
        [
          [{ id: 1, v: 2, n: 'x' }, ['two']],
          [{ id: 1, v: 3, n: 'y' }, ['three', 'drei']],
          [{ id: 1, v: 1, n: 'z' }, ['one']],
          [{ id: 2, v: 1, n: 'x' }, ['tie']],
          [{ id: 2, v: 1, n: 'y' }, ['last tie']],
        ],
        { version: 'v' },
      )
      assert.deepEqual(await items(harness), ['1:drei', '1:three', '2:last tie'])
    },
  ),

  onSession(
    'owned',
    'owned: an older version leaves the rows of the newer one alone',
    async (session, harness) => {
      await load(session, [[{ id: 1, v: 5 }, ['new']]], { version: 'v' })
      const late = await load(session, [[{ id: 1, v: 4 }, ['old']]], { version: 'v' })
      assert.deepEqual(fourCounts(late.sides[LINES]), [0, 0, 1, 0])
      await load(session, [[{ id: 1, v: 4 }, undefined]], { version: 'v' })
      assert.deepEqual(await items(harness), ['1:new'])
    },
  ),

  onSession(
    'owned',
    'owned: a record that is gone takes its rows along, and one that was made anew has its own',
    async (session, harness) => {
      await load(session, [
        [{ id: 1 }, ['a']],
        [{ id: 2 }, ['b']],
        [{ id: 3 }, ['c']],
      ])
      const receipt = await load(session, [
        [{ id: 1 }, undefined],
        [{ id: 2 }, undefined],
        [{ id: 2 }, ['new']],
        [{ id: 3 }, ['lost']],
        [{ id: 3 }, undefined],
      ])
      assert.deepEqual(fourCounts(receipt.sides[LINES]), [1, 0, 1, 3])
      assert.deepEqual(await items(harness), ['2:new'])
    },
  ),

  onSession(
    'owned',
    'owned: where loads append, rows come with records that are inserted, and no others',
    async (session, harness) => {
      const append = { mode: 'append' } as const
      await load(
        session,
        [
          [{ id: 1 }, ['a']],
          [{ id: 1 }, ['again']],
        ],
        append,
      )
      await load(
        session,
        [
          [{ id: 1 }, ['late']],
          [{ id: 2 }, ['b']],
        ],
        append,
      )
      assert.deepEqual(await items(harness), ['1:a', '2:b'])
    },
  ),

  onSession('owned', 'owned: without a key every row is added', async (session, harness) => {
    const keyless = { mode: 'append', key: [] } as const
    await load(session, [[{ n: 1 }, ['a']]], keyless)
    await load(session, [[{ n: 1 }, ['a']]], keyless)
    assert.deepEqual(await items(harness), [':a', ':a'])
  }),

  onSession(
    'owned',
    'owned: a key of several fields is compared whole, and a key that was widened still finds its rows',
    async (session, harness) => {
      const options = { key: ['account', 'id'] }
      await load(
        session,
        [
          [{ account: 'x', id: 1 }, ['a']],
          [{ account: 'y', id: 1 }, ['b']],
        ],
        options,
      )
      await load(session, [[{ account: 'x', id: 1 }, ['c']]], options)
      assert.deepEqual(await items(harness), ['x/1:c', 'y/1:b'])

      const next = await loadOf(
        session,
        [
          [{ account: 'y', id: '1' }, ['d']],
          [{ account: 'y', id: 'n2' }, ['e']],
        ],
        options,
      )
      await session.commit(next)
      assert.deepEqual(await items(harness), ['x/1:c', 'y/1:d', 'y/n2:e'])
    },
  ),

  onSession(
    'C3',
    'C3: committing a load with owned rows again, and reading its records again, changes nothing',
    async (session, harness) => {
      const owners: readonly Owner[] = [
        [{ id: 1, n: 1 }, ['a', 'a']],
        [{ id: 2, n: 1 }, ['b']],
      ]
      const first = await loadOf(session, owners)
      await session.commit(first)
      assert.equal((await session.commit(first)).replayed, true)
      await load(session, owners)
      assert.deepEqual(await items(harness), ['1:a', '1:a', '2:b'])
    },
  ),

  onSession(
    'R6',
    'R6: in a replacement owned rows follow the records that are staged, and come with them',
    async (session, harness) => {
      await load(session, [[{ id: 1, n: 1 }, ['live']]])
      await load(
        session,
        [
          [{ id: 1, n: 1 }, ['staged']],
          [{ id: 2, n: 1 }, ['two']],
        ],
        { begin: true },
      )
      await load(
        session,
        [
          [{ id: 1, n: 2 }, ['newer']],
          [{ id: 2, n: 1 }, undefined],
        ],
        { staged: true },
      )
      assert.deepEqual(await items(harness), ['1:live'])
      await load(session, [], { publish: true })
      assert.deepEqual(await items(harness), ['1:newer'])
      assert.deepEqual(await dataRows(harness, TABLE), [{ id: 1, n: 2 }])
    },
  ),
]
