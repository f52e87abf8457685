// A file that can't grow and a warehouse that can't be written, both real: made with the kernel's own limits and permissions, not with a fake file
// system. They work for root in a container that may not mount anything, and for any other user.
import { chmod, readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { MODES } from './modes.ts'
import { Victim } from './victim.ts'

// Starting a process takes seconds on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

const merge = MODES.find(({ name }) => name === 'merge')!

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
