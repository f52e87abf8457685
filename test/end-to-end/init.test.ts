// `sluice init URL` against servers on the loopback interface: what it writes is loaded from its file and run as it is, and loads every
// record. The command and the run are called within this process, but where the process itself is looked at: its streams and exit codes,
// its environment, and the package that a file in TypeScript imports.
import { existsSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SandboxServer, startSandbox } from '../../sandbox/server.ts'
import { CREDENTIALS } from '../../sandbox/tokens.ts'
import { type InitCommandOptions, initCommand } from '../../src/cli/commands/init.ts'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { loadPipeline } from '../../src/config/load.ts'
import type { RunReport } from '../../src/observe/report.ts'
import { run } from '../../src/run.ts'
import { Workspace } from './command-line.ts'
import { type Handler, scriptedApi, sendJson } from './scripted-api.ts'

/** Calls the command in the workspace, where nobody sits at a terminal: its exit code, and what it printed. */
async function init(
  work: Workspace,
  target: string,
  { file, ...options }: InitCommandOptions & { readonly file?: string } = {},
): Promise<{ readonly code: number; readonly stdout: string }> {
  let stdout = ''
  const code = await initCommand(target, file, options, {
    questions: undefined,
    directory: work.folder,
    lookup: (name) => work.env[name],
    print(text) {
      stdout += text
    },
  })
  return { code, stdout }
}

/** What the command fails with. */
async function refusal(...args: Parameters<typeof init>): Promise<{ code: number; stderr: string }> {
  const error = await init(...args).then(
    ({ stdout }) => expect.fail(`it wrote: ${stdout}`),
    (error: Error) => error,
  )
  return { code: exitCodeOf(error), stderr: error.message }
}

/** Loads the file, and runs it. */
async function runFile(work: Workspace, file = 'pipeline.yaml'): Promise<RunReport> {
  const { pipeline, directory } = await loadPipeline(work.path(file))
  return run(pipeline, { directory, lookup: (name) => work.env[name] })
}

const total = 47
const pageLength = 10
const all = Array.from({ length: total }, (_, index) => ({
  id: index + 1,
  name: `item ${index + 1}`,
  price: 0.5,
  updated_at: '2024-05-01T10:00:00Z',
}))
const from = (start: number) => all.slice(start, start + pageLength)

type List = (url: URL, response: ServerResponse, request: IncomingMessage) => unknown

const number = (url: URL, name: string, otherwise: number) => Number(url.searchParams.get(name) ?? otherwise)

interface Manner {
  readonly name: string
  readonly path?: string
  /** Gives a body to send as JSON, or sends an answer itself. */
  readonly list: List
  /** What stands in the file. */
  readonly writes: readonly (string | RegExp)[]
}

