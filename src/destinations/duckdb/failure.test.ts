import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, open, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../http/system-runtime.ts'
import type { DestinationSession, Load, LoadReceipt } from '../../ports/destination.ts'
import type { JsonRecord } from '../../ports/json.ts'
import { DestinationBusyError, DestinationError, DestinationSchemaError } from '../errors.ts'
import { duckdbOptions } from './options.ts'
import { DuckdbSession } from './session.ts'
import { destinationAt, itemsLoad, temporaryDirectory } from './test-warehouse.ts'
import { Warehouse } from './warehouse.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let file: string
beforeEach(async () => {
  directory = await temporaryDirectory()
  file = join(directory.path, 'warehouse.duckdb')
})
afterEach(() => directory.remove())

async function load(
  session: DestinationSession,
  id: string,
  records: readonly JsonRecord[],
  replacement?: Load['replacement'],
): Promise<LoadReceipt> {
  const present = replacement === undefined ? await session.readSchema('items') : null
  const [checkpoint] = await session.readCheckpoints('items')
  return session.commit(
    itemsLoad(id, records, present, checkpoint?.version ?? 0, replacement && { replacement }),
  )
}

/** Opens the file and puts records into it. */
async function fill(records: readonly JsonRecord[] = [{ id: 1 }, { id: 2 }]): Promise<void> {
  await using session = await destinationAt(file).open('p')
  await load(session, 'first', records)
}

const stored = async () =>
  (await destinationAt(file).query('SELECT id FROM items ORDER BY id')).map(({ id }) => id)

/** What opening the file is refused with. */
async function refusal(path = file): Promise<Error> {
  try {
    const session = await destinationAt(path).open('p')
    await session[Symbol.asyncDispose]()
  } catch (error) {
    return error as Error
  }
  throw new Error('it was opened')
}

/** As root every file can be written: someone else tries. */
async function withoutPrivileges<Result>(work: () => Promise<Result>): Promise<Result> {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

test('a file that another process holds is refused with DESTINATION_BUSY, naming the file and the process', async () => {
  await fill()
  const api = createRequire(import.meta.url).resolve('@duckdb/node-api')
  const script = `
    const { DuckDBInstance } = require(${JSON.stringify(api)})
    DuckDBInstance.create(${JSON.stringify(file)}).then((instance) => {
      globalThis.held = instance
      process.stdout.write('held')
      process.stdin.resume()
    })`
  const holder = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')
  try {
    const error = await refusal()
    expect(error).toBeInstanceOf(DestinationBusyError)
    expect(error.message).toContain(file)
    expect(error.message).toContain(`PID ${holder.pid}`)
    expect(error.message).toContain('Wait until it has ended')
    await expect(destinationAt(file, { lockTimeout: '0s' }).query('SELECT 1')).rejects.toBeInstanceOf(
      DestinationBusyError,
    )
  } finally {
    holder.kill()
    await once(holder, 'exit')
  }
  expect(await stored()).toEqual([1, 2])
})

test('a file that is no DuckDB file is refused and left as it is', async () => {
  const text = 'id,name\n1,precious\n'.repeat(1000)
  await writeFile(file, text)
  const error = await refusal()
  expect(error).toBeInstanceOf(DestinationError)
  expect(error.message).toContain(`${file} is not a DuckDB file. It was left as it is`)
  expect(await readFile(file, 'utf8')).toBe(text)
})

test('a damaged file is refused and left as it is', async () => {
  await fill()
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(8192, 0xab), 0, 8192, 4096)
  await handle.close()
  const before = await readFile(file)
  const error = await refusal()
  expect(error).toBeInstanceOf(DestinationError)
  expect(error.message).toMatch(/is damaged\. It was left as it is; restore a copy/)
  expect((await readFile(file)).equals(before)).toBe(true)
})

test('a path in a directory that is not there, or that is a directory, is refused with what to do', async () => {
  const missing = await refusal(join(directory.path, 'no', 'such', 'warehouse.duckdb'))
  expect(missing).toBeInstanceOf(DestinationError)
  expect(missing.message).toMatch(/its directory is not there\. Make it, or give another path/)
  const folder = await refusal(directory.path)
  expect(folder.message).toMatch(/is a directory\. The path must name a file/)
})

test('a file that may only be read is refused for writing, can be read, and keeps its rows', async () => {
  await fill()
  await chmod(directory.path, 0o555)
  await chmod(file, 0o444)
  await withoutPrivileges(async () => {
    const error = await refusal()
    expect(error).toBeInstanceOf(DestinationError)
    expect(error.message).toContain(`${file} can't be written. Give this user write access`)
    expect(await stored()).toEqual([1, 2])
  })
  await chmod(directory.path, 0o755)
})

