import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import { makeLoad, merge, PIPELINE, STREAM, write } from '../conformance/harness.ts'
import { DestinationError } from '../errors.ts'
import type { PostgresSession } from './session.ts'
import { destinationAt, runSql } from './test-database.ts'
import { proxyTo, type TestProxy, type Verdict } from './test-proxy.ts'

let server: PostgresServer
let proxy: TestProxy
let schema: string
let schemas = 0
beforeAll(async () => {
  server = await postgresServer()
  proxy = await proxyTo(server.url)
}, 60_000)
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
}, 60_000)
beforeEach(() => {
  schema = `lost_${++schemas}`
  proxy.fromClient = () => 'pass'
  proxy.fromServer = () => 'pass'
})

const isCommit = (data: Buffer) => data.includes('COMMIT\0')

const ids = async (): Promise<unknown[]> =>
  (await destinationAt(server.url, schema).query(`SELECT id FROM "${schema}".tickets ORDER BY id`)).map(
    ({ id }) => id,
  )

/** Does something at the next bytes of which a condition holds. */
function once(holds: (data: Buffer) => boolean, what: () => Verdict) {
  let done = false
  return (data: Buffer) => {
    if (done || !holds(data)) return 'pass' as const
    done = true
    return what()
  }
}

async function failedCommit(session: PostgresSession, id: number): Promise<Error> {
  const error: unknown = await merge(session, [{ id }]).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DestinationError)
  return error as Error
}

test('C1: a connection that is cut in the middle of COPY leaves nothing behind, and the session goes on', async () => {
  await using session = await destinationAt(proxy.url, schema).open(PIPELINE)
  await write(session, [{ id: 0, text: '' }])
  const records = Array.from({ length: 20_000 }, (_, id) => ({ id, text: 'x'.repeat(200) }))
  let copied = 0
  proxy.fromClient = (data) => {
    copied += data.length
    return copied > 1_000_000 ? 'cut' : 'pass'
  }
  const load = await makeLoad(session, records)
  const error: unknown = await session.commit(load).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DestinationError)
  expect((error as Error).message).toMatch(
    /the connection to the server was lost\. Nothing of this commit was written; run again, it goes on from the last commit/,
  )
  expect(await ids()).toEqual([0])
  proxy.fromClient = () => 'pass'
  expect(await session.commit(load)).toMatchObject({ inserted: 20_000, replayed: false })
  expect(await ids()).toHaveLength(20_001)
})

test('a server that refuses a row in the middle of COPY leaves nothing behind, and the session goes on', async () => {
  await using session = await destinationAt(proxy.url, schema).open(PIPELINE)
  await write(session, [{ id: 0, text: '' }])
  await runSql(server.url, `ALTER TABLE "${schema}".tickets ADD CONSTRAINT few CHECK (id < 15000)`)
  const load = await makeLoad(
    session,
    Array.from({ length: 40_000 }, (_, id) => ({ id, text: 'x'.repeat(200) })),
  )
  await expect(session.commit(load)).rejects.toThrow(
    /the server refused a statement \(PostgreSQL 23514: .*violates check constraint "few"\)/,
  )
  expect(await ids()).toEqual([0])
  await runSql(server.url, `ALTER TABLE "${schema}".tickets DROP CONSTRAINT few`)
  expect(await session.commit(load)).toMatchObject({ inserted: 40_000 })
})

test('C3: a commit that came through, though its answer was lost, is found by its record', async () => {
  await using session = await destinationAt(proxy.url, schema).open(PIPELINE)
  await merge(session, [{ id: 1 }])
  proxy.fromServer = once(
    (data) => data.includes('COMMIT\0'),
    () => 'cut',
  )
  expect(await merge(session, [{ id: 2 }])).toMatchObject({ inserted: 1, replayed: false })
  expect(await ids()).toEqual([1, 2])
  expect((await session.readCheckpoints(STREAM))[0]?.version).toBe(2)
  await merge(session, [{ id: 3 }])
  expect(await ids()).toEqual([1, 2, 3])
})

test('C3: a commit that never reached the server is known not to have come through', async () => {
  await using session = await destinationAt(proxy.url, schema).open(PIPELINE)
  await merge(session, [{ id: 1 }])
  proxy.fromClient = once(isCommit, () => 'cut')
  expect((await failedCommit(session, 2)).message).toMatch(/was lost\. Nothing of this commit was written/)
  expect(await ids()).toEqual([1])
  await merge(session, [{ id: 2 }])
  expect(await ids()).toEqual([1, 2])
})

test('C1: a server that is killed in the middle of a commit and started again has all of it or nothing', async () => {
  await using session = await destinationAt(proxy.url, schema).open(PIPELINE)
  await merge(session, [{ id: 1 }])
  proxy.fromClient = once(isCommit, async (): Promise<'pass'> => {
    await server.restart()
    return 'pass'
  })
  expect((await failedCommit(session, 2)).message).toMatch(/was lost\. Nothing of this commit was written/)
  expect(await ids()).toEqual([1])
  proxy.fromServer = once(
    (data) => data.includes('COMMIT\0'),
    async (): Promise<'cut'> => {
      await server.restart()
      return 'cut'
    },
  )
  expect(await merge(session, [{ id: 2 }])).toMatchObject({ inserted: 1 })
  expect(await ids()).toEqual([1, 2])
}, 60_000)

test('a server that stays away: that the outcome is not known is said, with what to do', async () => {
  const waits: number[] = []
  const clock = {
    now: () => 0,
    sleep: async (ms: number) => {
      waits.push(ms)
    },
  }
  const session = await destinationAt(proxy.url, schema, {}, clock).open(PIPELINE)
  await merge(session, [{ id: 1 }])
  proxy.fromClient = (data) => {
    if (!isCommit(data)) return 'pass'
    proxy.fromClient = () => 'cut'
    return 'cut'
  }
  expect((await failedCommit(session, 2)).message).toMatch(
    /was lost while a load was being committed, and the server can’t be asked whether it came through\. Nothing is lost or doubled either way: run again once the server is up/,
  )
  expect(waits).toHaveLength(29)
  proxy.fromClient = () => 'pass'
  await session[Symbol.asyncDispose]()
  expect(await ids()).toEqual([1])
})
