import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { LongDecimal } from '../../ports/json.ts'
import { sideOf, type WriteOptions, withSession, write } from '../conformance/harness.ts'
import { filesAt, liveRows, queryDuckdb, temporaryFolder } from './test-files.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder.remove())

const rows = async (format: 'jsonl' | 'csv' | 'parquet', table = 'tickets') =>
  (await liveRows(filesAt(folder.path, { format }), table))
    .map(({ _sluice_load_id: _load, ...row }) => row)
    .sort((a, b) => Number(a['id']) - Number(b['id']))

type Tickets = [records: { id: number }[], lines: { ticket: number; n: string }[], owners: number[]]

/** Records, one of which comes twice, their lines, and which record each line belongs to. */
const TICKETS: Tickets = [
  [{ id: 1 }, { id: 2 }, { id: 2 }],
  [
    { ticket: 1, n: 'a' },
    { ticket: 1, n: 'b' },
    { ticket: 2, n: 'c' },
    { ticket: 2, n: 'd' },
  ],
  [0, 0, 1, 2],
]
/** One of them again, and another one. */
const LATER_TICKETS: Tickets = [
  [{ id: 1 }, { id: 3 }],
  [
    { ticket: 1, n: 'x' },
    { ticket: 3, n: 'e' },
  ],
  [0, 1],
]

describe.each(['jsonl', 'csv', 'parquet'] as const)('the statement for %s', (format) => {
  const at = () => filesAt(folder.path, { format })

  test('shows of each key the record that came first, in one load and in several', async () => {
    await withSession(at(), async (session) => {
      const keyed = { key: ['id'] }
      await write(
        session,
        [
          { id: 1, n: 'a' },
          { id: 1, n: 'b' },
          { id: 2, n: 'c' },
        ],
        keyed,
      )
      await write(
        session,
        [
          { id: 2, n: 'd' },
          { id: 3, n: 'e' },
          { id: 3, n: 'f' },
        ],
        keyed,
      )
    })
    expect(await rows(format)).toEqual([
      { id: 1, n: 'a' },
      { id: 2, n: 'c' },
      { id: 3, n: 'e' },
    ])
  })

  test('shows of each key of a replacement the newest version, of equal ones the one that came last', async () => {
    await withSession(at(), async (session) => {
      const merged = { mode: 'merge', key: ['id'], version: 'v' } as const
      await write(
        session,
        [
          { id: 1, v: 5, n: 'a' },
          { id: 2, v: 1, n: 'b' },
        ],
        { ...merged, begin: true },
      )
      await write(
        session,
        [
          { id: 1, v: 4, n: 'c' },
          { id: 2, v: 1, n: 'd' },
          { id: 2, v: null, n: 'e' },
        ],
        {
          ...merged,
          publish: true,
        },
      )
    })
    expect(await rows(format)).toEqual([
      { id: 1, v: 5, n: 'a' },
      { id: 2, v: 1, n: 'd' },
    ])
  })

  test('shows the rows that belong to the records that it shows, and no others', async () => {
    await withSession(at(), async (session) => {
      const load = async (
        records: { id: number }[],
        lines: { ticket: number; n: string }[],
        owners: number[],
      ) =>
        write(session, records, {
          key: ['id'],
          sides: [
            {
              ...(await sideOf(session, lines, { table: 'lines', write: 'owned', owner: ['ticket'] })),
              owners,
            },
          ],
        })
      await load(...TICKETS)
      await load(...LATER_TICKETS)
    })
    const lines = await liveRows(at(), 'lines')
    expect(lines.map(({ n }) => n).sort()).toEqual(['a', 'b', 'c', 'e'])
  })

  test('shows the rows of records that were loaded before a key was named, each with the first record of its key', async () => {
    const load = async (
      options: WriteOptions,
      records: { id: number }[],
      lines: { ticket: number; n: string }[],
      owners: number[],
    ) =>
      withSession(at(), async (session) => {
        const side = await sideOf(session, lines, { table: 'lines', write: 'owned', owner: ['ticket'] })
        await write(session, records, { ...options, sides: [{ ...side, owners }] })
      })
    await load({}, ...TICKETS)
    expect((await liveRows(at(), 'lines')).map(({ n }) => n).sort()).toEqual(['a', 'b', 'c', 'd'])
    await load({ key: ['id'] }, ...LATER_TICKETS)
    expect((await rows(format)).map(({ id }) => id)).toEqual([1, 2, 3])
    expect((await liveRows(at(), 'lines')).map(({ n }) => n).sort()).toEqual(['a', 'b', 'c', 'e'])
    // Once the key is gone again every row counts.
    await load({}, [{ id: 4 }], [{ ticket: 4, n: 'f' }], [0])
    expect(
      (await liveRows(at(), 'lines'))
        .map(({ n }) => n)
        .sort()
        .join(''),
    ).toBe('abcdefx')
  })

  test('shows every row of files that do not say which record it belongs to', async () => {
    const load = async (options: WriteOptions, id: number, owners: { owners?: number[] }) =>
      withSession(at(), async (session) => {
        const side = await sideOf(session, [{ n: id }, { n: id + 1 }], { table: 'lines', write: 'owned' })
        await write(session, [{ id }], { ...options, sides: [{ ...side, ...owners }] })
      })
    await load({}, 10, {})
    await load({ key: ['id'] }, 20, { owners: [0, 0] })
    expect((await liveRows(at(), 'lines')).map(({ n }) => n).sort()).toEqual([10, 11, 20, 21])
  })

  test('reads a line of many megabytes', async () => {
    const text = 'long, "quoted"\n'.repeat(300_000)
    await withSession(at(), (session) =>
      write(session, [
        { id: 1, text },
        { id: 2, text: 'short' },
      ]),
    )
    const found = await rows(format)
    expect(found.map((row) => String(row['text']).length)).toEqual([text.length, 5])
  })

  test('is one statement that a view can be made of, and aggregated over', async () => {
    await withSession(at(), (session) =>
      write(session, [
        { id: 1, price: new LongDecimal('0.12345678901234567891') },
        { id: 2, price: 2 },
      ]),
    )
    const [listed] = await at().list('conformance')
    expect(await queryDuckdb(`SELECT sum(price) AS total, count(*) AS n FROM (${listed!.sql})`)).toEqual([
      { total: '2.12345678901234567891', n: 2 },
    ])
  })
})

