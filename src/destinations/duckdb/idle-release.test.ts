// A run that has nothing to write gives its file back. What others do with it meanwhile is done by another process.
import { existsSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { DestinationSession, LoadReceipt } from '../../ports/destination.ts'
import type { SluiceEvent } from '../../ports/events.ts'
import type { JsonRecord } from '../../ports/json.ts'
import { type FakeClock, fakeClock } from '../../testing/fake-clock.ts'
import { CheckpointConflictError, DestinationBusyError, DestinationSchemaError } from '../errors.ts'
import { Neighbour } from './test-neighbour.ts'
import { destinationAt, itemsLoad, temporaryDirectory } from './test-warehouse.ts'

let neighbour: Neighbour
beforeAll(() => {
  neighbour = new Neighbour()
})
afterAll(() => neighbour[Symbol.asyncDispose]())

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let file: string
let clock: FakeClock
let events: SluiceEvent[]
let told: Promise<SluiceEvent>
beforeEach(async () => {
  directory = await temporaryDirectory()
  file = join(directory.path, 'warehouse.duckdb')
  clock = fakeClock()
  events = []
})
afterEach(async () => {
  await neighbour.close()
  await directory.remove()
})

function destination(options: Parameters<typeof destinationAt>[1] = {}) {
  let tell: (event: SluiceEvent) => void
  told = new Promise((resolve) => {
    tell = resolve
  })
  const onEvent = (event: SluiceEvent) => {
    events.push(event)
    tell(event)
  }
  return destinationAt(file, { idleRelease: '1s', ...options }, { clock, onEvent })
}

async function load(
  session: DestinationSession,
  id: string,
  records: readonly JsonRecord[],
  fromVersion: number,
): Promise<LoadReceipt> {
  return session.commit(itemsLoad(id, records, null, fromVersion))
}

/** Lets time pass until it is settled, whatever it waits for. */
async function passing<Result>(work: Promise<Result>): Promise<Result> {
  let isSettled = false
  const settled = () => {
    isSettled = true
  }
  work.then(settled, settled)
  while (!isSettled) await clock.advance(100)
  return work
}

/** The neighbour has the file, which was given back. */
async function lend(mode: 'READ_ONLY' | 'READ_WRITE' = 'READ_ONLY'): Promise<void> {
  await clock.advance(1000)
  await neighbour.openWhenFree(file, mode)
}

const stored = 'SELECT id FROM items ORDER BY id'
const ids = (...all: readonly number[]) => all.map((id) => ({ id: String(id) }))

test('C1: between commits another process reads what is committed, and the next commit goes in after it', async () => {
  const session = await destination().open('p')
  await load(session, 'first', [{ id: 1 }], 0)
  await clock.advance(999)
  await expect(neighbour.open(file, 'READ_ONLY')).rejects.toThrow(/Could not set lock/)
  await clock.advance(1)
  await neighbour.openWhenFree(file, 'READ_ONLY')
  expect(await neighbour.rows(stored)).toEqual(ids(1))
  await neighbour.close()

  expect(await load(session, 'second', [{ id: 1 }, { id: 2 }], 1)).toMatchObject({
    inserted: 1,
    unchanged: 1,
  })
  await lend()
  expect(await neighbour.rows(stored)).toEqual(ids(1, 2))
  await neighbour.close()
  expect((await session.readCheckpoints('items'))[0]).toMatchObject({ version: 2, loadId: 'second' })
  await session[Symbol.asyncDispose]()
  expect(events).toEqual([])
})

test('a commit waits for one who reads, says for whom, and goes in as soon as they are through', async () => {
  await using session = await destination().open('p')
  await load(session, 'first', [{ id: 1 }], 0)
  await lend()
  const committing = load(session, 'second', [{ id: 2 }], 1)
  expect(await told).toMatchObject({
    type: 'destination.wait',
    destination: `duckdb ${file}`,
    atMostMs: 60_000,
  })
  expect(await told).toHaveProperty(
    'reason',
    expect.stringMatching(new RegExp(`^${file} is open for reading by .*\\(PID ${neighbour.pid}\\)`)),
  )
  expect(await neighbour.rows(stored)).toEqual(ids(1))
  await neighbour.close()
  expect(await passing(committing)).toMatchObject({ inserted: 1 })
  expect(events).toHaveLength(1)
})

test('a commit that waited in vain is refused, the next one at once, and both go in once the file is free', async () => {
  await using session = await destination({ lockTimeout: '1s' }).open('p')
  await load(session, 'first', [{ id: 1 }], 0)
  await lend()
  const error: unknown = await passing(load(session, 'second', [{ id: 2 }], 1)).catch((reason) => reason)
  expect(error).toBeInstanceOf(DestinationBusyError)
  expect((error as Error).message).toMatch(
    new RegExp(
      `is open for reading by .*\\(PID ${neighbour.pid}\\).*, and still was after 1s. Wait until it has ended`,
    ),
  )
  const waitedUntil = clock.now()
  await expect(load(session, 'second', [{ id: 2 }], 1)).rejects.toBeInstanceOf(DestinationBusyError)
  expect(clock.now()).toBe(waitedUntil)
  await neighbour.close()
  expect(await load(session, 'second', [{ id: 2 }], 1)).toMatchObject({ inserted: 1, replayed: false })
  expect(await session.query('SELECT count(*) AS rows FROM items')).toEqual([{ rows: 2 }])
})

test('what another program wrote meanwhile is found: a row is not doubled, a table of its own is not written', async () => {
  await using session = await destination().open('p')
  await load(session, 'first', [{ id: 1, name: 'a' }], 0)
  await lend('READ_WRITE')
  await neighbour.rows(`INSERT INTO items (id, name) VALUES (50, 'b')`)
  await neighbour.close()
  expect(await load(session, 'second', [{ id: 50, name: 'c' }], 1)).toMatchObject({ inserted: 0, updated: 1 })
  await lend('READ_WRITE')
  await neighbour.rows('DROP TABLE items; DELETE FROM _sluice_schemas; CREATE TABLE items (id BIGINT)')
  await neighbour.close()
  await expect(load(session, 'third', [{ id: 51, name: 'd' }], 2)).rejects.toThrow(DestinationSchemaError)
})

test('C2: another writer that moved the checkpoint meanwhile wins, and nothing is doubled', async () => {
  await using session = await destination().open('p')
  await load(session, 'first', [{ id: 1 }], 0)
  await lend('READ_WRITE')
  await neighbour.rows('INSERT INTO items (id) VALUES (2); UPDATE _sluice_checkpoints SET version = 2')
  await neighbour.close()
  await expect(load(session, 'second', [{ id: 2 }], 1)).rejects.toThrow(CheckpointConflictError)
  expect(await session.query('SELECT count(*) AS rows FROM items')).toEqual([{ rows: 1 + 1 }])
})

test('a second run is refused at once while the first has given the file back, and not once it has ended', async () => {
  const session = await destination().open('p')
  await load(session, 'first', [{ id: 1 }], 0)
  await lend()
  // This is what a second run asks for.
  await neighbour.close()
  await expect(neighbour.open(`${file}.lock`, 'READ_WRITE')).rejects.toThrow(`PID ${process.pid}`)
  await session[Symbol.asyncDispose]()
  expect(existsSync(`${file}.lock`)).toBe(false)

  // And this is how the first one says so.
  await neighbour.open(`${file}.lock`, 'READ_WRITE')
  const error: unknown = await destination()
    .open('p')
    .catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DestinationBusyError)
  expect((error as Error).message).toMatch(
    new RegExp(
      `is being loaded by .*\\(PID ${neighbour.pid}\\).*, which only lets others read it until it goes on`,
    ),
  )
  await using reader = await destination().open('p', { readOnly: true })
  expect(await reader.query(stored)).toEqual([{ id: 1 }])
  expect(events).toEqual([])
})

