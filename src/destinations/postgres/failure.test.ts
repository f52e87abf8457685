import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import { SecretMissingError } from '../../options/secret.ts'
import type { JsonRecord } from '../../ports/json.ts'
import { merge, withSession, write } from '../conformance/harness.ts'
import { DestinationError, DestinationSchemaError } from '../errors.ts'
import { postgresDestination } from './postgres.ts'
import { destinationAt, runSql } from './test-database.ts'

let server: PostgresServer
let schemas = 0
beforeAll(async () => {
  server = await postgresServer()
  await runSql(
    server.url,
    `CREATE ROLE reader LOGIN PASSWORD 'reader'; CREATE ROLE single LOGIN PASSWORD 'single' CONNECTION LIMIT 1;
     GRANT CREATE ON DATABASE postgres TO single`,
  )
  await runSql(server.url, `CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`)
}, 60_000)
afterAll(() => server[Symbol.asyncDispose](), 60_000)

const newSchema = () => `failure_${++schemas}`

function urlWith(change: (url: URL) => void): string {
  const url = new URL(server.url)
  change(url)
  return url.href
}

/** What opening it is refused with. */
async function refusal(url: string, schema = newSchema()): Promise<Error> {
  try {
    const session = await destinationAt(url, schema).open('p')
    await session[Symbol.asyncDispose]()
  } catch (error) {
    return error as Error
  }
  throw new Error('it was opened')
}

/** What a commit is refused with, once a table is there and `spoil` was run. */
async function commitRefusal(
  spoil: (schema: string) => string,
  records: readonly JsonRecord[] = [{ id: 2 }],
): Promise<Error> {
  const schema = newSchema()
  const destination = destinationAt(server.url, schema)
  await withSession(destination, (session) => merge(session, [{ id: 1 }]))
  await runSql(server.url, spoil(schema))
  const error: unknown = await withSession(destination, (session) => merge(session, records)).catch(
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(Error)
  return error as Error
}

/** Lets the server refuse the load's record, as the last thing of a commit, with an SQLSTATE. */
const raising = (state: string, message: string) => (schema: string) =>
  `CREATE FUNCTION "${schema}".refuse() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION '${message}' USING ERRCODE = '${state}'; END $$;
   CREATE TRIGGER refuse BEFORE INSERT ON "${schema}"._sluice_loads FOR EACH ROW EXECUTE FUNCTION "${schema}".refuse()`

test('a wrong password is told of, and not shown (S1)', async () => {
  const error = await refusal(urlWith((url) => Object.assign(url, { password: 'open-sesame' })))
  expect(error).toBeInstanceOf(DestinationError)
  expect(error.message).toMatch(/127\.0\.0\.1:\d+\/postgres: the server refused the password\. Correct it/)
  expect(error.message).not.toContain('open-sesame')
})

test('an address without a password, where the server wants one', async () => {
  const error = await refusal(urlWith((url) => Object.assign(url, { password: '' })))
  expect(error.message).toMatch(/the server asks for a password, and url has none\. Add it/)
})

test('what is no address is refused without being quoted (S1)', async () => {
  for (const url of ['postgre://someone:open-sesame@host/db', 'postgres://someone:open-sesame%@host/db'])
    expect((await refusal(url)).message).not.toContain('open-sesame')
  const error = await refusal('postgres://someone:open-sesame%@host/db')
  expect(error.message).toMatch(
    /destination\.url: it is no address of a PostgreSQL database\. Write postgres:\/\//,
  )
})

test('a variable that is not set is named, and the description says nothing of it', async () => {
  const { env } = await import('../../options/secret.ts')
  const destination = postgresDestination({ url: env('WAREHOUSE') }, () => undefined)
  expect(destination.description).toBe('postgres')
  await expect(destination.open('p')).rejects.toThrow(SecretMissingError)
  await expect(destination.open('p')).rejects.toThrow(/WAREHOUSE is not set/)
})

test('the description names the host and the database alone (S1)', () => {
  const url = 'postgres://loader:open-sesame@db.example.com/warehouse?sslmode=require'
  expect(destinationAt(url, 'public').description).toBe('postgres db.example.com:5432/warehouse')
})

test('a database that is not there', async () => {
  const error = await refusal(urlWith((url) => Object.assign(url, { pathname: '/nowhere' })))
  expect(error.message).toMatch(/there is no such database\. Create it, or correct url.*3D000/)
})

test('a server that does not run', async () => {
  const error = await refusal('postgres://postgres@127.0.0.1:1/postgres')
  expect(error).toBeInstanceOf(DestinationError)
  expect(error.message).toMatch(
    /the server can’t be reached\. See whether it runs, and whether url names its host and port/,
  )
})

test('an authority for certificates that is not named, or not there', async () => {
  const missing = await refusal(`${server.url}?sslmode=verify-full&sslrootcert=/nowhere/root.pem`)
  expect(missing.message).toMatch(
    /a file that url names, such as that of sslrootcert, can’t be read\. Correct its path/,
  )
  const unnamed = await refusal(`${server.url}?sslmode=verify-ca`)
  expect(unnamed.message).toMatch(
    /sslmode=verify-ca takes the file of an authority\. Name it with sslrootcert in url/,
  )
})

test('a server that speaks no TLS', async () => {
  const error = await refusal(`${server.url}?sslmode=require`)
  expect(error.message).toMatch(/the server speaks no TLS, and url asks for it\. Set sslmode=disable/)
})

test('a server whose certificate nobody vouches for', async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }])
  // As far as a server of PostgreSQL's goes in answer to `sslmode`: yes, and TLS.
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write('S')
      new TLSSocket(socket, { isServer: true, key, cert }).on('error', () => {})
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const error = await refusal(`postgres://loader:open-sesame@127.0.0.1:${port}/warehouse?sslmode=verify-full`)
  server.close()
  expect(error).toBeInstanceOf(DestinationError)
  expect(error.message).toMatch(
    /the server’s certificate is not trusted\. Name its authority with sslrootcert in url/,
  )
})

