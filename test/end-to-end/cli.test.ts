import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SandboxServer, startSandbox } from '../../sandbox/server.ts'
import type { PlannedStream } from '../../src/engine/plan.ts'
import type { RunReport } from '../../src/observe/report.ts'
import type { Checkpoint } from '../../src/ports/destination.ts'
import { sandboxVariables, threeSources, Workspace } from './command-line.ts'

let sandbox: SandboxServer
let work: Workspace
beforeAll(async () => {
  sandbox = await startSandbox({ records: 1000 })
  work = new Workspace()
  work.env = sandboxVariables(sandbox.url)
  work.write('pipeline.yaml', threeSources)
})
afterAll(async () => {
  await sandbox.close()
  work.remove()
})

async function checkpoints(): Promise<readonly Checkpoint[]> {
  return JSON.parse((await work.sluice('state', '--json')).stdout)
}

// The tests of one pipeline's life follow each other: each begins where the one before ended.

test('before the first run a plan tells the first requests, and the state is empty', async () => {
  const plan = await work.sluice('plan')
  expect(plan).toMatchObject({ code: 0, stderr: '' })
  expect(plan.stdout).toContain(
    `desk.users → desk_users (merge), from its beginning\n    GET ${sandbox.url}/desk/api/v2/incremental/users/cursor?start_time=1735689600\n`,
  )
  expect(plan.stdout).toMatch(/track\.export → .*\n {2}slice 20\d\d-\d\d-\d\dT00:00:00Z\n {4}GET /)
  expect(await work.sluice('state')).toEqual({
    code: 0,
    stdout: 'no checkpoints yet: nothing has been loaded\n',
    stderr: '',
  })
})

// PEERS: dlt check_connection
test('check says of each source and of the destination whether it works', async () => {
  const { code, stdout, stderr } = await work.sluice('check')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe(`✓ desk\n✓ pay\n✓ track\n✓ duckdb ${work.path('warehouse.duckdb')}\n`)
})

test('check gives up soon on an API that nobody answers at, and says why', async () => {
  work.write(
    'dead.yaml',
    [
      'name: dead',
      'destination: { type: duckdb, path: dead.duckdb }',
      "sources: { api: { type: rest, baseUrl: 'http://127.0.0.1:9', streams: { items: { path: items, paginate: { type: none } } } } }",
    ].join('\n'),
  )
  const { code, stdout } = await work.sluice('check', 'dead.yaml')
  expect(code).toBe(1)
  expect(stdout).toMatch(/^✗ api \(\w+\)\n {4}.*ECONNREFUSED/)
})

test('preview shows the request on stderr and records on stdout, one JSON object a line, and loads nothing', async () => {
  const { code, stdout, stderr } = await work.sluice('preview', 'desk.tickets', '--limit', '2')
  expect(code).toBe(0)
  expect(stderr).toBe(`GET ${sandbox.url}/desk/api/v2/incremental/tickets/cursor?start_time=1735689600\n`)
  const records = stdout.trimEnd().split('\n')
  expect(records.map((line) => Object.keys(JSON.parse(line)))).toEqual([
    expect.arrayContaining(['id', 'status']),
    expect.arrayContaining(['id', 'status']),
  ])
  expect(await checkpoints()).toEqual([])
})

// PEERS: dlt resource.selected
// PEERS: Airbyte ConditionalStreams
test('a run of some streams loads these alone', async () => {
  const { code, stdout, stderr } = await work.sluice('run', '--only', 'pay, desk.users')
  expect(code).toBe(0)
  expect(stdout).toMatch(/✓ desk\.users .*\n✓ pay\.transactions /)
  expect(stdout).toMatch(/three_sources: \d+ records read in [\d.]+ s, \d+ new, 0 changed\n$/)
  expect(stdout).not.toContain('track')
  // Plain lines: a time and what happened, no colours, none of them long.
  for (const line of stderr.trimEnd().split('\n')) {
    expect(line).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S/)
    expect(line.length).toBeLessThan(300)
  }
  expect(`${stdout}${stderr}`).not.toContain('\u001b')
  expect(new Set((await checkpoints()).map(({ stream }) => stream))).toEqual(
    new Set(['desk.users', 'pay.transactions']),
  )
})

