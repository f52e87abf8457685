import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import { merge, PIPELINE, TABLE, write } from '../conformance/harness.ts'
import { literal, storedName } from './names.ts'
import type { PostgresSession } from './session.ts'
import { connectTo, destinationAt, postgresHarness, runSql } from './test-database.ts'

let server: PostgresServer
let session: PostgresSession
let schema: string
let schemas = 0
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose](), 60_000)
beforeEach(async () => {
  schema = `layout_${++schemas}`
  session = await destinationAt(server.url, schema).open(PIPELINE)
  return () => session[Symbol.asyncDispose]()
})

/** Each index of the loaded tables: its table, and what it is made of. */
async function indexes(): Promise<unknown[]> {
  const rows = await session.query(
    `SELECT tablename || ' ' || substring(indexdef FROM 'USING .*') AS index, indexname FROM pg_indexes
     WHERE schemaname = ${literal(schema)} AND tablename NOT LIKE '\\_sluice\\_%' ORDER BY 1`,
  )
  return rows.map(({ index }) => index)
}

test('a table that is loaded by a key has an index of it; one that is not has none', async () => {
  await merge(session, [{ id: 1 }])
  await write(session, [{ id: 1 }], { table: 'log', stream: 'desk.log' })
  expect(await indexes()).toEqual(['tickets USING btree (id)'])
})

test('an index is made anew where the type of its key is widened, and where a load has another key', async () => {
  await merge(session, [{ id: 1, ref: 'a' }])
  await merge(session, [{ id: 'x', ref: 'b' }])
  expect(await indexes()).toEqual(['tickets USING hash (id)'])
  await merge(session, [{ id: 'y', ref: 'c' }], { key: ['ref', 'id'] })
  await merge(session, [{ id: 'z', ref: 'd' }])
  expect(await indexes()).toEqual([
    'tickets USING btree (hashtextextended(ref, (0)::bigint), hashtextextended(id, (0)::bigint))',
    'tickets USING hash (id)',
  ])
})

test('R6: a new table brings its index along, time and again', async () => {
  await merge(session, [{ id: 1 }])
  for (const id of [2, 3]) {
    await write(session, [{ id }], { begin: true, mode: 'merge', key: ['id'] })
    await write(session, [{ id: id + 10 }], { publish: true, mode: 'merge', key: ['id'] })
    await merge(session, [{ id }])
  }
  expect(await indexes()).toEqual(['tickets USING btree (id)'])
  expect(await session.query(`SELECT id FROM "${schema}".${TABLE} ORDER BY id`)).toEqual([
    { id: 3 },
    { id: 13 },
  ])
})

test('a key is looked up by the index, however large the table', async () => {
  await merge(
    session,
    Array.from({ length: 20_000 }, (_, id) => ({ id })),
  )
  await merge(session, [{ id: 5 }, { id: 50_000 }])
  // What the server counted is there once the session has ended.
  await session[Symbol.asyncDispose]()
  session = await destinationAt(server.url, schema).open(PIPELINE)
  const [scans] = await session.query(
    `SELECT seq_scan AS whole FROM pg_stat_user_tables WHERE schemaname = ${literal(schema)} AND relname = '${TABLE}'`,
  )
  // Making the index, when the table was empty.
  expect(scans!['whole']).toBeLessThanOrEqual(1)
})

test('long names that begin alike are those of different tables and columns, in every way of loading', async () => {
  const [left, right] = ['left', 'right'].map((end) => `${'customer_'.repeat(9)}${end}`) as [string, string]
  const record = { [left]: 1, [right]: 2 }
  for (const table of [left, right]) {
    const options = { table, stream: `desk.${table}`, key: [right] }
    await merge(session, [record, { ...record, [right]: 3 }], options)
    await write(session, [record], { ...options, begin: true, publish: true })
    await merge(
      session,
      [
        { ...record, [left]: 'widened' },
        { [right]: 4, more: true },
      ],
      options,
    )
  }
  const connection = await connectTo(server.url)
  const harness = postgresHarness(server.url, schema, connection)
  for (const table of [left, right]) {
    const rows = (await harness.rows(table)).map((row) => [row[left], row[right]])
    expect(rows).toHaveLength(2)
    expect(rows).toEqual(
      expect.arrayContaining([
        ['widened', 2],
        [null, 4],
      ]),
    )
  }
  await connection.close()
  expect(storedName(left)).not.toBe(storedName(right))
})

test("fields that are called like the system's columns have columns of their own, in every way of loading", async () => {
  const record = { ctid: 'a', xmin: 1, xmin_2: 2, tableoid: true }
  await merge(session, [record], { key: ['ctid'], version: 'xmin' })
  await merge(session, [{ ...record, xmin: 3 }], { key: ['ctid'], version: 'xmin' })
  await merge(
    session,
    [
      { ...record, xmin: 2 },
      { ctid: 'b', xmax: 5, xmin: 'widened' },
    ],
    { key: ['ctid'] },
  )
  expect(
    await session.query(
      `SELECT ctid_2, xmin_2, xmin_2_2, tableoid_2, xmax_2 FROM "${schema}".tickets ORDER BY ctid_2`,
    ),
  ).toEqual([
    { ctid_2: 'a', xmin_2: '2', xmin_2_2: 2, tableoid_2: true, xmax_2: null },
    { ctid_2: 'b', xmin_2: 'widened', xmin_2_2: null, tableoid_2: null, xmax_2: 5 },
  ])
})

test('what somebody else added to a table stays: a column, an index, a comment', async () => {
  await merge(session, [{ id: 1, name: 'a' }])
  await runSql(
    server.url,
    `ALTER TABLE "${schema}".tickets ADD note text DEFAULT 'ours'; CREATE INDEX mine ON "${schema}".tickets (name);
     COMMENT ON TABLE "${schema}".tickets IS 'told'`,
  )
  await merge(session, [{ id: 1, name: 5 }, { id: 'x' }])
  expect(await indexes()).toEqual(['tickets USING btree (name)', 'tickets USING hash (id)'])
  expect(await session.query(`SELECT note FROM "${schema}".tickets WHERE id = 'x'`)).toEqual([
    { note: 'ours' },
  ])
})