test('a server that has no connection left', async () => {
  const url = urlWith((one) => Object.assign(one, { username: 'single', password: 'single' }))
  const session = await destinationAt(url, newSchema()).open('p')
  const error = await refusal(url)
  await session[Symbol.asyncDispose]()
  expect(error.message).toMatch(
    /the server has no connection left\. Raise max_connections or close others.*53300/,
  )
})

test('a user that may make nothing', async () => {
  const error = await refusal(
    urlWith((url) => Object.assign(url, { username: 'reader', password: 'reader' })),
  )
  expect(error.message).toMatch(/the user lacks a right\. Grant it: CREATE on the schema.*42501/)
})

test('a database that takes no writes', async () => {
  const error = await refusal(
    urlWith((url) => url.searchParams.set('options', '-c default_transaction_read_only=on')),
  )
  expect(error.message).toMatch(
    /takes no writes: it is a standby, or default_transaction_read_only is on\. Name the primary/,
  )
})

test('a database whose encoding can not hold every text', async () => {
  const error = await refusal(urlWith((url) => Object.assign(url, { pathname: '/latin' })))
  expect(error.message).toMatch(
    /the database's encoding is LATIN1, which can't hold every text\. Create one with ENCODING 'UTF8'/,
  )
})

test('a full disk fails the commit, nothing is lost, and the load goes in once there is room', async () => {
  const schema = newSchema()
  const destination = destinationAt(server.url, schema)
  await using session = await destination.open('p')
  await write(session, [{ id: 1 }])
  await runSql(
    server.url,
    raising('53100', 'could not extend file "base/5/16384": No space left on device')(schema),
  )
  const error: unknown = await write(session, [{ id: 2 }]).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DestinationError)
  expect((error as Error).message).toMatch(
    /the server’s disk is full\. Nothing of this commit was written; make room there, then run again.*53100/,
  )
  await runSql(server.url, `DROP TRIGGER refuse ON "${schema}"._sluice_loads`)
  expect(await session.query(`SELECT id FROM "${schema}".tickets`)).toEqual([{ id: 1 }])
  expect((await write(session, [{ id: 2 }])).inserted).toBe(1)
  expect(await session.query(`SELECT count(*) FROM "${schema}"._sluice_loads`)).toEqual([{ count: 2 }])
})

