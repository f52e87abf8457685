import { readdirSync, statSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { queryDuckdb } from '../../src/destinations/files/test-files.ts'
import { Workspace } from './command-line.ts'
import { type ScriptedApi, scriptedApi, sendJson } from './scripted-api.ts'

let api: ScriptedApi
let work: Workspace
let events: { id: number; amount: number | string }[]
beforeAll(async () => {
  events = [
    { id: 1, amount: 1 },
    { id: 2, amount: 2.5 },
    { id: 3, amount: 3 },
  ]
  api = await scriptedApi((_, response, url) => {
    const after = Number(url.searchParams.get('after') ?? 0)
    sendJson(response, { events: events.filter(({ id }) => id > after).slice(0, 2) })
  })
  work = new Workspace()
  const pipeline = (write: string) => `name: log
destination: { type: files, path: lake, format: jsonl }
batch: { records: 2 }
sources:
  app:
    type: rest
    baseUrl: ${api.url}
    streams:
      events:
        path: events
        records: events
        key: id
        write: ${write}
        paginate: { type: keyset, param: after, field: id }
        incremental: { by: id, field: id, param: after }
`
  work.write('pipeline.yaml', pipeline('append'))
  work.write('merging.yaml', pipeline('merge'))
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  work.remove()
})

/** The rows that the printed view reads. */
async function rows(): Promise<unknown> {
  const { stdout } = await work.sluice('files', '--sql')
  const [view, ...others] = stdout.split(';\n')
  expect(others).toEqual([''])
  const sql = /^CREATE OR REPLACE VIEW "app_events" AS\n([\s\S]*)$/.exec(view!)![1]!
  return queryDuckdb(`SELECT id, amount FROM (${sql}) ORDER BY id`)
}

test('what a pipeline loads into files is listed, and read by the view that is printed', async () => {
  expect(await work.sluice('files')).toEqual({
    code: 0,
    stdout: 'no files yet: nothing has been loaded\n',
    stderr: '',
  })
  expect(await work.sluice('run')).toMatchObject({ code: 0 })
  expect(await rows()).toEqual([
    { id: 1, amount: 1 },
    { id: 2, amount: 2.5 },
    { id: 3, amount: 3 },
  ])
  events.push({ id: 4, amount: 'many' })
  expect(await work.sluice('run')).toMatchObject({ code: 0 })
  expect(await rows()).toMatchObject([
    { amount: '1' },
    { amount: '2.5' },
    { amount: '3' },
    { amount: 'many' },
  ])

  const { stdout } = await work.sluice('files', '--stream', 'app.events')
  const lines = stdout.trimEnd().split('\n')
  expect(lines.slice(0, 2)).toEqual([`in ${work.path('lake')}`, ''])
  expect(lines[2]).toMatch(/^app_events: 4 rows in 3 files, \d+ B$/)
  expect(lines).toHaveLength(8)
  expect(lines[5]).toMatch(/^log\/app_events\/\S+\.jsonl\.gz +2 +\d+ B +\S+\.app\.events\.1 +20\S+Z$/)
  const listed = JSON.parse((await work.sluice('files', '--json')).stdout)
  expect(listed[0].files.map(({ rows }: { rows: number }) => rows)).toEqual([2, 1, 1])
  expect(listed[0].files[0].location.startsWith(work.path('lake/log/app_events/'))).toBe(true)
})

test('a name that is wrong is told, with the nearest', async () => {
  expect(await work.sluice('files', '--stream', 'app.event')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      'nothing is live of a stream or table "app.event"; did you mean app.events?',
    ),
  })
})

test('the last load is taken out again, and the next run reads it anew', async () => {
  const [last] = JSON.parse((await work.sluice('loads', '--json')).stdout)
  expect(await work.sluice('revert', last.id)).toMatchObject({ code: 0 })
  expect(await rows()).toHaveLength(3)
  expect(await work.sluice('run')).toMatchObject({ code: 0 })
  expect(await rows()).toHaveLength(4)
  expect(await work.sluice('verify', 'app.events')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('nothing is missing, extra or different'),
  })
})

test('a stream that would merge is refused by plan and run, with what to write instead, and nothing is asked', async () => {
  const message =
    '`write: merge` takes rows that are found by their key, and files ' +
    `${work.path('lake')} only adds rows or swaps whole tables in: write \`append\` or \`replace\``
  const asked = api.asked.length
  expect(await work.sluice('plan', 'merging.yaml')).toMatchObject({
    stdout: expect.stringContaining(message),
  })
  expect(await work.sluice('run', 'merging.yaml')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(message),
  })
  expect(api.asked.length).toBe(asked)
})

test('eight runs at once load every record once: one does, the others find nothing or are told', async () => {
  events.push(...Array.from({ length: 40 }, (_, at) => ({ id: 100 + at, amount: at })))
  const runs = await Promise.all(Array.from({ length: 8 }, () => work.sluice('run')))
  expect(runs.some(({ code }) => code === 0)).toBe(true)
  for (const { code, stdout, stderr } of runs)
    if (code !== 0) expect(stdout + stderr).toContain('CHECKPOINT_CONFLICT')
  expect(await work.sluice('run')).toMatchObject({ code: 0 })
  expect(await rows()).toHaveLength(44)
  const [listed] = JSON.parse((await work.sluice('files', '--json')).stdout)
  expect(listed.rows).toBe(44)
  // What lost is left for nobody: it was dropped by its own run.
  const folder = work.path('lake/log/app_events')
  const live = new Set(listed.files.map(({ location }: { location: string }) => location))
  const lying = readdirSync(folder)
    .map((name) => `${folder}/${name}`)
    .filter((path) => statSync(path).isFile() && !live.has(path))
  // The one that was taken out above stays for its readers.
  expect(lying).toHaveLength(1)
})