const manners: readonly Manner[] = [
  {
    name: 'a cursor in the body',
    list: (url) => {
      const at = number(url, 'cursor', 0)
      return {
        results: from(at),
        meta: { next_cursor: at + pageLength < total ? String(at + pageLength) : null },
      }
    },
    writes: [
      'records: results',
      'paginate: { type: cursor, token: meta.next_cursor, param: cursor }',
      'key: id',
    ],
  },
  {
    name: 'a cursor whose parameter the answer does not name',
    list: (url) => {
      const at = number(url, 'after', 0)
      return {
        data: from(at),
        paging: { next_cursor: at + pageLength < total ? String(at + pageLength) : null },
      }
    },
    writes: ['paginate: { type: cursor, token: paging.next_cursor, param: after }', 'after was tried'],
  },
  {
    name: 'a URL of the next page',
    list: (url) => {
      const at = number(url, 'after', 0)
      url.searchParams.set('after', String(at + pageLength))
      return { data: from(at), links: { next: at + pageLength < total ? url.href : null } }
    },
    writes: ['paginate: { type: next-url, url: links.next }'],
  },
  {
    name: 'a Link header',
    list: (url, response) => {
      const page = number(url, 'page', 1)
      if (page * pageLength < total)
        response.setHeader('link', `<${url.origin}/v1/items?page=${page + 1}>; rel="next"`)
      return from((page - 1) * pageLength)
    },
    writes: ['paginate: { type: link-header }'],
  },
  {
    name: 'page numbers with the number of all pages',
    list: (url) => {
      const page = number(url, 'page', 1)
      return { items: from((page - 1) * pageLength), page, total_pages: Math.ceil(total / pageLength) }
    },
    writes: ['paginate: { type: page-number, param: page, totalPages: total_pages }'],
  },
  {
    name: 'an offset with the number of all records',
    list: (url) => {
      const offset = number(url, 'offset', 0)
      return { objects: from(offset), offset, total }
    },
    writes: ['paginate: { type: offset, param: offset, total: total }'],
  },
  {
    name: 'a flag, and the id of the last record (Stripe)',
    list: (url) => {
      const at = number(url, 'starting_after', 0)
      return { object: 'list', data: from(at), has_more: at + pageLength < total, url: '/v1/items' }
    },
    writes: ['paginate: { type: keyset, param: starting_after, more: has_more }'],
  },
  {
    name: 'a flag, and nothing that says how to go on',
    list: (url) => {
      const at = number(url, 'after_id', 0)
      return { rows: from(at), has_more: at + pageLength < total }
    },
    writes: ['`after_id` with the id of the last record was tried', 'more: has_more'],
  },
  {
    name: 'page numbers that nothing speaks of',
    list: (url) => from((number(url, 'page', 1) - 1) * pageLength),
    writes: [
      '`page` with the number of a page, counted from 1 was tried',
      'paginate: { type: page-number, param: page }',
    ],
  },
  {
    name: 'page numbers from zero that nothing speaks of',
    list: (url) => from(number(url, 'page', 0) * pageLength),
    writes: ['counted from 0 was tried', 'paginate: { type: page-number, param: page, first: 0 }'],
  },
  {
    name: 'an offset that nothing speaks of',
    list: (url) => from(number(url, 'skip', 0)),
    writes: ['`skip` with the number of records before the page was tried'],
  },
  {
    name: 'a plain list',
    list: () => all,
    writes: ['paginate: { type: none }', 'one answer is taken for the whole list'],
  },
  {
    name: 'an object of records',
    list: () => ({
      items: Object.fromEntries(all.map(({ id, ...rest }) => [`k${id}`, { ...rest, number: id }])),
    }),
    writes: ['records: items', 'recordsAs: { map: id }', 'key: id'],
  },
  {
    name: 'records inside an object of fields',
    list: () => all.map((record) => ({ event: 'seen', properties: record })),
    writes: ['unwrap: properties', 'key: id'],
  },
  {
    name: 'CSV with semicolons',
    list: (_, response) => {
      const rows = all.map(({ id, name, price }) => `${id};"${name}";${price}`)
      response.setHeader('content-type', 'text/csv')
      response.end(`id;name;price\n${rows.join('\n')}\n`)
    },
    writes: ['format: { type: csv, delimiter: ; }', 'key: id'],
  },
  {
    name: 'JSON Lines under a wrong content type',
    list: (_, response) => {
      response.setHeader('content-type', 'application/octet-stream')
      response.end(all.map((record) => JSON.stringify(record)).join('\n'))
    },
    writes: ['format: jsonl', 'key: id'],
  },
  {
    name: 'XML',
    list: (_, response) => {
      response.setHeader('content-type', 'text/xml')
      const items = all.map(({ id, name }) => `<item><id>${id}</id><name>${name}</name></item>`)
      response.end(`<?xml version="1.0"?><feed><items>${items.join('')}</items></feed>`)
    },
    writes: ['format: xml', 'records: feed.items.item', 'key: id'],
  },
]

const handlerOf =
  (list: List): Handler =>
  (request, response, url) => {
    const body = list(url, response, request)
    if (body === undefined || response.writableEnded) return
    sendJson(response, body)
  }