// PEERS: dlt test_offline second run filters all
test('--json prints one document on stdout; the next run finds nothing new', async () => {
  const { code, stdout, stderr } = await work.sluice('run', '--json')
  expect(code).toBe(0)
  expect(stderr).toMatch(/desk\.tickets committed [1-9][\d,]* records/)
  const report = JSON.parse(stdout) as RunReport
  expect(report).toMatchObject({ pipeline: 'three_sources', outcome: 'done' })
  expect(report.streams.map(({ stream, outcome }) => [stream, outcome])).toEqual(
    ['desk.users', 'desk.tickets', 'pay.transactions', 'track.events', 'track.export'].map((stream) => [
      stream,
      'done',
    ]),
  )
  const tickets = await work.query('warehouse.duckdb', 'SELECT count(*)::INTEGER AS n FROM desk_tickets')
  expect(tickets).toEqual([{ n: [...sandbox.sandbox.truth.tickets()].length }])

  const again = await work.sluice('run', '--only', 'desk,pay')
  expect(again.code).toBe(0)
  expect(again.stdout).toMatch(/, nothing new\n$/)
})

// PEERS: dlt incremental attributes
test('the state shows where each stream stands', async () => {
  const { code, stdout } = await work.sluice('state', 'show')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^stream +slice +loaded up to +position +commits +last commit\n─/)
  expect(stdout).toMatch(/desk\.tickets +all +– +goes on at \S+ +\d+ +20/)
  expect(stdout).toMatch(/pay\.transactions +all +20\S+Z +read to its end +\d+ +20/)
})

// PEERS: dlt incremental allow_external_schedulers
test('a backfill leaves the checkpoints alone', async () => {
  const before = await checkpoints()
  const since = new Date(sandbox.sandbox.startTime - 20 * 86_400_000).toISOString().slice(0, 10)
  const until = new Date(sandbox.sandbox.startTime - 10 * 86_400_000).toISOString().slice(0, 10)
  const { code, stdout } = await work.sluice('run', '--only', 'pay', '--since', since, '--json')
  expect(code).toBe(0)
  const [stream] = (JSON.parse(stdout) as RunReport).streams
  expect(stream!.records).toBeGreaterThan(0)
  expect(stream).toMatchObject({ inserted: 0, unchanged: stream!.records })
  expect(await checkpoints()).toEqual(before)

  // An API without a filter can't be backfilled: the plan says so, and so does the run.
  const plan = await work.sluice('plan', '--since', since, '--until', until)
  expect(plan.code).toBe(2)
  expect(plan.stdout).toMatch(
    /track\.events → .*\n {2}refused: --since and --until can't bound this stream: it has neither `incremental` nor `slices` of time, /,
  )
  expect(plan.stdout).toMatch(/track\.export → .*\n {2}slice 20/)

  const asked = sandbox.sandbox.stats.log.length
  const alone = await work.sluice('run', '--only', 'track.events', '--since', since)
  expect(alone).toMatchObject({ code: 2, stdout: '' })
  expect(alone.stderr).toMatch(
    /^error track\.events: .*it has neither `incremental` nor `slices` of time, so the API has no filter to ask with.* \(CONFIG_INVALID\)\n$/,
  )
  const among = await work.sluice('run', '--only', 'track,pay', '--since', since)
  expect(among).toMatchObject({ code: 2, stdout: '' })
  expect(among.stderr).toMatch(
    /^error track\.events: .*\nThe others can be: --only pay\.transactions,track\.export \(CONFIG_INVALID\)\n$/,
  )
  expect(sandbox.sandbox.stats.log.length).toBe(asked)
})

