import { afterAll, beforeAll, describe, test } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import { conformanceCasesFor } from '../conformance.ts'
import type { Connection } from './connection.ts'
import { connectTo, destinationAt, postgresHarness } from './test-database.ts'

let server: PostgresServer
let connection: Connection
beforeAll(async () => {
  server = await postgresServer()
  connection = await connectTo(server.url)
}, 60_000)
afterAll(async () => {
  await connection.close()
  await server[Symbol.asyncDispose]()
}, 60_000)

describe('a PostgreSQL database keeps the promises of a destination', () => {
  for (const [index, { name, run }] of conformanceCasesFor(
    destinationAt('postgres://any', 'public').capabilities,
  ).entries())
    test(name, () => run(postgresHarness(server.url, `case ${index}`, connection)), 30_000)
})