for (const { name, list, writes, path = '/v1/items' } of manners) {
  test.concurrent(`init writes a pipeline that loads every record of a list with ${name}`, async () => {
    await using api = await scriptedApi(handlerOf(list))
    const work = new Workspace()
    expect((await init(work, `${api.url}${path}`)).code).toBe(0)
    const text = readFileSync(work.path('pipeline.yaml'), 'utf8')
    for (const wanted of writes) {
      if (typeof wanted === 'string') expect(text).toContain(wanted)
      else expect(text).toMatch(wanted)
    }
    expect((await runFile(work)).outcome).toBe('done')
    const rows = await work.query('warehouse.duckdb', 'SELECT name FROM api_items')
    expect(rows.map((row) => row['name']).toSorted()).toEqual(all.map(({ name }) => name).toSorted())
    work.remove()
  })
}

test.concurrent('with --format ts it writes a TypeScript pipeline that loads the same', async () => {
  await using api = await scriptedApi(handlerOf(manners[0]!.list))
  const work = new Workspace()
  expect(await work.sluice('init', `${api.url}/v1/items?status=open`, '--format', 'ts')).toMatchObject({
    code: 0,
    stderr: '',
  })
  const text = readFileSync(work.path('pipeline.ts'), 'utf8')
  expect(text).toContain("import { cursor, definePipeline, duckdb, rest } from 'sluice'")
  expect(text).toContain("query: { status: 'open' },")
  expect(text).toContain("// incremental: { by: 'time', field: 'updated_at'")
  const run = await work.sluice('run', '--json')
  expect((JSON.parse(run.stdout) as RunReport).records).toBe(total)
  work.remove()
})

let sandbox: SandboxServer
beforeAll(async () => {
  sandbox = await startSandbox({ records: 1000 })
})
afterAll(() => sandbox.close())

test.concurrent('with a credential it reads the sandbox in the manners of Stripe, and loads every record', async () => {
  const work = new Workspace()
  work.env = { PAY_KEY: CREDENTIALS.pay.secretKey }
  const { code, stdout } = await init(work, `${sandbox.url}/pay/v1/balance_transactions?limit=100`, {
    auth: 'bearer:PAY_KEY',
  })
  expect(code).toBe(0)
  const text = readFileSync(work.path('pipeline.yaml'), 'utf8')
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable as YAML spells it
  expect(text).toContain('auth: { type: bearer, token: "${env:PAY_KEY}" }')
  expect(text).toContain('paginate: { type: keyset, param: starting_after, more: has_more }')
  expect(`${text}${stdout}`).not.toContain(CREDENTIALS.pay.secretKey)
  expect((await runFile(work)).records).toBe([...sandbox.sandbox.truth.transactions()].length)
  work.remove()
})

test.concurrent('with a user and a password it reads the sandbox in the manners of Mixpanel', async () => {
  const work = new Workspace()
  work.env = { TRACK_USER: 'sluice.service', TRACK_SECRET: 'track-sandbox-secret' }
  const url = `${sandbox.url}/track/api/query/events?project_id=1`
  expect((await init(work, url, { auth: 'basic:TRACK_USER:TRACK_SECRET' })).code).toBe(0)
  const text = readFileSync(work.path('pipeline.yaml'), 'utf8')
  expect(text).toContain('unwrap: properties')
  expect(text).toContain('key: $insert_id')
  expect((await runFile(work)).records).toBe([...sandbox.sandbox.truth.events()].length)
  work.remove()
})