test('a reset forgets the checkpoints of a stream, and the next run reads it from its beginning', async () => {
  const reset = await work.sluice('state', 'reset', 'desk.users')
  expect(reset).toEqual({
    code: 0,
    stdout: 'desk.users: its checkpoints are forgotten; the next run reads it from its beginning\n',
    stderr: '',
  })
  const { stdout } = await work.sluice('run', '--only', 'desk.users', '--json')
  const [users] = (JSON.parse(stdout) as RunReport).streams
  expect(users).toMatchObject({ inserted: 0, unchanged: users!.records })
  expect(users!.records).toBeGreaterThan(0)
})

test('a full refresh reads everything anew and swaps it in', async () => {
  const plan = await work.sluice('plan', '--only', 'desk.tickets', '--full-refresh', '--json')
  expect(JSON.parse(plan.stdout) as PlannedStream[]).toMatchObject([
    { stream: 'desk.tickets', from: 'start', write: 'merge, replaced anew', moreSlices: 0 },
  ])
  const { code, stdout } = await work.sluice('run', '--only', 'desk.tickets', '--full-refresh', '--json')
  expect(code).toBe(0)
  const [tickets] = (JSON.parse(stdout) as RunReport).streams
  expect(tickets!.inserted).toBe([...sandbox.sandbox.truth.tickets()].length)
})

test('exit code 1: a stream failed, the others are loaded, and the report says why', async () => {
  work.write('partly.yaml', threeSources.replace('path: balance_transactions', 'path: no_such_thing'))
  const { code, stdout, stderr } = await work.sluice('run', 'partly.yaml', '--only', 'pay,desk')
  expect(code).toBe(1)
  expect(stdout).toContain('✗ pay.transactions')
  expect(stdout).toContain('✓ desk.users')
  expect(stdout).toMatch(
    /pay\.transactions failed \(HTTP_STATUS\)\n {2}GET \S+no_such_thing\S+ answered 404: /,
  )
  expect(stdout).toMatch(/; 1 of 3 streams failed\n$/)
  expect(stderr).toContain('pay.transactions failed (HTTP_STATUS): GET ')
})

test('exit code 1: check tells a wrong credential, though the API answers users/me to anyone', async () => {
  const good = work.env
  work.env = { ...good, DESK_CLIENT_SECRET: 'wrong-secret-wrong', PAY_KEY: 'sk_test_wrong_wrong' }
  const { code, stdout } = await work.sluice('check')
  work.env = good
  expect(code).toBe(1)
  expect(stdout).toMatch(/✗ desk \(TOKEN_REFUSED\)\n {4}desk: the token endpoint \S+ /)
  expect(stdout).toMatch(/✗ pay \(AUTH_REFUSED\)\n {4}GET \S+ answered 401: /)
  expect(stdout).toContain('✓ track\n')
  expect(stdout).not.toContain('wrong-secret-wrong')
  expect(stdout).not.toContain('sk_test_wrong_wrong')
})

