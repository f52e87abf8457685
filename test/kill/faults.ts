// What happens to a destination while a process loads into it, other than that the process is killed. Each ends when the next run is done.
import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, rmdir, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runSql } from '../../src/destinations/postgres/test-database.ts'
import { proxyTo } from '../../src/destinations/postgres/test-proxy.ts'
import type { PostgresServer } from '../servers/postgres.ts'
import type { Mode } from './modes.ts'
import type { Outcome } from './points.ts'
import { postgresOn, type Target } from './targets.ts'
import { tinyDisk } from './tiny-disk.ts'
import { type Life, Victim } from './victim.ts'

/** The server is killed, and started again, so many milliseconds after the process has begun. */
export async function serverKilled(
  server: PostgresServer,
  mode: Mode,
  seed: number,
  moment: number,
): Promise<Outcome> {
  await using victim = await Victim.start(mode, seed, { target: postgresOn(server) })
  let met = false
  const hurt = await victim.live({}, async (process) => {
    await process.line(/ starts: /)
    await Promise.race([sleep(moment), process.ended])
    met = process.isRunning()
    await server.crash()
  })
  return await goOn(victim, hurt, met)
}

/** The connection is cut at the `nth` COPY, behind its beginning and before its end. */
export async function cutInCopy(
  server: PostgresServer,
  mode: Mode,
  seed: number,
  nth: number,
): Promise<Outcome> {
  await using proxy = await proxyTo(server.url)
  await using victim = await Victim.start(mode, seed, { target: postgresOn(server, proxy.url) })
  let copies = 0
  let cut = false
  proxy.fromClient = (data) => {
    if (cut) return 'pass'
    if (data.includes('FROM STDIN')) {
      copies++
      return 'pass'
    }
    cut = copies === nth
    return cut ? 'cut' : 'pass'
  }
  const hurt = await victim.live()
  return await goOn(victim, hurt, cut)
}

/** A disk that is full but for so many bytes, of DuckDB or files. Afterwards there is room again. */
export async function diskFull(target: Target, mode: Mode, seed: number, room: number): Promise<Outcome> {
  await using disk = await tinyDisk(16 << 20)
  await using victim = await Victim.start(mode, seed, { target, disk })
  const ballast = await fill(disk.root + disk.path, room)
  const hurt = await liveOnFullDisk(victim, ballast)
  return await goOn(victim, hurt, saysFull(hurt))
}

/** The same of a PostgreSQL server, whose tables lie on a disk of their own. It takes root, to mount one. */
export async function serverDiskFull(
  server: PostgresServer,
  mode: Mode,
  seed: number,
  room: number,
): Promise<Outcome> {
  await using disk = await tablespace(server)
  await using victim = await Victim.start(mode, seed, { target: postgresOn({ url: disk.url }) })
  const ballast = await fill(disk.path, room)
  const hurt = await liveOnFullDisk(victim, ballast)
  return await goOn(victim, hurt, saysFull(hurt))
}

/** Why no disk can be mounted for a server; `undefined` where it can. */
export function mountRefusal(): string | undefined {
  const where = tmpdir()
  const { status, stderr, error } = spawnSync(
    'unshare',
    ['--mount', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', where],
    { encoding: 'utf8' },
  )
  return status === 0 ? undefined : (error?.message ?? stderr.trim())
}

let databases = 0

/** A database of its own on a disk of its own. */
async function tablespace(server: PostgresServer): Promise<{ url: string; path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-disk-'))
  run('mount', '-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', path)
  await chmod(path, 0o777)
  run('install', '-d', '-o', 'postgres', '-m', '700', join(path, 'tables'))
  const name = `full_${++databases}`
  await runSql(server.url, `CREATE TABLESPACE ${name} LOCATION '${join(path, 'tables')}'`)
  await runSql(server.url, `CREATE DATABASE ${name} TABLESPACE ${name}`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  // What the server itself writes with a database's first connection, and later, is written before the disk is full.
  await runSql(url.href, 'CHECKPOINT')
  return {
    url: url.href,
    path,
    async [Symbol.asyncDispose]() {
      await runSql(server.url, `DROP DATABASE ${name} WITH (FORCE)`)
      await runSql(server.url, `DROP TABLESPACE ${name}`)
      run('umount', path)
      await rmdir(path)
    },
  }
}

function run(command: string, ...given: string[]): void {
  const { status, stderr } = spawnSync(command, given, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${given.join(' ')}: ${stderr}`)
}

/** Fills a disk but for `room` bytes; returns the file that does. */
async function fill(path: string, room: number): Promise<string> {
  const { bavail, bsize } = await statfs(path)
  const ballast = join(path, 'ballast')
  await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - room)))
  return ballast
}

/** There is room again when the process has ended: whoever looks at a database needs some, too. */
function liveOnFullDisk(victim: Victim, ballast: string): Promise<Life> {
  return victim.live({}, async (process) => {
    await process.ended
    await rm(ballast)
  })
}

function saysFull({ end }: Life): boolean {
  return end.code === 1 && /the disk is full|No space left/.test(end.stderr)
}

/** The warehouse is whole after the fault, and the next run completes it. */
async function goOn(victim: Victim, hurt: Life, met: boolean): Promise<Outcome> {
  victim.check(hurt)
  const done = await victim.live()
  victim.checkDone(done)
  return { deaths: met ? 1 : 0, again: done.again, committedAgain: done.committedAgain }
}