test.concurrent('S1: a secret in the address is written as a variable, and asked with', async () => {
  const asked: string[] = []
  await using api = await scriptedApi((_, response, url) => {
    asked.push(url.searchParams.get('api_key') ?? '')
    if (url.searchParams.get('api_key') !== 's3cret-value')
      return sendJson(response, { message: 'no key' }, 401)
    sendJson(response, url.searchParams.get('page') === '2' ? [] : all)
  })
  const work = new Workspace()
  const { code, stdout } = await init(work, `${api.url}/v1/items?api_key=s3cret-value&state=all`)
  expect(code).toBe(0)
  const text = readFileSync(work.path('pipeline.yaml'), 'utf8')
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable as YAML spells it
  expect(text).toContain('query: { api_key: "${env:API_KEY}" }')
  expect(text).toContain('query: { state: all }')
  expect(`${text}${stdout}`).not.toContain('s3cret')
  work.env = { API_KEY: 's3cret-value' }
  expect((await runFile(work)).outcome).toBe('done')
  expect(asked.every((key) => key === 's3cret-value')).toBe(true)
  work.remove()
})

interface Refusal {
  readonly name: string
  readonly handler: Handler
  readonly auth?: string
  readonly env?: Record<string, string>
  readonly code: number
  readonly says: string | RegExp
}

const text = (response: ServerResponse, body: string, type: string, status = 200) =>
  void response.writeHead(status, { 'content-type': type }).end(body)

const refusals: readonly Refusal[] = [
  {
    name: '401',
    handler: (_, response) => sendJson(response, { message: 'missing token' }, 401),
    code: 2,
    says: /401: missing token\. No credential was sent\. Nothing was written: put the credential into an environment variable, as in `export API_TOKEN=…`, and name the variable, as in `--auth bearer:API_TOKEN`\. Its forms: bearer:TOKEN_VARIABLE, header:X-Api-Key:KEY_VARIABLE/,
  },
  {
    name: '403 with a credential',
    handler: (_, response) => sendJson(response, { message: 'not yours' }, 403),
    auth: 'header:X-Api-Key:MY_KEY',
    env: { MY_KEY: 'hush-hush' },
    code: 2,
    says: /403: not yours\. What was sent: the value of MY_KEY, in the header X-Api-Key\. Nothing was written: it may lack a permission or scope, or the API wants it in another place/,
  },
  {
    name: '404',
    handler: (_, response) => sendJson(response, { message: 'no such path' }, 404),
    code: 1,
    says: /404.*no such path.*check baseUrl and path/,
  },
  {
    name: 'a web page',
    handler: (_, response) => text(response, '<!doctype html><html><body>Log in</body></html>', 'text/html'),
    code: 2,
    says: /answered a web page \(content-type: text\/html\), where an API answers data: that is a login or documentation page/,
  },
  {
    name: 'an empty body',
    handler: (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(),
    code: 2,
    says: /answered 200 with an empty body: there is nothing to tell a list by/,
  },
  {
    name: 'an error under 200',
    handler: (_, response) => sendJson(response, { ok: false, error: 'invalid_scope' }),
    code: 2,
    says: /answered an error under a success status: .*invalid_scope/,
  },
  {
    name: 'a single value',
    handler: (_, response) => text(response, '{}', 'application/json'),
    code: 2,
    says: /answered an empty object/,
  },
  {
    name: 'plain text',
    handler: (_, response) => text(response, 'hello there', 'text/plain'),
    code: 2,
    says: /answered text that is no JSON, CSV or XML \(content-type: text\/plain\), and init reads JSON, JSON Lines, CSV and XML/,
  },
  {
    name: 'a variable that is not set',
    handler: (_, response) => sendJson(response, all),
    auth: 'bearer:NOT_SET_ANYWHERE',
    code: 2,
    says: /the environment variable NOT_SET_ANYWHERE is not set/,
  },
  {
    name: 'a value in place of a variable, which is not repeated',
    handler: (_, response) => sendJson(response, all),
    auth: 'bearer:sk-live-0815',
    code: 2,
    says: /^--auth: what follows bearer: is no name of an environment variable\. Put the value into one, as in `export API_TOKEN=…`/,
  },
  {
    name: 'JSON Lines without a field that could be a key',
    handler: (_, response) =>
      text(response, '{"a":1.5}\n{"a":1.5}\n{"a":2.5,"b":true}\n', 'application/x-ndjson'),
    code: 2,
    says: /no field of the 3 records that were read tells one from another, and a stream of format jsonl needs a key: name the field, or several with commas, with --key/,
  },
]

for (const { name, handler, auth, env = {}, code, says } of refusals) {
  test.concurrent(`init writes nothing, and says why, at ${name}`, async () => {
    await using api = await scriptedApi(handler)
    const work = new Workspace()
    work.env = env
    const refused = await refusal(work, `${api.url}/v1/items`, auth === undefined ? {} : { auth })
    expect(refused.stderr).toMatch(says)
    expect(refused.code).toBe(code)
    expect(refused.stderr).not.toMatch(/hush|0815/)
    expect(existsSync(work.path('pipeline.yaml'))).toBe(false)
    work.remove()
  })
}

test.concurrent('as a process it loads a list, and tells by its exit code and on stderr that it was refused', async () => {
  await using api = await scriptedApi(handlerOf(manners[0]!.list))
  const work = new Workspace()
  expect(await work.sluice('init', `${api.url}/v1/items`)).toMatchObject({ code: 0, stderr: '' })
  const run = await work.sluice('run', '--json')
  expect(run.code).toBe(0)
  expect((JSON.parse(run.stdout) as RunReport).records).toBe(total)
  const { handler, code, says } = refusals[0]!
  api.handle = handler
  const init = await work.sluice('init', `${api.url}/v1/items`, 'refused.yaml')
  expect(init).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(/^error /) })
  expect(init.stderr).toMatch(says)
  expect(existsSync(work.path('refused.yaml'))).toBe(false)
  work.remove()
})