// PEERS: dlt test_auth_config secrets from the environment
test('exit code 2: a missing or empty variable is named with its place, with all others, before anything is asked', async () => {
  const good = work.env
  const { PAY_KEY: _, ...rest } = good
  work.env = { ...rest, TRACK_SECRET: '' }
  const asked = sandbox.sandbox.stats.log.length
  const run = await work.sluice('run')
  const partly = await work.sluice('run', '--only', 'desk')
  const plan = await work.sluice('plan')
  const preview = await work.sluice('preview', 'pay.transactions')
  const check = await work.sluice('check')
  work.env = {}
  const addresses = await work.sluice('plan', '--only', 'desk,pay')
  const state = await work.sluice('state')
  const reset = await work.sluice('state', 'reset', 'track.export')
  work.env = good
  expect(run).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'error sources.pay.auth.token: the environment variable PAY_KEY is not set: set it before the run, or name another one in the pipeline\n  also sources.track.auth.password: TRACK_SECRET is empty (SECRET_MISSING)\n',
  })
  expect(check).toEqual(run)
  expect(preview.stderr).toBe(
    'error sources.pay.auth.token: the environment variable PAY_KEY is not set: set it before the run, or name another one in the pipeline (SECRET_MISSING)\n',
  )
  // A source that is not read needs nothing, a plan no credential, and the state no variable at all.
  expect(sandbox.sandbox.stats.log.slice(asked).every(({ endpoint }) => endpoint.startsWith('desk'))).toBe(
    true,
  )
  expect([partly.code, plan.code, state.code, reset.code]).toEqual([0, 0, 0, 0])
  expect(addresses).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'error sources.desk.baseUrl: the environment variable DESK_URL is not set: set it before the run, or name another one in the pipeline\n  also sources.pay.baseUrl: PAY_URL is not set (SECRET_MISSING)\n',
  })
})

const mistakes = [
  [['run', 'none.yaml'], 'error none.yaml: there is no such file (CONFIG_INVALID)\n'],
  [
    ['run', '--only', 'desk.ticket'],
    'error no stream or source is named "desk.ticket"; did you mean desk.tickets? There are ',
  ],
  [
    ['preview', 'desk'],
    'error desk is a source of 2 streams; name one: desk.users, desk.tickets (CONFIG_INVALID)\n',
  ],
  [['run', '--since', 'yesterday'], 'error --since: "yesterday" is no ISO date or time, as in 2026-01-31'],
  [
    ['run', '--since', '2026-02-01', '--until', '2026-01-01'],
    'error --until: 2026-01-01 is not after 2026-02-01 (--since): there is nothing between them (CONFIG_INVALID)\n',
  ],
  [
    ['preview', 'desk.users', '--limit', 'x'],
    "error: option '--limit <n>' argument 'x' is invalid. \"x\" is no whole number.\n",
  ],
  [['rum'], "error: unknown command 'rum'\n(Did you mean run?)\n"],
  [['run', '--ful-refresh'], "error: unknown option '--ful-refresh'\n(Did you mean --full-refresh?)\n"],
] as const

test('exit code 2: a wrong command line says what is wrong with it, on stderr alone', async () => {
  const ended = await Promise.all(mistakes.map(([args]) => work.sluice(...args)))
  for (const [index, { code, stdout, stderr }] of ended.entries()) {
    const message = mistakes[index]![1]
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr.slice(0, message.length)).toBe(message)
  }
})

// PEERS: dlt pending packages
test.concurrent('exit code 130: a run that is interrupted commits what is complete, and the next one goes on', async () => {
  const slow = await startSandbox({ records: { transactions: 2000 }, latencyMs: 60 })
  const other = new Workspace()
  other.env = sandboxVariables(slow.url)
  other.write('pipeline.yaml', `batch: { records: 100 }\n${threeSources}`)
  const running = other.start('run', '--only', 'pay')
  await running.said('pay.transactions committed')
  running.kill('SIGINT')
  const { code, stdout, stderr } = await running.ended
  expect(code).toBe(130)
  expect(stderr).toMatch(/Z stopping: committing what is complete; Ctrl-C again stops at once\n/)
  // The request that was cut off is no error, and a pipe gets lines that a page can hold.
  expect(stdout).toMatch(/‖ pay\.transactions .* 0 %\n/)
  for (const line of stdout.split('\n').slice(0, 6)) expect(line.length).toBeLessThanOrEqual(100)
  expect(stdout).toContain('‖ pay.transactions')
  expect(stdout).toMatch(/interrupted: what was complete is committed, the next run goes on from there\n$/)
  const next = await other.sluice('run', '--only', 'pay', '--json')
  expect(next.code).toBe(0)
  const count = await other.query('warehouse.duckdb', 'SELECT count(*)::INTEGER AS n FROM pay_transactions')
  expect(count).toEqual([{ n: 2000 }])
  expect((JSON.parse(next.stdout) as RunReport).records).toBeLessThan(2000)
  await slow.close()
  other.remove()
})

