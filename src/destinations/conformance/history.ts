import assert from 'node:assert/strict'
import type { DestinationSession, LoadReceipt } from '../../ports/destination.ts'
import type { JsonRecord, Value } from '../../ports/json.ts'
import {
  assertRejects,
  type ConformanceCase,
  type ConformanceHarness,
  counts,
  makeLoad,
  merge,
  onSession,
  TABLE,
  type WriteOptions,
  write,
} from './harness.ts'

function onHistory(
  name: string,
  run: (session: DestinationSession, harness: ConformanceHarness) => Promise<void>,
): ConformanceCase {
  return { ...onSession('history', `history: ${name}`, run), needs: ['history'] }
}

function keep(
  session: DestinationSession,
  records: readonly JsonRecord[],
  options: WriteOptions = {},
): Promise<LoadReceipt> {
  return write(session, records, { mode: 'history', key: ['id'], ...options })
}

const versioned = { version: 'at' }
const columns = [
  { field: 'id', name: 'id', type: { kind: 'integer' } },
  { field: 's', name: 's', type: { kind: 'text' } },
  { field: 'at', name: 'at', type: { kind: 'timestamp' } },
] as const
/** Of a load's records the first one is a tombstone. */
const gone = { ...versioned, schema: { columns }, tombstones: new Set([0]) }
const day = (of: number) => `2024-01-0${of}T00:00:00Z`

