// The files destination on real disks that fill up and can't be written, and in processes that are killed at any moment.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { withSession, write } from '../../src/destinations/conformance/harness.ts'
import { filesAt, liveRows, queryDuckdb } from '../../src/destinations/files/test-files.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { tinyDisk, tinyDiskRefusal } from './tiny-disk.ts'

// Starting a process takes seconds on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

const writer = fileURLToPath(new URL('./files-writer.mjs', import.meta.url))
const SEED = 20260131
const KILLS = 8

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-files-kill-'))
})
afterEach(async () => {
  await chmod(join(folder, 'lake'), 0o755).catch(() => undefined)
  await rm(folder, { recursive: true, force: true })
})

const formats = ['parquet', 'jsonl', 'csv'] as const

describe.each(formats)('%s', (format) => {
  test(`C1: killed at any moment, ${KILLS} times: rows and checkpoint agree, and the next process goes on (seed ${SEED})`, async () => {
    const random = seededRandom(SEED)
    let before = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, [writer, folder, format], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const lines = createInterface({ input: child.stdout })
      // So many commits, and then a moment more, in the middle of the next one.
      let left = 1 + Math.floor(random() * 6)
      const ended = once(child, 'exit')
      for await (const line of lines) if (line.startsWith('committed') && --left === 0) break
      const end = performance.now() + random() * 12
      while (performance.now() < end) await new Promise(setImmediate)
      child.kill('SIGKILL')
      await ended

      const destination = filesAt(folder, { format })
      const session = await destination.open('p', { readOnly: true })
      const [checkpoint] = await session.readCheckpoints('s')
      await session[Symbol.asyncDispose]()
      const [listed] = await destination.list('p')
      const [found] = await queryDuckdb(
        `SELECT count(*) AS n, count(DISTINCT id) AS ids, max(id) AS last FROM (${listed!.sql})`,
      )
      const last = checkpoint!.highWater as number
      expect(found).toEqual({ n: last, ids: last, last })
      expect(last).toBeGreaterThan(before)
      before = last
    }
  })

  test.skipIf(tinyDiskRefusal() !== undefined)(
    'a disk that fills up fails the commit and says so, what was committed stays, and the next one succeeds once there is room',
    async () => {
      await using disk = await tinyDisk(4 << 20)
      const path = disk.root + disk.path
      const destination = filesAt(path, { format, compression: 'none' })
      const rows = Array.from({ length: 5000 }, (_, id) => ({ id, text: String(Math.sin(id)).repeat(4) }))
      await withSession(destination, async (session) => {
        await write(session, [{ id: -1, text: 'first' }])
        const { bavail, bsize } = await statfs(path)
        await writeFile(join(path, 'ballast'), Buffer.alloc(bavail * bsize - (16 << 10)))
        await expect(write(session, rows)).rejects.toThrow(
          new RegExp(
            `^files ${path}: can't write ${path}/conformance/tickets/\\S+ \\(ENOSPC\\); the disk is full: nothing of this load was published\\. Make room, then run again$`,
          ),
        )
        expect(await liveRows(destination, 'tickets')).toHaveLength(1)
        await rm(join(path, 'ballast'))
        await write(session, rows)
      })
      expect(await liveRows(destination, 'tickets')).toHaveLength(5001)
    },
  )
})

test('a folder that can not be written is an error that says what to do', async () => {
  const path = join(folder, 'lake')
  await mkdir(path)
  await chmod(path, 0o555)
  // Root may write what its permissions forbid; without these two capabilities it may not.
  const prefix =
    process.getuid?.() === 0
      ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all']
      : []
  const [command, ...rest] = [...prefix, process.execPath, writer, path, 'jsonl']
  const child = spawn(command!, rest, { stdio: ['ignore', 'ignore', 'pipe'] })
  let told = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    told += text
  })
  await once(child, 'close')
  expect(told).toBe(
    `files ${path}: can't write ${path}/p/_sluice/probe (EACCES); this user has no permission there: let it write the folder, or choose another path\n`,
  )
})

test('a path that leads through a file is an error that says what to do', async () => {
  await writeFile(join(folder, 'a-file'), '')
  const path = join(folder, 'a-file', 'lake')
  await expect(filesAt(path).open('p')).rejects.toThrow(
    `files ${path}: can't write ${path}/p/_sluice/probe (ENOTDIR); a part of the path is a file: choose another path`,
  )
})