test.concurrent('help says what there is, for the whole and for each command', async () => {
  const help = await work.sluice('--help')
  expect(help).toMatchObject({ code: 0, stderr: '' })
  for (const command of ['run', 'plan', 'preview', 'state', 'check', 'init', 'schema', 'sandbox'])
    expect(help.stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'))
  expect(help.stdout).toContain(
    'Exit codes: 0 done, 1 a stream failed, 2 the config is wrong, 75 paused until a quota has room, 130 interrupted.',
  )
  const run = await work.sluice('run', '--help')
  for (const option of ['--only', '--since', '--until', '--full-refresh', '--json'])
    expect(run.stdout).toContain(option)
})

test.concurrent('init writes a pipeline that runs against the sandbox command, and overwrites nothing', async () => {
  const other = new Workspace()
  const server = other.start('sandbox', '--records', '400', '--port', '0')
  const [, address = ''] = await server.said(/track {2}(http:\/\/127\.0\.0\.1:\d+)\//)
  for (const file of ['pipeline.ts', 'other.yaml']) {
    const init = await other.sluice('init', file)
    expect(init).toMatchObject({ code: 0, stderr: '' })
    const text = readFileSync(other.path(file), 'utf8')
    // As it was written, but for the port, which may be taken here.
    other.write(file, text.replace('http://127.0.0.1:8080', address))
    const run = await other.sluice('run', file, '--full-refresh', '--json')
    const report = JSON.parse(run.stdout) as RunReport
    expect(report).toMatchObject({ outcome: 'done', streams: [{ stream: 'track.events', rejected: 0 }] })
    expect(report.records).toBeGreaterThan(50)
    const rows = await other.query('warehouse.duckdb', 'SELECT count(*)::INTEGER AS n FROM track_events')
    expect(rows).toEqual([{ n: report.records }])
  }
  server.kill('SIGTERM')
  const { stdout, code } = await server.ended
  expect(code).toBe(0)
  expect(stdout).toMatch(/^sandbox with 400 records \(seed 1, faults: none\); stop it with Ctrl-C\n/)
  expect(await other.sluice('init')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'error pipeline.ts is there already: name another file (CONFIG_INVALID)\n',
  })
  expect((await other.sluice('init', 'x.toml')).stderr).toBe(
    'error x.toml: name a file that ends in .ts or .yaml (CONFIG_INVALID)\n',
  )
  const several = await other.sluice('plan')
  expect(several.code).toBe(0)
  other.write('pipeline.yaml', threeSources)
  expect((await other.sluice('plan')).stderr).toBe(
    'error there are several pipeline files here, name one: pipeline.ts, pipeline.yaml (CONFIG_INVALID)\n',
  )
  other.remove()
})

test.concurrent('without a pipeline file, the message says how to get one', async () => {
  const other = new Workspace()
  expect(await other.sluice('run')).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'error there is no pipeline file here: name one, or write one with `sluice init` (CONFIG_INVALID)\n',
  })
  expect(existsSync(other.path('warehouse.duckdb'))).toBe(false)
  other.remove()
})

test('on a terminal a run is a live picture that its summary takes the place of', async () => {
  const { code, stdout } = await work.inTerminal('run', '--only', 'desk,pay', '--full-refresh')
  expect(code).toBe(0)
  // Drawn over itself, and erased at the end.
  expect(stdout).toContain('\u001b[0J')
  const plain = stdout.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '').replaceAll('\r', '')
  expect(plain).toMatch(/three_sources {2}[\d.]+ s {2}[\d,]+ records read, /)
  for (const line of plain.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  expect(plain.trimEnd()).toMatch(/three_sources: [\d,]+ records read in [\d.]+ s, [\d,]+ new, 0 changed$/)
})