test.each(['jsonl', 'csv', 'parquet'] as const)(
  'a folder whose name is a pattern, or says that a column has a value, is read as it is (%s)',
  async (format) => {
    const path = join(folder.path, "id=7/[a-z]* what?'s")
    await withSession(filesAt(path, { format }), (session) => write(session, [{ id: 1 }, { id: 2 }]))
    expect((await liveRows(filesAt(path), 'tickets')).map(({ id }) => id)).toEqual([1, 2])
  },
)

test('files of several formats are read as one table', async () => {
  for (const [index, options] of [
    { format: 'jsonl' },
    { format: 'jsonl', compression: 'none' },
    { format: 'csv' },
    { format: 'csv', compression: 'none' },
    { format: 'parquet' },
  ].entries())
    await withSession(filesAt(folder.path, options as object), (session) =>
      write(session, [{ id: index, v: index === 4 ? { wide: true } : index }], { key: ['id'] }),
    )
  expect(await rows('parquet')).toEqual(
    [0, 1, 2, 3].map((id) => ({ id, v: String(id) })).concat([{ id: 4, v: '{"wide":true}' }]),
  )
})

test('a table whose rows were all taken out again reads as empty, with its columns', async () => {
  await withSession(filesAt(folder.path), async (session) => {
    const { loadId } = await write(session, [{ id: 1, at: '2024-01-31T00:00:00Z' }])
    await session.revert!(loadId, { at: 1 })
  })
  const [listed] = await filesAt(folder.path).list('conformance')
  expect(listed).toMatchObject({ rows: 0, files: [] })
  expect(
    await queryDuckdb(`SELECT count(*) AS n, typeof(any_value("at")) AS t FROM (${listed!.sql})`),
  ).toMatchObject([{ n: 0 }])
})
