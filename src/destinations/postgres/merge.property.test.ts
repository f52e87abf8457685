import fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import { type Item, item, mergesLikeAMap } from '../merge-model.arbitrary.ts'
import { destinationAt } from './test-database.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose](), 60_000)

// Some with more rows than one buffer of text holds.
const many = fc
  .array(item, { minLength: 3000, maxLength: 5000 })
  .map((items) => items.map((value, at): Item => ({ ...value, id: value.id === 0 ? 0 : at % 1000 })))
// A list in the order of its ids, as it is read for the first time.
const rising = fc
  .tuple(fc.constantFrom(0, 600, 10_000), fc.array(item, { minLength: 600, maxLength: 900 }))
  .map(([from, items]) => items.map((value, at): Item => ({ ...value, id: from + at })))
const batches = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: fc.array(item, { maxLength: 30 }) },
    { weight: 1, arbitrary: many },
    { weight: 8, arbitrary: rising },
  ),
  {
    minLength: 1,
    maxLength: 4,
  },
)

// PEERS: dlt merge is idempotent
test('whatever the batches, the table and the receipts are those of a plain map', async () => {
  const session = await destinationAt(server.url, 'merge').open('property')
  const rowsOf = (table: string) => session.query(`SELECT * FROM merge.${table} ORDER BY id`)
  await fc.assert(mergesLikeAMap(session, batches, rowsOf), { numRuns: 40 })
  await session[Symbol.asyncDispose]()
}, 60_000)