test('two sessions that wait for each other: the one that the server ends says so', async () => {
  const error = await commitRefusal(raising('40P01', 'deadlock detected'))
  expect(error.message).toMatch(
    /it and another session waited for each other\. Nothing of it was written; run again/,
  )
})

test('a lock that somebody else holds fails the commit after lockTimeout, and its holder is named', async () => {
  const schema = newSchema()
  const destination = destinationAt(server.url, schema, { lockTimeout: '200ms' })
  await using session = await destination.open('p')
  await merge(session, [{ id: 1 }])
  const { default: pg } = await import('pg')
  const other = new pg.Client({ connectionString: server.url, application_name: 'report' })
  await other.connect()
  await other.query(`BEGIN; LOCK TABLE "${schema}".tickets`)
  const error: unknown = await merge(session, [{ id: 2 }]).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DestinationError)
  expect((error as Error).message).toMatch(
    /a lock that somebody else holds was not free within lockTimeout\. Locks there are held by the server’s process \d+ \(report, user postgres, idle in transaction\)\. Nothing of this commit was written/,
  )
  await other.end()
  expect((await merge(session, [{ id: 2 }])).inserted).toBe(1)
})

test('a statement that takes longer than statementTimeout', async () => {
  const destination = destinationAt(server.url, newSchema(), { statementTimeout: '50ms' })
  await expect(destination.query('SELECT pg_sleep(10)')).rejects.toThrow(
    /the server cancelled a statement: it took longer than statementTimeout.*57014/,
  )
})

test('a table that someone else made is neither written nor replaced', async () => {
  const schema = newSchema()
  await using session = await destinationAt(server.url, schema).open('p')
  await runSql(server.url, `CREATE TABLE "${schema}".tickets (id bigint)`)
  for (const options of [{}, { begin: true, publish: true }])
    await expect(write(session, [{ id: 1 }], options)).rejects.toThrow(DestinationSchemaError)
  await expect(write(session, [{ id: 1 }])).rejects.toThrow(
    /Sluice did not make it\. Give the stream another table/,
  )
})

test('a column that someone dropped or changed is named, and nothing is written', async () => {
  const schema = newSchema()
  await using session = await destinationAt(server.url, schema).open('p')
  await write(session, [{ id: 1, name: 'a' }])
  await runSql(server.url, `ALTER TABLE "${schema}".tickets ALTER name TYPE bytea USING name::bytea`)
  await expect(session.readSchema('tickets')).rejects.toThrow(/its column name has become bytea, it was text/)
  await runSql(server.url, `ALTER TABLE "${schema}".tickets DROP name`)
  await expect(session.readSchema('tickets')).rejects.toThrow(/table tickets: its column name is gone/)
})

test('a table that someone made a partitioned one of is refused', async () => {
  const schema = newSchema()
  await using session = await destinationAt(server.url, schema).open('p')
  await write(session, [{ id: 1 }])
  await runSql(
    server.url,
    `DROP TABLE "${schema}".tickets;
     CREATE TABLE "${schema}".tickets (id bigint, _sluice_load_id text) PARTITION BY LIST (id)`,
  )
  await expect(write(session, [{ id: 2 }])).rejects.toThrow(/table tickets: it is no plain table any more/)
})

test('R6: a replacement takes the place of a table that someone changed', async () => {
  const schema = newSchema()
  await using session = await destinationAt(server.url, schema).open('p')
  await write(session, [{ id: 1, name: 'a' }])
  await runSql(server.url, `ALTER TABLE "${schema}".tickets DROP name`)
  await write(session, [{ id: 1, name: 'a' }], { begin: true, publish: true })
  expect(await session.query(`SELECT id, name FROM "${schema}".tickets`)).toEqual([{ id: 1, name: 'a' }])
})

