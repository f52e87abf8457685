import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import { merge, PIPELINE, TABLE } from '../conformance/harness.ts'
import type { PostgresSession } from './session.ts'
import { destinationAt, runSql } from './test-database.ts'

let server: PostgresServer
let session: PostgresSession
let schema: string
let schemas = 0
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose](), 60_000)
beforeEach(async () => {
  schema = `new_rows_${++schemas}`
  session = await destinationAt(server.url, schema).open(PIPELINE)
  return () => session[Symbol.asyncDispose]()
})

/** More than are needed for another look at a load. */
const ROWS = 600

const numbered = (first: number, state: string) =>
  Array.from({ length: ROWS }, (_, at) => ({ id: first + at, state }))

async function count(where = 'true') {
  const [row] = await session.query(
    `SELECT count(*)::int AS rows, count(DISTINCT id)::int AS ids FROM "${schema}".${TABLE} WHERE ${where}`,
  )
  return row
}

test('a row that somebody inserted between two loads of rising keys is merged, not doubled', async () => {
  await merge(session, numbered(1, 'open'))
  expect(await merge(session, numbered(601, 'open'))).toMatchObject({ inserted: ROWS, updated: 0 })
  await runSql(server.url, `INSERT INTO "${schema}".${TABLE} (id, state) VALUES (1500, 'theirs')`)
  expect(await merge(session, numbered(1201, 'open'))).toMatchObject({ inserted: ROWS - 1, updated: 1 })
  expect(await count()).toEqual({ rows: 3 * ROWS, ids: 3 * ROWS })
  expect(await count(`state = 'theirs'`)).toEqual({ rows: 0, ids: 0 })
})

test('keys that lie between those of the table, and are not among them, are inserted', async () => {
  const even = numbered(0, 'open').map(({ id, state }) => ({ id: id * 2, state }))
  const odd = even.map(({ id, state }) => ({ id: id + 1, state }))
  await merge(session, even)
  expect(await merge(session, odd)).toMatchObject({ inserted: ROWS, updated: 0 })
  expect(await count()).toEqual({ rows: 2 * ROWS, ids: 2 * ROWS })
})

test('a load that falls, one that comes again, and one with a key twice leave each key once', async () => {
  await merge(session, numbered(1000, 'open').reverse())
  await merge(session, numbered(1, 'open').reverse())
  expect(await merge(session, numbered(1, 'closed'))).toMatchObject({ inserted: 0, updated: ROWS })
  const twice = [...numbered(5000, 'open'), { id: 5000, state: 'closed' }]
  expect(await merge(session, twice)).toMatchObject({ inserted: ROWS, updated: 0 })
  expect(await count()).toEqual({ rows: 3 * ROWS, ids: 3 * ROWS })
  expect(await count(`state = 'closed'`)).toEqual({ rows: ROWS + 1, ids: ROWS + 1 })
})