/** Every version of a record is kept, with its validity. */
export const historyCases: readonly ConformanceCase[] = [
  onHistory('a version holds from its time until the next one begins', async (session, harness) => {
    assert.deepEqual(counts(await keep(session, [{ id: 1, s: 'new', at: day(1) }], versioned)), [1, 0, 0])
    assert.deepEqual(
      counts(
        await keep(
          session,
          [
            { id: 1, s: 'open', at: day(3) },
            { id: 2, s: 'new', at: day(3) },
          ],
          versioned,
        ),
      ),
      [2, 0, 0],
    )
    assert.deepEqual(await line(harness), [
      [1, 'new', day(1), day(3)],
      [1, 'open', day(3), null],
      [2, 'new', day(3), null],
    ])
  }),

  onHistory(
    'several versions of a record in one load are all kept, in whatever order they come',
    async (session, harness) => {
      await keep(
        session,
        [
          { id: 1, s: 'c', at: day(3) },
          { id: 1, s: 'a', at: day(1) },
          { id: 1, s: 'b', at: day(2) },
        ],
        versioned,
      )
      assert.deepEqual(await line(harness), [
        [1, 'a', day(1), day(2)],
        [1, 'b', day(2), day(3)],
        [1, 'c', day(3), null],
      ])
    },
  ),

  onHistory('a version that comes late takes its place between the others', async (session, harness) => {
    await keep(session, [{ id: 1, s: 'a', at: day(1) }], versioned)
    await keep(session, [{ id: 1, s: 'c', at: day(5) }], versioned)
    assert.deepEqual(counts(await keep(session, [{ id: 1, s: 'b', at: day(3) }], versioned)), [1, 0, 0])
    await keep(session, [{ id: 1, s: '0', at: '2023-12-31T00:00:00Z' }], versioned)
    assert.deepEqual(await line(harness), [
      [1, '0', '2023-12-31T00:00:00Z', day(1)],
      [1, 'a', day(1), day(3)],
      [1, 'b', day(3), day(5)],
      [1, 'c', day(5), null],
    ])
  }),

  onHistory('the same versions read again change nothing', async (session, harness) => {
    const records = [
      { id: 1, s: 'a', at: day(1) },
      { id: 1, s: 'b', at: day(2) },
      { id: 2, s: 'a', at: day(1) },
    ]
    await keep(session, records, versioned)
    const before = await harness.rows(TABLE)
    assert.deepEqual(counts(await keep(session, [...records, ...records], versioned)), [0, 0, 6])
    assert.deepEqual(sorted(await harness.rows(TABLE)), sorted(before))
  }),

  onHistory('a load that is committed again changes nothing (C3)', async (session, harness) => {
    const load = await makeLoad(session, [{ id: 1, s: 'a' }], { mode: 'history', key: ['id'] })
    await session.commit(load)
    const before = await harness.rows(TABLE)
    assert.equal((await session.commit(load)).replayed, true)
    assert.deepEqual(await harness.rows(TABLE), before)
  }),

  onHistory('another content of the very time of a version takes its place', async (session, harness) => {
    await keep(session, [{ id: 1, s: 'a', at: day(1) }], versioned)
    await keep(session, [{ id: 1, s: 'b', at: day(2) }], versioned)
    assert.deepEqual(counts(await keep(session, [{ id: 1, s: 'A', at: day(1) }], versioned)), [0, 1, 0])
    assert.deepEqual(
      counts(
        await keep(
          session,
          [
            { id: 1, s: 'x', at: day(2) },
            { id: 1, s: 'B', at: day(2) },
          ],
          versioned,
        ),
      ),
      [0, 1, 1],
    )
    assert.deepEqual(await line(harness), [
      [1, 'A', day(1), day(2)],
      [1, 'B', day(2), null],
    ])
  }),

  onHistory(
    'without a version a record that changed holds from the time of its load',
    async (session, harness) => {
      await keep(
        session,
        [
          { id: 1, s: 'a' },
          { id: 2, s: 'x' },
        ],
        { at: Date.parse(day(1)) },
      )
      const second = await keep(
        session,
        [
          { id: 1, s: 'b' },
          { id: 2, s: 'x' },
        ],
        { at: Date.parse(day(2)) },
      )
      assert.deepEqual(counts(second), [1, 0, 1])
      assert.deepEqual(await line(harness), [
        [1, 'a', day(1), day(2)],
        [1, 'b', day(2), null],
        [2, 'x', day(1), null],
      ])
    },
  ),

  onHistory('a value that comes back is a version of its own', async (session, harness) => {
    for (const [at, s] of ['a', 'b', 'a'].entries())
      await keep(session, [{ id: 1, s }], { at: Date.parse(day(at + 1)) })
    assert.deepEqual(
      (await line(harness)).map(([, s]) => s),
      ['a', 'b', 'a'],
    )
  }),

  onHistory(
    'a clock that went back orders no version before those that are known',
    async (session, harness) => {
      await keep(session, [{ id: 1, s: 'a' }], { at: Date.parse(day(2)) })
      await keep(session, [{ id: 1, s: 'b' }], { at: Date.parse(day(1)) })
      await keep(session, [{ id: 1, s: 'c' }], { at: Date.parse(day(1)) })
      assert.deepEqual(await line(harness), [
        [1, 'a', day(2), '2024-01-02T00:00:00.001Z'],
        [1, 'b', '2024-01-02T00:00:00.001Z', '2024-01-02T00:00:00.002Z'],
        [1, 'c', '2024-01-02T00:00:00.002Z', null],
      ])
    },
  ),

  onHistory('by a version that is a number an older record is left out', async (session, harness) => {
    const numbered = (at: number) => ({ version: 'n', at: Date.parse(day(at)) })
    await keep(session, [{ id: 1, n: 5, s: 'e' }], numbered(1))
    assert.deepEqual(counts(await keep(session, [{ id: 1, n: 4, s: 'd' }], numbered(2))), [0, 0, 1])
    const third = await keep(
      session,
      [
        { id: 1, n: 7, s: 'g' },
        { id: 1, n: 6, s: 'f' },
      ],
      numbered(3),
    )
    assert.deepEqual(counts(third), [1, 0, 1])
    assert.deepEqual(await line(harness), [
      [1, 'e', day(1), day(3)],
      [1, 'g', day(3), null],
    ])
  }),

  onHistory(
    'a tombstone ends the present version; a record that comes back begins another',
    async (session, harness) => {
      await keep(session, [{ id: 1, s: 'a', at: day(1) }], versioned)
      assert.deepEqual(counts(await keep(session, [{ id: 1, at: day(3) }], gone)), [0, 1, 0])
      assert.deepEqual(await line(harness), [[1, 'a', day(1), day(3)]])
      // Told again, and of a record that never was.
      assert.deepEqual(counts(await keep(session, [{ id: 1, at: day(4) }], gone)), [0, 0, 1])
      assert.deepEqual(counts(await keep(session, [{ id: 9, at: day(4) }], gone)), [0, 0, 1])
      await keep(session, [{ id: 1, s: 'a', at: day(6) }], versioned)
      // One that holds before the end, and comes after it.
      await keep(session, [{ id: 1, s: 'late', at: day(2) }], versioned)
      assert.deepEqual(await line(harness), [
        [1, 'a', day(1), day(2)],
        [1, 'late', day(2), day(3)],
        [1, 'a', day(6), null],
      ])
    },
  ),

  onHistory(
    'a tombstone that comes before its record ends it, however late it comes',
    async (session, harness) => {
      assert.deepEqual(counts(await keep(session, [{ id: 1, at: day(3) }], gone)), [0, 0, 1])
      assert.deepEqual(counts(await keep(session, [{ id: 1, at: day(3) }], gone)), [0, 0, 1])
      assert.deepEqual(await line(harness), [])
      assert.deepEqual(counts(await keep(session, [{ id: 1, s: 'a', at: day(1) }], versioned)), [1, 0, 0])
      assert.deepEqual(await line(harness), [[1, 'a', day(1), day(3)]])
      await keep(session, [{ id: 1, s: 'b', at: day(2) }], versioned)
      await keep(session, [{ id: 1, s: 'c', at: day(4) }], versioned)
      assert.deepEqual(await line(harness), [
        [1, 'a', day(1), day(2)],
        [1, 'b', day(2), day(3)],
        [1, 'c', day(4), null],
      ])
    },
  ),

  onHistory(
    'an end that another one comes before still ends what begins between them',
    async (session, harness) => {
      await keep(session, [{ id: 1, s: 'a', at: day(1) }], versioned)
      await keep(session, [{ id: 1, at: day(5) }], gone)
      assert.deepEqual(counts(await keep(session, [{ id: 1, at: day(3) }], gone)), [0, 1, 0])
      await keep(session, [{ id: 1, s: 'b', at: day(4) }], versioned)
      assert.deepEqual(await line(harness), [
        [1, 'a', day(1), day(3)],
        [1, 'b', day(4), day(5)],
      ])
    },
  ),

  onHistory(
    'of a record and a tombstone of one time the tombstone counts, in whatever order and however often they come',
    async (session, harness) => {
      const live = { id: 1, s: 'a', at: day(1) }
      const ended = { id: 1, at: day(1) }
      await keep(session, [live], versioned)
      assert.deepEqual(counts(await keep(session, [ended], gone)), [0, 1, 0])
      assert.deepEqual(counts(await keep(session, [live], versioned)), [0, 0, 1])
      assert.deepEqual(counts(await keep(session, [ended, live], gone)), [0, 0, 2])
      assert.deepEqual(await line(harness), [])
      await keep(
        session,
        [
          { ...ended, id: 2 },
          { ...live, id: 2 },
        ],
        gone,
      )
      assert.deepEqual(await line(harness), [])
    },
  ),

  onHistory('columns are added and widened in the middle of it', async (session, harness) => {
    await keep(session, [{ id: 1, n: 1 }], { at: Date.parse(day(1)) })
    await keep(session, [{ id: 1, n: 1.5, added: 'x' }], { at: Date.parse(day(2)) })
    const rows = sorted(await harness.rows(TABLE))
    assert.deepEqual(
      rows.map((row) => [Number(row['n']), row['added'], row['_sluice_valid_to']]),
      [
        [1, null, day(2)],
        [1.5, 'x', null],
      ],
    )
  }),

  onHistory(
    'a table that keeps no history is refused, and one that does takes no other load',
    async (session, harness) => {
      await merge(session, [{ id: 1 }])
      const plain = await assertRejects(keep(session, [{ id: 2 }]), 'DESTINATION_SCHEMA')
      assert.match(plain.message, /its rows have no validity/)
      assert.equal((await harness.rows(TABLE)).length, 1)
      const other = { table: 'versions', stream: 'desk.versions' }
      await keep(session, [{ id: 1 }], other)
      const mixed = await assertRejects(merge(session, [{ id: 2 }], other), 'DESTINATION_SCHEMA')
      assert.match(mixed.message, /it keeps the history of its records/)
      assert.equal((await harness.rows('versions')).length, 1)
    },
  ),

  {
    ...onSession(
      'history',
      'history: rows that are read back are the present versions, rows that are counted all of them',
      async (session) => {
        await keep(session, [{ id: 1, s: 'a', at: day(1) }], versioned)
        await keep(
          session,
          [
            { id: 1, s: 'b', at: day(2) },
            { id: 2, s: 'x', at: day(1) },
          ],
          versioned,
        )
        const found: unknown[] = []
        for await (const rows of session.readRows!(TABLE, ['id', 's'])) found.push(...rows)
        assert.deepEqual(found.map((row) => JSON.stringify(row)).sort(), [
          '{"id":1,"s":"b"}',
          '{"id":2,"s":"x"}',
        ])
        if (session.countRows !== undefined) assert.equal(await session.countRows(TABLE), 3)
      },
    ),
    needs: ['history', 'readBack'],
  },
]

/** Each version's id, content, beginning and end, in order. A row whose validity is empty is no version. */
async function line(harness: ConformanceHarness): Promise<Value[][]> {
  const versions = (await harness.rows(TABLE)).filter(
    (row) => row['_sluice_valid_from'] !== row['_sluice_valid_to'],
  )
  return sorted(versions).map((row) => [
    Number(row['id']),
    row['s'] ?? null,
    row['_sluice_valid_from'] ?? null,
    row['_sluice_valid_to'] ?? null,
  ])
}

function sorted(rows: readonly JsonRecord[]): JsonRecord[] {
  const start = (row: JsonRecord) => Date.parse(String(row['_sluice_valid_from']))
  return [...rows].sort((a, b) => Number(a['id']) - Number(b['id']) || start(a) - start(b))
}