test('a directory that may only be read is refused where the file is to be made', async () => {
  const closed = join(directory.path, 'closed')
  await mkdir(closed, { mode: 0o555 })
  await chmod(directory.path, 0o755)
  const error = await withoutPrivileges(() => refusal(join(closed, 'warehouse.duckdb')))
  expect(error).toBeInstanceOf(DestinationError)
  expect(error.message).toMatch(/can't be written\. Give this user write access to it and to its directory/)
})

test.skipIf(!existsSync('/dev/full'))(
  'a full disk fails the commit, nothing is lost, and the load goes in once there is room',
  async () => {
    const destination = destinationAt(file)
    const session = await destination.open('p')
    await load(session, 'first', [{ id: 1 }])
    await session.query('CHECKPOINT')
    await rm(`${file}.wal`, { force: true })
    await symlink('/dev/full', `${file}.wal`)
    const error: unknown = await load(session, 'second', [{ id: 2 }]).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(DestinationError)
    expect((error as Error).message).toMatch(
      /the disk is full\. Nothing of this commit was written; make room/,
    )
    await rm(`${file}.wal`, { force: true })
    await session[Symbol.asyncDispose]()

    expect(await stored()).toEqual([1])
    await using again = await destination.open('p')
    expect((await load(again, 'second', [{ id: 2 }])).replayed).toBe(false)
    expect((await again.query('SELECT id FROM items ORDER BY id')).map(({ id }) => id)).toEqual([1, 2])
  },
)

test('a table that someone else made is neither written nor replaced', async () => {
  await using session = await destinationAt(file).open('p')
  await session.query('CREATE TABLE items (id BIGINT)')
  await expect(load(session, 'first', [{ id: 1 }])).rejects.toThrow(DestinationSchemaError)
  await expect(load(session, 'first', [{ id: 1 }])).rejects.toThrow(
    /Sluice did not make it\. Give the stream another table/,
  )
})

test('a column that someone dropped or changed is named, and nothing is written', async () => {
  await fill([{ id: 1, name: 'a' }])
  await using session = await destinationAt(file).open('p')
  await session.query('ALTER TABLE items ALTER COLUMN name SET DATA TYPE BLOB')
  await expect(session.readSchema('items')).rejects.toThrow(/its column name has become BLOB, it was VARCHAR/)
  await session.query('ALTER TABLE items DROP COLUMN name')
  await expect(session.readSchema('items')).rejects.toThrow(/table items: its column name is gone/)
})

test('R6: a replacement takes the place of a table that someone changed', async () => {
  await fill([{ id: 1, name: 'a' }])
  await using session = await destinationAt(file).open('p')
  await session.query('ALTER TABLE items DROP COLUMN name')
  await load(session, 'refresh', [{ id: 1, name: 'a' }], { begin: true, publish: true, allowEmpty: false })
  expect(await session.query('SELECT id, name FROM items')).toEqual([{ id: 1, name: 'a' }])
})

test('what a query has written beside the loads is found by the next one', async () => {
  await using session = await destinationAt(file).open('p')
  await load(session, 'first', [{ id: 1 }])
  await session.query('INSERT INTO items (id) VALUES (50)')
  expect(await load(session, 'second', [{ id: 50 }])).toMatchObject({ inserted: 0 })
})

test('a table that someone dropped is made anew', async () => {
  await fill()
  await using session = await destinationAt(file).open('p')
  await session.query('DROP TABLE items')
  expect(await session.readSchema('items')).toBeNull()
  expect((await load(session, 'second', [{ id: 3 }])).inserted).toBe(1)
})

test('reading a file that is not there finds nothing and makes none', async () => {
  await using session = await destinationAt(file).open('p', { readOnly: true })
  expect(await session.readCheckpoints()).toEqual([])
  expect(await session.readSchema('items')).toBeNull()
  await expect(session.resetStream('items', 'items')).rejects.toThrow(/opened read-only/)
  await expect(stat(file)).rejects.toThrow(/ENOENT/)
})

test('no extension is ever fetched: JSON and time zones are linked in', async () => {
  await fill([{ id: 1, at: '2024-01-31T10:00:00+02:00', nested: { a: [1, 2] } }])
  const [row] = await destinationAt(file).query(`
    SELECT "at", nested->>'$.a[1]' AS second, current_setting('TimeZone') AS zone,
      current_setting('autoinstall_known_extensions') AS installs, current_setting('autoload_known_extensions') AS loads
    FROM items`)
  expect(row).toEqual({ at: '2024-01-31T08:00:00Z', second: '2', zone: 'UTC', installs: false, loads: false })
})

test('a query that DuckDB refuses says why, also one that would write', async () => {
  await fill()
  await expect(destinationAt(file).query('DELETE FROM items')).rejects.toThrow(/is open for reading alone/)
  await expect(destinationAt(file).query('SELECT * FROM nowhere')).rejects.toThrow(/nowhere does not exist/)
  await expect(destinationAt(file).query('SELECT nothing FROM items')).rejects.toThrow(/nothing/)
})

test('half a surrogate pair, which JSON can escape and DuckDB refuses, is stored with U+FFFD in its place', async () => {
  const half = JSON.parse('"cut \\ud83d off"') as string
  await fill([{ id: 1, text: half, nested: { [half]: [half, 'whole \u{1f986}', 'C:\\ud83d'] } }])
  const [row] = await destinationAt(file).query('SELECT text, nested FROM items')
  expect(row!['text']).toBe('cut \ufffd off')
  expect(JSON.parse(row!['nested'] as string)).toEqual({
    'cut \ufffd off': ['cut \ufffd off', 'whole \u{1f986}', 'C:\\ud83d'],
  })
})

test('a log that can not be moved into the file at the end is told of, and nothing of it is lost', async () => {
  const options = duckdbOptions.parse({ type: 'duckdb', path: file })
  const warehouse = await Warehouse.open(options, false, { clock: systemClock })
  const session = new DuckdbSession(warehouse, 'p', false)
  await load(session, 'first', [{ id: 1 }])
  // DuckDB moves nothing while another connection is writing.
  const other = await warehouse.connect()
  await other.connection.run('BEGIN; CREATE TABLE unfinished (id BIGINT)')
  const error: unknown = await session[Symbol.asyncDispose]().catch((reason: unknown) => reason)
  other.end()
  expect(error).toBeInstanceOf(DestinationError)
  expect((error as Error).message).toMatch(
    /warehouse\.duckdb: what was committed could not be moved from .*\.wal into the file\. Nothing is lost: keep both.*\(DuckDB: .*CHECKPOINT/,
  )
  expect(await stored()).toEqual([1])
})
