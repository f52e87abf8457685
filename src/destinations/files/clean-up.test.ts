import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemRuntime } from '../../http/system-runtime.ts'
import { withSession, write } from '../conformance/harness.ts'
import { filesDestination } from './files.ts'
import { liveRows, temporaryFolder } from './test-files.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let ahead = 0
beforeEach(async () => {
  folder = await temporaryFolder()
  ahead = 0
})
afterEach(() => folder.remove())

const MINUTE = 60_000
const runtime = { ...systemRuntime(), clock: { now: () => Date.now() + ahead, sleep: async () => {} } }
const destination = () =>
  filesDestination({ path: folder.path, format: 'jsonl', compression: 'none' }, { runtime })
const files = async (table = 'tickets') =>
  (await readdir(join(folder.path, 'conformance', table)).catch(() => [])).sort()
const open = () => withSession(destination(), async () => {})

async function orphan(name: string, ageMs: number): Promise<void> {
  const path = join(folder.path, 'conformance/tickets', name)
  await mkdir(join(folder.path, 'conformance/tickets'), { recursive: true })
  await writeFile(path, '{}\n')
  const at = new Date(Date.now() - ageMs)
  await utimes(path, at, at)
}

test('files of commits that never happened go once they are older than the grace, and what is live stays', async () => {
  await withSession(destination(), (session) => write(session, [{ id: 1 }]))
  const live = await files()
  await orphan('old.jsonl', 61 * MINUTE)
  await orphan('.partial-old', 61 * MINUTE)
  await orphan('young.jsonl', 59 * MINUTE)
  await open()
  expect(await files()).toEqual([...live, 'young.jsonl'].sort())
  ahead = 24 * 60 * MINUTE
  await open()
  expect(await files()).toEqual(live)
  expect(await liveRows(destination(), 'tickets')).toMatchObject([{ id: 1 }])
})

test('what a replacement retired stays for its readers, and goes after the grace', async () => {
  await withSession(destination(), (session) => write(session, [{ id: 1 }]))
  const [listed] = await destination().list('conformance')
  await withSession(destination(), (session) => write(session, [{ id: 2 }], { begin: true, publish: true }))
  await open()
  expect(await files()).toHaveLength(2)
  expect(await liveRows(destination(), 'tickets')).toMatchObject([{ id: 2 }])
  // The statement that was printed before reads what was live then.
  expect(listed!.files[0]!.rows).toBe(1)
  ahead = 61 * MINUTE
  await open()
  expect(await files()).toHaveLength(1)
})

test('a read-only session deletes nothing', async () => {
  await withSession(destination(), (session) => write(session, [{ id: 1 }]))
  await orphan('old.jsonl', 61 * MINUTE)
  await using _session = await destination().open('conformance', { readOnly: true })
  expect(await files()).toContain('old.jsonl')
})

test('a load that was taken out leaves no file behind, after the grace', async () => {
  await withSession(destination(), async (session) => {
    const { loadId } = await write(session, [{ id: 1 }])
    await session.revert!(loadId, { at: Date.now() })
  })
  expect(await files()).toHaveLength(1)
  ahead = 61 * MINUTE
  await open()
  expect(await files()).toEqual([])
})

test('a load that is refused leaves no file behind', async () => {
  await withSession(destination(), async (session) => {
    await write(session, [{ id: 1 }])
    const stale = [{ slice: 'all', fromVersion: 0, position: null, highWater: null }]
    await expect(write(session, [{ id: 2 }], { checkpoints: stale })).rejects.toThrow(
      'the checkpoint is at version 1',
    )
  })
  expect(await files()).toHaveLength(1)
})