test.concurrent('init says what is wrong with an address, a file, and options that have no use', async () => {
  const work = new Workspace()
  const said = async (...args: [target: string, options?: Parameters<typeof init>[2]]) => {
    const { code, stderr } = await refusal(work, ...args)
    expect(code).toBe(2)
    return stderr
  }
  expect(await said('http://user:pass@127.0.0.1:9/items')).toBe(
    'the address holds a user or a password, which would be written into the file: leave them out, and name the variables that hold them with --auth basic:USER_VARIABLE:PASSWORD_VARIABLE',
  )
  work.write('there.yaml', 'name: mine')
  expect(await said('http://127.0.0.1:9/items', { file: 'there.yaml' })).toBe(
    'there.yaml is there already: name another file',
  )
  expect(readFileSync(work.path('there.yaml'), 'utf8')).toBe('name: mine')
  expect(await said('there.yaml', { file: 'new.yaml' })).toContain(
    'there.yaml is no OpenAPI document: it has no `openapi: 3…`',
  )
  expect(await said('nowhere.json', { file: 'new.yaml' })).toContain(
    'nowhere.json is neither an address (it begins with http:// or https://) nor a file that is there',
  )
  expect(await said('new.yaml', { auth: 'bearer:X' })).toContain(
    '--auth: is for the address of a list or an OpenAPI document: give one, as in `sluice init https://',
  )
  expect(await said('http://127.0.0.1:9/items', { file: 'new.ts', format: 'yaml' })).toContain(
    '--format: new.ts is no yaml file',
  )
  expect(await said('http://127.0.0.1:9/items', { auth: 'digest:X' })).toContain(
    '--auth: write bearer:TOKEN_VARIABLE',
  )
  const dead = await refusal(work, 'http://127.0.0.1:9/items')
  expect(dead.code).toBe(1)
  expect(dead.stderr).toContain('ECONNREFUSED')
  expect(existsSync(work.path('pipeline.yaml'))).toBe(false)
  work.remove()
})

// A document, and the API that it speaks of.

const owners = Array.from({ length: 23 }, (_, index) => ({ id: index + 1, name: `owner ${index + 1}` }))
const petsOf = (owner: number) =>
  Array.from({ length: owner % 3 }, (_, index) => ({ id: owner * 10 + index, name: 'pet' }))

