import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Load } from '../../ports/destination.ts'
import { type JsonRecord, LongDecimal } from '../../ports/json.ts'
import { observeRecords } from '../../records/observe.ts'
import type { DuckdbSession } from './session.ts'
import { destinationAt, itemsLoad, temporaryDirectory } from './test-warehouse.ts'

// A process that dies leaves the file and the write-ahead log as they were: a copy of the two, made while a session is open,
// is what the next process finds.

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let file: string
beforeEach(async () => {
  directory = await temporaryDirectory()
  file = join(directory.path, 'warehouse.duckdb')
})
afterEach(() => directory.remove())

let loads = 0
async function load(session: DuckdbSession, records: readonly JsonRecord[], options: Partial<Load> = {}) {
  const staged = options.replacement !== undefined
  const table = options.table ?? 'items'
  const present = options.replacement?.begin ? null : await session.readSchema(table, { staged })
  const versions = (await session.readCheckpoints('items')).map(({ version }) => version)
  return session.commit(itemsLoad(`load-${++loads}`, records, present, Math.max(0, ...versions), options))
}

async function crashed(name: string): Promise<string> {
  const copy = join(directory.path, `${name}.duckdb`)
  await copyFile(file, copy)
  await copyFile(`${file}.wal`, `${copy}.wal`)
  return copy
}

const everything = async (session: DuckdbSession) => ({
  rows: await session.query('SELECT * FROM items ORDER BY id'),
  checkpoints: await session.readCheckpoints(),
  schema: await session.readSchema('items'),
  staged: await session.readSchema('items', { staged: true }),
  loads: await session.query('SELECT load_id, inserted, updated FROM _sluice_loads ORDER BY load_id'),
})

// PEERS: dlt state beside the data
// PEERS: dlt test_dummy_client
test('C1: what was committed is there after a crash: rows, new and widened columns, replacements, checkpoints', async () => {
  await using session = await destinationAt(file).open('p')
  const steps: (() => Promise<unknown>)[] = [
    () =>
      load(session, [
        { id: 1, v: 1 },
        { id: 2, v: 2 },
      ]),
    () =>
      load(session, [
        { id: 2, v: 2.5, added: '2024-01-31T10:00:00Z' },
        { id: 3, v: 1e21 },
      ]),
    () => load(session, [{ id: 3, v: 'text', added: { a: 1 } }]),
    () =>
      load(session, [{ id: 9, fresh: true }], {
        replacement: { begin: true, publish: false, allowEmpty: false },
      }),
    () =>
      load(session, [{ id: 10, fresh: 'x' }], {
        replacement: { begin: false, publish: false, allowEmpty: false },
      }),
    () => load(session, [{ id: 11 }], { replacement: { begin: false, publish: true, allowEmpty: false } }),
    () => load(session, [{ id: 11, fresh: 'after' }]),
  ]
  for (const [at, step] of steps.entries()) {
    await step()
    const copy = await crashed(`step-${at}`)
    const alive = await everything(session)
    const reader = await destinationAt(copy).open('p', { readOnly: true })
    expect(await everything(reader)).toEqual(alive)
    await reader[Symbol.asyncDispose]()
    await using next = await destinationAt(copy).open('p')
    expect(await everything(next)).toEqual(alive)
  }
})

test('C1: a table whose columns were widened opens after a crash, whatever they were widened from and to', async () => {
  const firsts = [
    true,
    7,
    2n ** 60n,
    1.5,
    new LongDecimal('0.12345678901234567891'),
    '2024-01-31',
    '2024-01-31T10:20:30Z',
    'x',
  ]
  const nexts = [2n ** 60n, 1.5, new LongDecimal('123456789012.123456789012345'), 'text', { a: 1 }]
  await using session = await destinationAt(file).open('p')
  let tables = 0
  for (const first of firsts) {
    for (const next of nexts) {
      const table = `t${++tables}`
      const options = { stream: table, table, checkpoints: [], mode: 'merge', key: ['id'] } as const
      await load(
        session,
        [
          { id: 1, v: first },
          { id: 2, v: first },
          { id: 3, v: null },
        ],
        options,
      )
      const schema = observeRecords(await session.readSchema(table), [{ id: 2, v: next, added: 1 }]).schema
      // A row of the widened table takes the place of another in the same commit.
      const receipt = await load(session, [{ id: 2, v: next, added: 1 }, { id: 4 }], { ...options, schema })
      expect(receipt).toMatchObject({ inserted: 1, updated: 1 })
    }
  }
  const copy = await crashed('widened')
  await using next = await destinationAt(copy).open('p')
  for (let at = 1; at <= tables; at++) {
    const all = `SELECT * FROM t${at} ORDER BY id`
    const rows = await next.query(all)
    expect(rows.map(({ id }) => id)).toEqual([1, 2, 3, 4])
    expect(rows).toEqual(await session.query(all))
  }
})

// PEERS: dlt #4023
// PEERS: dlt test_restore_state
test('C2, C3: a run that starts after a crash goes on from the committed checkpoint, and a replay changes nothing', async () => {
  await using session = await destinationAt(file).open('p')
  const receipt = await load(session, [{ id: 1 }])
  const copy = await crashed('replayed')
  await using next = await destinationAt(copy).open('p')
  const [checkpoint] = await next.readCheckpoints('items')
  expect(checkpoint).toMatchObject({ version: 1, loadId: receipt.loadId })
  const replay = await load(next, [{ id: 1 }], {
    id: receipt.loadId,
    checkpoints: [{ slice: 'all', fromVersion: 0, position: null, highWater: null }],
  })
  expect(replay).toEqual({ ...receipt, replayed: true })
  expect(await next.query('SELECT count(*) AS rows FROM items')).toEqual([{ rows: 1 }])
})

test('two sessions in one process share the file, and it is closed with the last of them', async () => {
  const destination = destinationAt(file)
  const first = await destination.open('p')
  const second = await destinationAt(file).open('p')
  await load(first, [{ id: 1 }])
  await first[Symbol.asyncDispose]()
  expect((await load(second, [{ id: 2 }])).inserted).toBe(1)
  const closing = second[Symbol.asyncDispose]()
  // Asked for while it is being closed.
  const third = await destination.open('p')
  await closing
  expect(await third.query('SELECT id FROM items ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }])
  await third[Symbol.asyncDispose]()
})
