import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LoadRecord } from '../../src/ports/destination.ts'
import { Workspace } from './command-line.ts'
import { type ScriptedApi, scriptedApi, sendJson } from './scripted-api.ts'

let api: ScriptedApi
let work: Workspace
let events: { id: number; text: string }[]
beforeAll(async () => {
  events = []
  api = await scriptedApi((_, response, url) => {
    const after = Number(url.searchParams.get('after') ?? 0)
    sendJson(response, { events: events.filter(({ id }) => id > after).slice(0, 2) })
  })
  work = new Workspace()
  work.write(
    'pipeline.yaml',
    `name: log
destination: { type: duckdb, path: log.duckdb }
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
        write: append
        paginate: { type: keyset, param: after, field: id }
        incremental: { by: id, field: id, param: after }
`,
  )
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  work.remove()
})

async function loads(): Promise<readonly LoadRecord[]> {
  return JSON.parse((await work.sluice('loads', '--json')).stdout)
}

function rows(): Promise<unknown> {
  return work.query('log.duckdb', 'SELECT id, text FROM app_events ORDER BY id')
}

test('loads are listed, a bad one is taken out with what followed it, and the next run reads it again', async () => {
  expect(await work.sluice('loads')).toEqual({
    code: 0,
    stdout: 'no loads yet: nothing has been committed\n',
    stderr: '',
  })
  events.push({ id: 1, text: 'good' })
  expect(await work.sluice('run')).toMatchObject({ code: 0 })
  events.push({ id: 2, text: 'bad' }, { id: 3, text: 'bad' }, { id: 4, text: 'good' })
  expect(await work.sluice('run')).toMatchObject({ code: 0 })

  const listed = await work.sluice('loads', '--limit', '2')
  expect(listed.stdout).toMatch(
    /^load +committed +table +inserted +updated +deleted +unchanged +rejected +how\n─.*\n\S+\.app\.events\.\d+ +20\S+Z +app_events +1 .* append\n\S+\.app\.events\.\d+ +20\S+Z +app_events +2 .* append\n$/,
  )
  const [last, bad] = await loads()
  expect(bad).toMatchObject({ stream: 'app.events', table: 'app_events', inserted: 2, revertedAt: null })

  const refused = await work.sluice('revert', bad!.id)
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toBe(
    `error load ${bad!.id} can't be reverted: a later load of its stream went on from it, the last one ${last!.id}. ` +
      'Revert the last one first, or all of them with `--with-later`. Nothing was removed (LOAD_REVERT)\n',
  )
  const reverted = await work.sluice('revert', bad!.id, '--with-later')
  expect(reverted).toEqual({
    code: 0,
    stdout: 'took out 2 loads: 3 rows of app_events; the next run of app.events reads on from before it\n',
    stderr: '',
  })
  expect(await rows()).toEqual([{ id: 1, text: 'good' }])
  expect((await work.sluice('loads')).stdout).toMatch(/reverted 20\S+Z\n/)

  for (const event of events) event.text = 'good'
  expect(await work.sluice('run')).toMatchObject({ code: 0 })
  expect(await rows()).toEqual([1, 2, 3, 4].map((id) => ({ id, text: 'good' })))
})