/** What test/openapi/clinic.yaml says, but for its owners: the real ones stand below `list`. */
const clinic =
  (ownersAt: string): Handler =>
  (request, response, url) => {
    if (url.pathname === '/openapi.yaml') {
      const document = readFileSync(new URL('../openapi/clinic.yaml', import.meta.url), 'utf8')
      return text(response, document.replace('{scheme}://clinic.example.com/v2', '/v2'), 'application/yaml')
    }
    if (request.headers['x-clinic-key'] !== 'clinic-key-value')
      return sendJson(response, { message: 'no key' }, 401)
    const steps = url.pathname
      .split('/')
      .filter((step) => step !== '')
      .slice(1)
    if (steps.length === 1 && steps[0] === 'owners') {
      const page = number(url, 'page', 1)
      return sendJson(response, {
        [ownersAt]: owners.slice((page - 1) * 10, page * 10),
        page,
        total_pages: Math.ceil(owners.length / 10),
      })
    }
    if (steps[0] === 'pets')
      return sendJson(response, [{ id: `${url.searchParams.get('status')}`, name: 'found' }])
    if (steps[2] === 'pets' && steps.length === 3) return sendJson(response, petsOf(Number(steps[1])))
    if (steps[4] === 'visits')
      return sendJson(response, [{ visit_id: `${steps[1]}/${steps[3]}`, day: '2024-01-01' }])
    sendJson(response, { message: 'no such path' }, 404)
  }

test.concurrent('from the address of a document, lists, their children and their grandchildren are loaded whole', async () => {
  await using api = await scriptedApi(clinic('owners'))
  const work = new Workspace()
  work.env = { PET_CLINIC_API_KEY: 'clinic-key-value' }
  const { code, stdout } = await init(work, `${api.url}/openapi.yaml`)
  expect(code).toBe(0)
  expect(stdout).toContain('pet_clinic.stock  left out: it needs warehouse, which only you can know')
  expect((await runFile(work)).outcome).toBe('done')
  const count = async (table: string) =>
    (await work.query('warehouse.duckdb', `SELECT count(*)::INTEGER AS n FROM pet_clinic_${table}`))[0]?.['n']
  const pets = owners.flatMap(({ id }) => petsOf(id))
  expect(await count('owners')).toBe(owners.length)
  expect(await count('pets')).toBe(pets.length)
  expect(await count('visits')).toBe(pets.length)
  expect(await count('find_by_status')).toBe(3)
  const strays = 'SELECT count(*)::INTEGER AS n FROM pet_clinic_pets WHERE id // 10 <> owner_id'
  expect(await work.query('warehouse.duckdb', strays)).toEqual([{ n: 0 }])
  work.remove()
})

test.concurrent('--probe corrects what a document says by what its API answers', async () => {
  await using api = await scriptedApi(clinic('list'))
  const work = new Workspace()
  work.env = { PET_CLINIC_API_KEY: 'clinic-key-value' }
  const probe = { only: ['owners'], probe: true }
  const { code, stdout } = await init(work, `${api.url}/openapi.yaml`, { file: 'probed.ts', ...probe })
  expect(code).toBe(0)
  const written = readFileSync(work.path('probed.ts'), 'utf8')
  expect(written).toContain('// the document has the records at owners; the answer has them at list')
  expect(written).toContain("records: 'list',")
  expect(written).toContain('// Its second page was asked for, and holds other records.')
  expect((await runFile(work, 'probed.ts')).records).toBe(owners.length)
  expect(`${written}${stdout}`).not.toContain('clinic-key-value')

  work.env = { PET_CLINIC_API_KEY: 'wrong' }
  const refused = await refusal(work, `${api.url}/openapi.yaml`, { file: 'refused.yaml', ...probe })
  expect(refused.code).toBe(2)
  expect(refused.stderr).toMatch(
    /401: no key\. What was sent: the value of PET_CLINIC_API_KEY, in the header X-Clinic-Key\. Nothing was written/,
  )
  expect(existsSync(work.path('refused.yaml'))).toBe(false)
  work.remove()
})
