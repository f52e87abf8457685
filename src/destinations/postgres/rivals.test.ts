import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import type { Load } from '../../ports/destination.ts'
import { makeLoad, merge, PIPELINE, STREAM, TABLE, write } from '../conformance/harness.ts'
import { CheckpointConflictError, StreamBusyError } from '../errors.ts'
import { destinationAt, runSql } from './test-database.ts'

let server: PostgresServer
let schema: string
let schemas = 0
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose](), 60_000)
beforeEach(() => {
  schema = `rivals_${++schemas}`
})

const killedConnections = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sluice ${PIPELINE} %'`

const openSession = (pipeline = PIPELINE) => destinationAt(server.url, schema).open(pipeline)

test('eight that begin at once make the schema and the state tables once', async () => {
  const sessions = await Promise.all(Array.from({ length: 8 }, () => openSession()))
  for (const session of sessions) expect(await session.readCheckpoints()).toEqual([])
  await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()))
})

test('C2: of eight that commit the same page at once one does, and seven are told', async () => {
  const sessions = await Promise.all(Array.from({ length: 8 }, () => openSession()))
  const loads = await Promise.all(
    sessions.map((session) => makeLoad(session, [{ id: 1 }, { id: 2 }], { mode: 'append' })),
  )
  const outcomes = await Promise.allSettled(sessions.map((session, at) => session.commit(loads[at]!)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(CheckpointConflictError)
  const [rows] = await sessions[0]!.query(`SELECT count(*) FROM "${schema}".${TABLE}`)
  expect(rows).toEqual({ count: 2 })
  await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()))
})

test('streams of two pipelines that merge into one table side by side double nothing, and wait for nobody for ever', async () => {
  await using first = await openSession('one')
  await using second = await openSession('two')
  const batch = (turn: number) => Array.from({ length: 50 }, (_, id) => ({ id, turn, text: `${turn}` }))
  await merge(first, batch(0))
  const rounds = Array.from({ length: 10 }, (_, turn) => turn + 1)
  await Promise.all(
    [first, second].map(async (session) => {
      for (const turn of rounds) await merge(session, batch(turn))
    }),
  )
  const [counts] = await first.query(
    `SELECT count(*) AS rows, count(DISTINCT id) AS ids, min(turn) AS turn FROM "${schema}".${TABLE}`,
  )
  expect(counts).toEqual({ rows: 50, ids: 50, turn: 10 })
})

test('loads of several streams with side tables in common, in any order, do not lock each other out', async () => {
  const sessions = await Promise.all(['a', 'b', 'c'].map((pipeline) => openSession(pipeline)))
  const names = ['left', 'right', 'middle']
  const loadOf = async (at: number, turn: number): Promise<Load> => {
    const session = sessions[at]!
    const tables = [...names.slice(at), ...names.slice(0, at)]
    const schemaOf = async (table: string) => (await session.readSchema(table)) ?? { columns: idColumn }
    const load = await makeLoad(session, [{ id: turn }], {
      mode: 'merge',
      key: ['id'],
      table: tables[0]!,
      schema: await schemaOf(tables[0]!),
      id: `${at} ${turn}`,
    })
    const sides = await Promise.all(
      tables.slice(1).map(async (table) => ({
        table,
        key: ['id'],
        write: 'merge' as const,
        records: [{ id: turn }],
        schema: await schemaOf(table),
      })),
    )
    return { ...load, sides }
  }
  await Promise.all(
    sessions.map(async (session, at) => {
      for (let turn = 0; turn < 10; turn++) await session.commit(await loadOf(at, turn))
    }),
  )
  for (const table of names)
    expect(await sessions[0]!.query(`SELECT count(*) FROM "${schema}"."${table}"`)).toEqual([{ count: 10 }])
  await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()))
})

const idColumn = [{ field: 'id', name: 'id', type: { kind: 'integer' as const } }]

test('a stream that is taken is refused to others, who learn by whom, until its session ends', async () => {
  const holder = await openSession()
  await holder.claim(STREAM)
  await holder.claim(STREAM)
  await using other = await openSession()
  const error: unknown = await other.claim(STREAM).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(StreamBusyError)
  expect((error as Error).message).toMatch(
    new RegExp(
      `^${STREAM} is being loaded by sluice ${PIPELINE} ${process.pid}@\\S+ from 127\\.0\\.0\\.1, the server’s process \\d+, since \\d{4}-.*Nothing was read`,
    ),
  )
  await other.claim('desk.others')
  await holder[Symbol.asyncDispose]()
  await other.claim(STREAM)
})

test('two pipelines, and two schemas, have streams of one name each', async () => {
  await using one = await openSession('one')
  await using two = await openSession('two')
  await one.claim(STREAM)
  await two.claim(STREAM)
  await using elsewhere = await destinationAt(server.url, `${schema}_too`).open('one')
  await elsewhere.claim(STREAM)
})

test('C2: whoever lost a claim to another with its connection is told at its next commit, and can still record its run', async () => {
  await using first = await openSession()
  await first.claim(STREAM)
  const stale = await makeLoad(first, [{ id: 1 }])
  await runSql(server.url, killedConnections)
  await using second = await openSession()
  await second.claim(STREAM)
  await write(second, [{ id: 2 }])
  const attempt = () => first.commit(stale)
  await expect(attempt().catch(attempt)).rejects.toThrow(CheckpointConflictError)
  await first.recordRun({ id: 'r', startedAt: 0, finishedAt: 1, outcome: 'failed', report: null })
  expect(await second.lastRun()).toMatchObject({ id: 'r', outcome: 'failed' })
})

test('a claim outlives a connection that was lost, where nobody came in between', async () => {
  await using holder = await openSession()
  await holder.claim(STREAM)
  await runSql(server.url, killedConnections)
  // It may have been told by now, or not.
  await write(holder, [{ id: 1 }]).catch((error: Error) => {
    expect(error.message).toMatch(/connection to the server was lost/)
    return write(holder, [{ id: 1 }])
  })
  await using other = await openSession()
  await expect(other.claim(STREAM)).rejects.toThrow(StreamBusyError)
})
