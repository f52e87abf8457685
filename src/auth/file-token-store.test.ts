import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { messageOf } from '../../test/auth/auth-bench.ts'
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts'
import { fileTokenStore } from './file-token-store.ts'
import { memoryTokenStore, type TokenStore } from './token-store.ts'

let directory: string
let clock: FakeClock
let store: TokenStore
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-tokens-'))
  clock = fakeClock({ auto: true })
  store = fileTokenStore(join(directory, 'tokens'), clock)
})
afterEach(async () => {
  clock.stop()
  await rm(directory, { recursive: true, force: true })
})

const token = { accessToken: 'acc3ss', refreshToken: 'r3fr3sh', issuedAt: 1, expiresAt: 20_001 }
const path = (name: string) => join(directory, 'tokens', name)

test('what was written is read, by this store and by the next one', async () => {
  expect(await store.read('desk')).toBeUndefined()
  await store.write('desk', token)
  const { refreshToken: _, ...without } = token
  await store.write('other', { ...without, expiresAt: null })
  const next = fileTokenStore(join(directory, 'tokens'), clock)
  expect(await next.read('desk')).toEqual(token)
  expect(await next.read('other')).toEqual({ ...without, expiresAt: null })
})

test('other users can read neither the files nor the directory, and nothing half-written stays behind', async () => {
  await store.write('desk', token)
  await store.write('desk', { ...token, accessToken: 'newer' })
  expect((await stat(path('desk.json'))).mode & 0o777).toBe(0o600)
  expect((await stat(path(''))).mode & 0o777).toBe(0o700)
  expect(await readdir(path(''))).toEqual(['desk.json'])
})

test('a name cannot lead out of the directory', async () => {
  await store.write('../../desk', token)
  expect(await readdir(path(''))).toEqual(['..%2F..%2Fdesk.json'])
})

test('a file that is no token is an error that does not quote it', async () => {
  for (const text of ['{"accessToken":"acc3ss"', '{"accessToken":"acc3ss","expiresAt":"r3fr3sh"}', '']) {
    await mkdir(path(''), { recursive: true })
    await writeFile(path('desk.json'), text)
    expect(await messageOf(store.read('desk'))).toBe(
      `the token file ${path('desk.json')} holds no token that can be understood: restore it, or delete it and authorize the application again`,
    )
  }
})

test('a directory that cannot be used is an error that says so', async () => {
  await writeFile(path(''), 'a file in its place')
  const error = await store.write('desk', token).catch((caught) => caught)
  expect(error).toMatchObject({ code: 'TOKEN_STORE_FAILED', recovery: 'fix-config' })
  expect(error.message).toMatch(
    /^the token file .*desk\.json cannot be written \(EEXIST.*\): make its directory readable and writable for this user, with space on its disk$/,
  )
  expect(error.message).not.toContain('r3fr3sh')
  expect(await messageOf(store.read('desk'))).toMatch(/^the token file .*desk\.json cannot be read \(ENOTDIR/)
  expect(await messageOf(store.lock!('desk'))).toMatch(
    /^the lock file .*desk\.json\.lock cannot be written \(EEXIST/,
  )
})

test('a write that fails leaves the old token, and no other file', async () => {
  await store.write('desk', token)
  await mkdir(path('blocked.json'))
  expect(await messageOf(store.write('blocked', token))).toMatch(
    /^the token file .*blocked\.json cannot be written/,
  )
  expect((await readdir(path(''))).sort()).toEqual(['blocked.json', 'desk.json'])
  await chmod(path('desk.json'), 0o600)
  expect(await store.read('desk')).toEqual(token)
})

test.each([
  ['files', () => store],
  ['memory', () => memoryTokenStore()],
])('%s: one at a time holds the lock of a name, in no more than one place', async (_, make) => {
  const shared = make()
  let inside = 0
  const seen: number[] = []
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const release = await shared.lock!('desk')
      seen.push(++inside)
      await new Promise(setImmediate)
      inside--
      await release()
    }),
  )
  expect(seen).toEqual(Array(8).fill(1))
  const desk = await shared.lock!('desk')
  const other = await shared.lock!('other')
  await desk()
  await other()
})

test('waiting for the lock ends with its signal', async () => {
  const release = await store.lock!('desk')
  const abort = new AbortController()
  const waiting = messageOf(store.lock!('desk', abort.signal))
  abort.abort(new Error('stopped'))
  expect(await waiting).toBe('stopped')
  await release()
  expect(await readdir(path(''))).toEqual([])
})

const lockText = (holder: object) =>
  JSON.stringify({ id: 'theirs', pid: process.pid, host: hostname(), at: clock.now(), ...holder })

async function leaveLock(text: string): Promise<void> {
  await mkdir(path(''), { recursive: true })
  await writeFile(path('desk.json.lock'), text)
}

test('the lock of a process that died on this machine is taken at once', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  await leaveLock(lockText({ pid }))
  const before = clock.now()
  await (await store.lock!('desk'))()
  expect(clock.now()).toBe(before)
  expect(await readdir(path(''))).toEqual([])
})

test('the lock of another machine is taken when it is older than any refresh can be', async () => {
  await leaveLock(lockText({ pid: 1, host: 'elsewhere' }))
  const before = clock.now()
  const releases = Promise.all(
    Array.from({ length: 4 }, async () => {
      await (await store.lock!('desk'))()
    }),
  )
  await releases
  expect(clock.now() - before).toBeGreaterThan(5 * 60_000)
  expect(clock.now() - before).toBeLessThan(6 * 60_000)
  expect(await readdir(path(''))).toEqual([])
})

test('a lock without a name in it, of a process that died as it made it, is taken after a while', async () => {
  await leaveLock('')
  const before = clock.now()
  await (await store.lock!('desk'))()
  expect(clock.now() - before).toBeGreaterThan(10_000)
  expect(clock.now() - before).toBeLessThan(11_000)
})

test('a process that died while it took a lock away hinders nobody', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  await leaveLock(lockText({ pid }))
  await writeFile(path('desk.json.lock.break'), lockText({ id: 'breaker', pid }))
  await (await store.lock!('desk'))()
  expect(await readdir(path(''))).toEqual([])
})

test('whoever lost the lock to its age leaves the new one alone', async () => {
  const slow = await store.lock!('desk')
  await leaveLock(lockText({ id: 'new holder' }))
  await slow()
  expect(await readFile(path('desk.json.lock'), 'utf8')).toContain('new holder')
})
