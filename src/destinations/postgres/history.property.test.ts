import fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import { keepsHistoryLikeAMap } from '../history-model.arbitrary.ts'
import { destinationAt } from './test-database.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose](), 60_000)

test('whatever is told of records, in whatever order, batches and repetition, their history is that of a plain model', async () => {
  const session = await destinationAt(server.url, 'history').open('property')
  const rowsOf = (table: string) => session.query(`SELECT * FROM history.${table}`)
  await fc.assert(keepsHistoryLikeAMap(session, 'h', rowsOf), { numRuns: 2 })
  await session[Symbol.asyncDispose]()
}, 60_000)