test('a column of load ids that lost its default gets it back, and rows say by which load they came', async () => {
  const schema = newSchema()
  await using session = await destinationAt(server.url, schema).open('p')
  await write(session, [{ id: 1 }])
  await runSql(server.url, `ALTER TABLE "${schema}".tickets ALTER _sluice_load_id DROP DEFAULT`)
  const { loadId } = await write(session, [{ id: 2 }])
  expect(await session.query(`SELECT _sluice_load_id AS load FROM "${schema}".tickets WHERE id = 2`)).toEqual(
    [{ load: loadId }],
  )
})

test('a table that someone dropped is made anew', async () => {
  const schema = newSchema()
  await using session = await destinationAt(server.url, schema).open('p')
  await merge(session, [{ id: 1 }])
  await runSql(server.url, `DROP TABLE "${schema}".tickets`)
  expect(await session.readSchema('tickets')).toBeNull()
  expect((await merge(session, [{ id: 3 }])).inserted).toBe(1)
})

test('more columns than PostgreSQL has', async () => {
  const record = Object.fromEntries(Array.from({ length: 1700 }, (_, at) => [`c${at}`, at]))
  const error: unknown = await withSession(destinationAt(server.url, newSchema()), (session) =>
    write(session, [record]),
  ).catch((reason: unknown) => reason)
  expect((error as Error).message).toMatch(/more columns than the 1,600 that PostgreSQL allows/)
})

test('a view of the table stands in the way of widening and of replacing it, and both say so', async () => {
  const schema = newSchema()
  await using session = await destinationAt(server.url, schema).open('p')
  await write(session, [{ id: 1, name: 5 }])
  await runSql(server.url, `CREATE VIEW "${schema}".names AS SELECT name FROM "${schema}".tickets`)
  await expect(write(session, [{ id: 2, name: 'x' }])).rejects.toThrow(
    /since a view shows a column that is to be widened\. Drop the view, then run again.*0A000/,
  )
  await expect(write(session, [{ id: 2 }], { begin: true, publish: true })).rejects.toThrow(
    /something depends on the table, such as a view, and stands in the way of replacing it.*2BP01/,
  )
  await runSql(server.url, `DROP VIEW "${schema}".names`)
  expect((await write(session, [{ id: 2, name: 'x' }])).inserted).toBe(1)
})

test('keys of any length find their rows, alone and beside others', async () => {
  await using session = await destinationAt(server.url, newSchema()).open('p')
  const long = Array.from({ length: 9000 }, (_, at) => ((at * 7919) % 65_521).toString(36)).join('')
  for (const key of [['id'], ['id', 'part']]) {
    const options = { key, table: `by_${key.length}`, stream: `desk.by_${key.length}` }
    await merge(session, [{ id: long, part: long, n: 1 }], options)
    expect(await merge(session, [{ id: long, part: long, n: 2 }], options)).toMatchObject({ updated: 1 })
  }
})

test('reading a schema that is not there finds nothing and makes none', async () => {
  const schema = newSchema()
  const destination = destinationAt(server.url, schema)
  await using session = await destination.open('p', { readOnly: true })
  expect(await session.readCheckpoints()).toEqual([])
  expect(await session.readSchema('items')).toBeNull()
  await expect(session.resetStream('items', 'items')).rejects.toThrow(/opened read-only/)
  expect(await destination.query(`SELECT count(*) FROM pg_namespace WHERE nspname = '${schema}'`)).toEqual([
    { count: 0 },
  ])
})

test('a query that PostgreSQL refuses says why, also one that would write', async () => {
  const destination = destinationAt(server.url, newSchema())
  await expect(destination.query('CREATE TABLE x (id int)')).rejects.toThrow(/takes no writes/)
  await expect(destination.query('SELECT * FROM nowhere')).rejects.toThrow(/"nowhere" does not exist/)
})

test('a value that a statement failed on is not in the message', async () => {
  await expect(destinationAt(server.url, newSchema()).query(`SELECT 'top secret'::bigint`)).rejects.toThrow(
    /invalid input syntax for type bigint\)$/,
  )
})
