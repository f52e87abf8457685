import { afterAll, beforeAll, expect, test } from 'vitest'
import { duckdbDestination } from '../../src/destinations/duckdb/duckdb.ts'
import type { VerifyReport } from '../../src/verify/verify-stream.ts'
import { Workspace } from './command-line.ts'
import { type ScriptedApi, scriptedApi, sendJson } from './scripted-api.ts'

let api: ScriptedApi
let work: Workspace
const people = [
  {
    id: 1,
    name: 'Ada',
    joined: '2024-01-31T08:00:00+02:00',
    score: 1.5,
    tags: { b: 1, a: [1.0, 'x'] },
    big: 0,
  },
  { id: 2, name: 'Bo\u0000b', joined: '2024-02-01T00:00:00Z', score: 2, tags: null, big: 1 },
  { id: 3, name: 'Cy', joined: '2024-02-02T00:00:00Z', score: 3, tags: ['y'], big: 2 },
]
beforeAll(async () => {
  api = await scriptedApi((request, response) => {
    if (request.url === '/lines') return sendJson(response, { lines: [{ n: 1 }, { n: 1 }, { n: 2 }] })
    const body = JSON.stringify({ people }).replace(/"big":(\d)/g, '"big":9007199254740993$1.25')
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
  work = new Workspace()
  work.write(
    'pipeline.yaml',
    `name: staff
destination: { type: duckdb, path: staff.duckdb }
sources:
  hr:
    type: rest
    baseUrl: ${api.url}
    streams:
      people: { path: people, records: people, key: id, paginate: { type: none } }
      lines: { path: lines, records: lines, paginate: { type: none } }
      gone: { path: people, records: people, key: id, table: hr_people, write: delete, paginate: { type: none } }
`,
  )
  await work.sluice('run', '--only', 'hr.people,hr.lines')
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  work.remove()
})

async function change(sql: string): Promise<void> {
  await using session = await duckdbDestination({ path: work.path('staff.duckdb') }).open('staff')
  await session.query(sql)
}

test('a table that was just loaded is the same as its stream, whatever its values are', async () => {
  expect(await work.sluice('verify', 'hr.people')).toEqual({
    code: 0,
    stdout: 'hr.people: 3 records read, 3 rows in hr_people\n  nothing is missing, extra or different\n',
    stderr: '',
  })
  expect(await work.sluice('verify', 'hr.lines')).toMatchObject({ code: 0 })
})

test('what is missing, extra, different or doubled is told with its keys, and the exit code is 1', async () => {
  await change(
    `DELETE FROM hr_people WHERE id = 1; UPDATE hr_people SET score = 2.5 WHERE id = 2;
     INSERT INTO hr_people SELECT * FROM hr_people WHERE id = 3; INSERT INTO hr_people (id) VALUES (9)`,
  )
  const { code, stdout } = await work.sluice('verify', 'hr.people')
  expect(code).toBe(1)
  expect(stdout).toBe(
    `hr.people: 3 records read, 4 rows in hr_people
  missing (not in the table): 1
    1
  extra (not at the API): 1
    9
  different (the row says something else): 1
    2: score is 2 at the API, 2.5 in the table
  doubled (more than one row of a key): 1
    3
`,
  )
  const report = JSON.parse((await work.sluice('verify', 'hr.people', '--json')).stdout) as VerifyReport
  expect(report).toMatchObject({ records: 3, rows: 4, missing: { rows: 1, examples: ['1'] } })
})

test('without a key the rows are compared by what they say, as many as there are of each', async () => {
  await change('DELETE FROM hr_lines WHERE n = 2; INSERT INTO hr_lines (n) VALUES (1), (7)')
  const report = JSON.parse((await work.sluice('verify', 'hr.lines', '--json')).stdout) as VerifyReport
  expect([report.missing.rows, report.extra.rows, report.different.rows]).toEqual([1, 2, 0])
})

test('a new field at the API makes its records different; nothing is changed', async () => {
  Object.assign(people[2]!, { added: true })
  const { stdout } = await work.sluice('verify', 'hr.people', '--json')
  expect((JSON.parse(stdout) as VerifyReport).different).toEqual({
    rows: 2,
    examples: ['2', '3'],
    values: [
      { key: '2', column: 'score', api: '2', table: '2.5' },
      { key: '3', column: 'added', api: 'true', table: null },
    ],
  })
  const [row] = await work.query('staff.duckdb', 'SELECT count(*)::INTEGER AS n FROM hr_people')
  expect(row).toEqual({ n: 4 })
})

test('a stream that loads no rows is refused, and so is a whole source', async () => {
  const gone = await work.sluice('verify', 'hr.gone')
  expect(gone).toMatchObject({ code: 2, stdout: '' })
  expect(gone.stderr).toBe(
    'error hr.gone: `write: delete` loads no rows: verify the stream that loads hr_people (CONFIG_INVALID)\n',
  )
  expect((await work.sluice('verify', 'hr')).stderr).toMatch(
    /^error hr is a source of 3 streams; name one: hr\.people/,
  )
})
