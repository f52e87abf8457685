import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { afterEach, expect, test } from 'vitest'
import type { Transport } from '../src/ports/runtime.ts'
import { fakeClock } from '../src/testing/fake-clock.ts'
import { asker, deskAuth, payAuth, trackAuth } from './ask.ts'
import { type SandboxServerOptions, startSandbox } from './server.ts'

const PAY = '/pay/v1/balance_transactions'
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function started(options: SandboxServerOptions = {}) {
  const server = await startSandbox({ records: 2_000, clock: fakeClock(), ...options })
  closing.push(() => server.close())
  const agent = new Agent()
  closing.push(() => agent.close())
  const transport: Transport = async ({ url, method, headers, body }) => {
    const response = await request(url, {
      dispatcher: agent,
      method: method as 'GET',
      headers,
      ...(body === undefined ? {} : { body }),
    })
    return {
      status: response.statusCode,
      headers: response.headers,
      body: response.body,
      discard: () => response.body.dump(),
    }
  }
  /** For what fails between the headers and the end of the body. */
  const send = async (path: string, headers: Record<string, string>) => {
    const response = await request(`${server.url}${path}`, { dispatcher: agent, headers })
    return { status: response.statusCode, text: () => response.body.text() }
  }
  return { ...server, ask: asker(transport, server.url), send }
}

test('the server listens on a free port of the loopback and answers as the sandbox does', async () => {
  const { url, ask, sandbox } = await started()
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  const { body } = await ask(
    '/desk/api/v2/incremental/tickets/cursor?start_time=0&per_page=1000',
    await deskAuth(ask),
  )
  expect(body.tickets).toEqual([...sandbox.truth.tickets()].map(({ json }) => JSON.parse(json)))
  const truth = await ask('/_sandbox/truth/users')
  expect(truth.text.trimEnd().split('\n')).toHaveLength(200)
})

test('a gzip export arrives whole over the wire', async () => {
  const { ask } = await started({ records: { exportEvents: 6_000 } })
  const path = '/track/api/2.0/export?project_id=1&from_date=2026-01-24&to_date=2026-01-31'
  const plain = await ask(path, trackAuth)
  const zipped = await ask(path, { headers: { ...trackAuth.headers, 'accept-encoding': 'gzip' } })
  expect(zipped.headers['content-encoding']).toBe('gzip')
  expect(zipped.text).toBe(plain.text)
  expect(plain.text.length).toBeGreaterThan(2_000_000)
})

const BROKEN = { code: expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/) }

test('a reset breaks the connection before the headers, and the next request works', async () => {
  const { ask, send, sandbox } = await started()
  sandbox.force(PAY, 'reset')
  await expect(send(PAY, payAuth.headers)).rejects.toMatchObject(BROKEN)
  expect((await ask(`${PAY}?limit=100`, payAuth)).body.data).toHaveLength(100)
})

test.each([
  ['truncate', PAY, payAuth],
  ['short', PAY, payAuth],
  ['truncate', '/track/api/2.0/export?project_id=1&from_date=2026-01-24&to_date=2026-01-30', trackAuth],
] as const)(
  'a body under 200 that is cut (%s of %s) breaks after its headers, and the next request works',
  async (kind, path, auth) => {
    const { ask, send, sandbox } = await started()
    sandbox.force(path, kind)
    const response = await send(path, auth.headers)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toMatchObject(BROKEN)
    expect((await ask(path, auth)).status).toBe(200)
  },
)

test('a port that is taken is refused with its reason', async () => {
  const { url } = await started()
  await expect(startSandbox({ port: Number(new URL(url).port) })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
})

test('with a state file a second start holds the same records, what changed in the first, and some news', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sandbox-'))
  closing.push(() => rmSync(folder, { recursive: true }))
  const stateFile = join(folder, 'state', 'sandbox.json')
  const clock = fakeClock()
  const first = await started({ stateFile, clock, records: 200 })
  first.sandbox.mutate({ inserts: 2 })
  const before = new Map([...first.sandbox.truth.tickets()].map(({ key, json }) => [key, json]))
  await first.close()
  await clock.advance(86_400_000)
  const second = await started({ stateFile, clock, records: 200 })
  const after = new Map([...second.sandbox.truth.tickets()].map(({ key, json }) => [key, json]))
  expect(second.sandbox.startTime).toBe(first.sandbox.startTime)
  expect([...after.keys()].slice(0, before.size)).toEqual([...before.keys()])
  expect(after.size).toBe(before.size + 40)
  const kept = [...before].filter(([key, json]) => after.get(key) === json)
  expect(kept.length).toBeLessThan(before.size)
  expect(kept.length).toBeGreaterThan(0)
  const other = await started({ stateFile, clock, records: 100 })
  expect(other.sandbox.rounds).toEqual([])
})

test('a state file that is none is refused by name, since a new world would not fit what was loaded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sandbox-'))
  closing.push(() => rmSync(folder, { recursive: true }))
  const stateFile = join(folder, 'sandbox.json')
  writeFileSync(stateFile, 'not a state')
  await expect(startSandbox({ stateFile })).rejects.toThrow(
    `stateFile: ${stateFile} can't be read as a sandbox's state; delete it for a new world`,
  )
})

test('a request that the sandbox cannot read is answered with 500 and the reason', async () => {
  const { send } = await started()
  const answer = await send(PAY, { host: 'a b' })
  expect(answer.status).toBe(500)
  expect(await answer.text()).toContain('Invalid URL')
})
