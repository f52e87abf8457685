// A full disk, a file that can't grow and a warehouse that can't be written, all real: made with the kernel's own means, not with a fake file
// system. The last two work for root in a container that may not mount anything, and for any other user.
import { chmod, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { MODES } from './modes.ts'
import { tinyDisk, tinyDiskRefusal } from './tiny-disk.ts'
import { Victim } from './victim.ts'

// Starting a process takes seconds on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

/** Bytes that the warehouse may grow to: enough for a commit or two. */
const ROOM = 120 << 10

const merge = MODES.find(({ name }) => name === 'merge')!

const refusal = tinyDiskRefusal()
if (refusal !== undefined) process.stderr.write(`SKIPPED the test of a full disk: ${refusal}\n`)

test.skipIf(refusal !== undefined)(
  'a disk that fills up in the middle of a run fails the stream and says so, what was committed stays, and the next run goes on once there is room',
  async () => {
    await using disk = await tinyDisk(16 << 20)
    await using victim = await Victim.start(merge, 11, { disk })
    const onDisk = disk.root + disk.path
    const ballast = join(onDisk, 'ballast')
    const { bavail, bsize } = await statfs(onDisk)
    await writeFile(ballast, Buffer.alloc(bavail * bsize - ROOM))

    const failed = await victim.live()
    expect(failed.end.code).toBe(1)
    expect(failed.end.stderr).toContain(
      `pay.transactions failed (DESTINATION_FAILED): duckdb ${victim.file}: the disk is full. Nothing of this commit was written; make room, then run again (DuckDB: `,
    )
    victim.check(failed)
    expect(failed.contents.stored).toBeGreaterThan(0)

    // There is no more room than before, and nothing gets worse by it.
    const again = await victim.live()
    expect(again.end.code).toBe(1)
    victim.check(again)
    expect(again.contents.stored).toBeGreaterThanOrEqual(failed.contents.stored)

    await rm(ballast)
    victim.checkDone(await victim.live())
  },
)

/** As on a full disk, writing beyond so many KiB of one file fails, in the middle of the run. Node ignores SIGXFSZ, so that the write itself fails. */
const fileLimit = (kibibytes: number) => ['sh', '-c', `ulimit -f ${kibibytes * 2}; exec "$@"`, 'sh']

test('a file that can not grow any more fails the stream and says so, what was committed stays, and the next run goes on', async () => {
  await using victim = await Victim.start(merge, 11)
  const failed = await victim.live({ prefix: fileLimit(80) })
  expect(failed.end.code).toBe(1)
  expect(failed.end.stderr).toContain(
    `pay.transactions failed (DESTINATION_FAILED): duckdb ${victim.file}: ${victim.file} has reached the largest size that this user or file system allows. Nothing of this commit was written; raise the limit, then run again (DuckDB: `,
  )
  victim.check(failed)
  expect(failed.contents.stored).toBeGreaterThan(0)

  const done = await victim.live()
  victim.checkDone(done)
})

test('a warehouse that can not be written is an error that says what to do, asks the API for nothing, and leaves the file as it is', async () => {
  await using victim = await Victim.start(merge, 11)
  victim.checkDone(await victim.live())
  const before = await readFile(victim.file)
  const asked = victim.server.sandbox.stats.log.length
  await chmod(victim.file, 0o444)
  await chmod(victim.directory, 0o555)

  const refused = await victim.live({ prefix: withoutOverride() })
  expect(refused.end.code).toBe(1)
  expect(refused.end.stderr).toContain(
    `error duckdb ${victim.file}: ${victim.file} can't be written. Give this user write access to it and to its directory, then run again`,
  )
  expect(refused.end.stderr).toContain('(DESTINATION_FAILED)')
  expect(victim.server.sandbox.stats.log.length).toBe(asked)

  await chmod(victim.directory, 0o755)
  await chmod(victim.file, 0o644)
  expect((await readFile(victim.file)).equals(before)).toBe(true)
  victim.checkDone(await victim.live())
})

/** Root may write what its permissions forbid; without these two capabilities it may not. */
function withoutOverride(): readonly string[] {
  if (process.getuid?.() !== 0) return []
  return ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all']
}
