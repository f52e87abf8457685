import { afterAll, beforeAll, describe, test } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import { conformanceCasesFor } from '../conformance.ts'
import { destinationAt, postgresHarness } from './test-database.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose]())

describe('a PostgreSQL database keeps the promises of a destination', () => {
  for (const [index, { name, run }] of conformanceCasesFor(
    destinationAt('postgres://any', 'public').capabilities,
  ).entries())
    test(name, () => run(postgresHarness(server.url, `case ${index}`)), 30_000)
})