test.each(['', 'half of a file'])(
  'what a run that was killed has left beside the file is removed: "%s"',
  async (text) => {
    await writeFile(`${file}.lock`, text)
    await using session = await destination().open('p')
    expect(await load(session, 'first', [{ id: 1 }], 0)).toMatchObject({ inserted: 1 })
    expect(existsSync(`${file}.lock`)).toBe(false)
  },
)

test('a file that was moved away while it was not held is not made anew', async () => {
  await using session = await destination().open('p')
  await load(session, 'first', [{ id: 1 }], 0)
  await lend()
  await neighbour.close()
  await rename(file, `${file}.old`)
  await expect(load(session, 'second', [{ id: 2 }], 1)).rejects.toThrow(
    /warehouse\.duckdb is gone: somebody moved or deleted it while the run did not hold it/,
  )
  expect(existsSync(file)).toBe(false)
})

test('who starts to write waits for one who reads; who starts to read waits a moment for one who writes', async () => {
  await using first = await destination().open('p')
  await load(first, 'first', [{ id: 1 }], 0)
  await first[Symbol.asyncDispose]()

  await neighbour.open(file, 'READ_ONLY')
  const opening = destination().open('p')
  expect(await told).toMatchObject({ reason: expect.stringContaining('is open for reading') })
  await neighbour.close()
  await (await passing(opening))[Symbol.asyncDispose]()

  await neighbour.open(file, 'READ_WRITE')
  const reading = destination().query(stored)
  expect(await told).toMatchObject({ atMostMs: 5000 })
  await neighbour.close()
  expect(await passing(reading)).toEqual([{ id: 1 }])

  await neighbour.open(file, 'READ_WRITE')
  await expect(passing(destination().query(stored))).rejects.toThrow(/is open by .*, and still was after 5s/)
  await expect(destination().open('p')).rejects.toThrow(/is open by .*Wait until it has ended/)
})

test('a session that only reads gives the file back, too, and finds what was written meanwhile', async () => {
  await using writer = await destination().open('p')
  await load(writer, 'first', [{ id: 1 }], 0)
  await writer[Symbol.asyncDispose]()
  await using reader = await destination().open('p', { readOnly: true })
  expect(await reader.query(stored)).toEqual([{ id: 1 }])
  await lend('READ_WRITE')
  await neighbour.rows('INSERT INTO items (id) VALUES (2)')
  await neighbour.close()
  expect(await reader.query(stored)).toEqual([{ id: 1 }, { id: 2 }])
  expect(existsSync(`${file}.lock`)).toBe(false)
})

test('rows that are not read to their end do not keep the file', async () => {
  await using session = await destination().open('p')
  await load(
    session,
    'first',
    Array.from({ length: 10_000 }, (_, id) => ({ id })),
    0,
  )
  for await (const rows of session.readRows('items', ['id'])) {
    expect(rows.length).toBeLessThan(10_000)
    break
  }
  await lend()
  expect(await neighbour.rows('SELECT count(*)::INTEGER AS rows FROM items')).toEqual([{ rows: 10_000 }])
})

test('with "off" the file is kept from the first to the last commit', async () => {
  await using session = await destination({ idleRelease: 'off' }).open('p')
  await load(session, 'first', [{ id: 1 }], 0)
  expect(clock.sleepers).toBe(0)
  await expect(neighbour.open(file, 'READ_ONLY')).rejects.toThrow(/Could not set lock/)
})
