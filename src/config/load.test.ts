import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isSluiceError } from '../errors.ts'
import { env, isSecret, Secret } from '../options/secret.ts'
import { loadPipeline } from './load.ts'
import { definePipeline, type PipelineInput } from './pipeline.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** The message of the error that loading or validating ends in, without the folder of this test. */
async function mistake(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (!isSluiceError(error)) throw error
    expect(error.code).toBe('CONFIG_INVALID')
    return error.message.replaceAll(folder, '')
  }
  throw new Error('nothing was wrong')
}

/** A secret as what it names, so that two of them can be compared. */
function plain(value: unknown): unknown {
  if (isSecret(value)) return { secret: value.variables }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

const example = (name: string) =>
  fileURLToPath(new URL(`../../examples/three-sources/${name}`, import.meta.url))

const minimal: PipelineInput = {
  name: 'small',
  destination: { type: 'duckdb', path: 'w.duckdb' },
  sources: {
    api: {
      type: 'rest',
      baseUrl: 'https://api.test',
      auth: { type: 'bearer', token: env('API_TOKEN') },
      streams: { items: { path: 'items', paginate: { type: 'none' }, key: 'id' } },
    },
  },
}
const minimalYaml = `
name: small
destination: { type: duckdb, path: w.duckdb }
sources:
  api:
    type: rest
    baseUrl: https://api.test
    auth: { type: bearer, token: "\${env:API_TOKEN}" }
    streams: { items: { path: items, paginate: { type: none }, key: id } }
`

// PEERS: dlt rest_api_source
test('the example in TypeScript and in YAML is the same pipeline', async () => {
  const typescript = await loadPipeline(example('pipeline.ts'))
  const yaml = await loadPipeline(example('pipeline.yaml'))
  expect(plain(yaml.pipeline)).toEqual(plain(typescript.pipeline))
  expect(yaml.directory).toBe(typescript.directory)
  expect(Object.keys(yaml.pipeline.sources)).toEqual(['desk', 'pay', 'track'])
})

// PEERS: Airbyte top level
// PEERS: Airbyte DynamicDeclarativeStream
test('YAML, JSON, TypeScript and JavaScript load to the same object', async () => {
  const expected = plain(definePipeline(minimal))
  const json = JSON.stringify(minimal).replace('"***"', `"\${env:API_TOKEN}"`)
  const script = `import { definePipeline, env } from 'sluice'\nexport default definePipeline(${json.replace(`"\${env:API_TOKEN}"`, "env('API_TOKEN')")})\n`
  for (const path of [
    file('same.yaml', minimalYaml),
    file('same.yml', minimalYaml),
    file('same.json', json),
    file('same.ts', script.replace('definePipeline(', 'definePipeline(<any>')),
    file('same.mjs', script),
  ])
    expect(plain((await loadPipeline(path)).pipeline)).toEqual(expected)
})

test('a secret prints as *** everywhere, and is looked up when it is asked for', () => {
  const secret = env('API_TOKEN')
  const pipeline = definePipeline(minimal)
  for (const text of [
    JSON.stringify(pipeline),
    inspect(pipeline, { depth: 9 }),
    inspect(pipeline, { depth: 9, showHidden: true }),
    String(secret),
    `${secret}`,
    inspect(secret),
  ]) {
    expect(text).toContain('***')
    expect(text).not.toContain('API_TOKEN')
  }
  expect(secret.reveal(() => 'value')).toBe('value')
})

// PEERS: dlt #2856
test('a literal secret of the wrong type is not shown', async () => {
  const text = minimalYaml.replace(`"\${env:API_TOKEN}"`, '12345678')
  expect(await mistake(() => loadPipeline(file('number.yaml', text)))).toBe(
    'sources.api.auth.token: *** is not allowed; a string is expected',
  )
})

const wrong = (change: (pipeline: Record<string, never>) => void): Promise<string> => {
  const copy = structuredClone({
    ...minimal,
    sources: { api: { ...minimal.sources.api!, auth: { type: 'bearer', token: 'literal' } } },
  })
  change(copy as never)
  return mistake(() => definePipeline(copy as never))
}
const api = (pipeline: unknown) => (pipeline as { sources: { api: Record<string, unknown> } }).sources.api
const items = (pipeline: unknown) => (api(pipeline)['streams'] as { items: Record<string, unknown> }).items

/** Adds a stream that removes rows. */
function removing(pipeline: unknown, options: object = {}): void {
  const streams = api(pipeline)['streams'] as Record<string, object>
  streams['gone'] = { ...streams['items'], path: 'gone', table: 'api_items', write: 'delete', ...options }
}

test.each([
  [
    'a wrong key names its path and the nearest right spelling, without a long list beside it',
    (pipeline: unknown) => Object.assign(items(pipeline), { pagnate: {} }),
    /^sources\.api\.streams\.items\.pagnate: there is no such option; did you mean "paginate"\?$/,
  ],
  [
    'a wrong key that is like none names what there is, on a line of its own',
    (pipeline: unknown) => Object.assign(items(pipeline), { foo: {} }),
    /^sources\.api\.streams\.items\.foo: there is no such option; there are\n {4}path, method, .*, allowEmptyReplace, maxRemoved$/,
  ],
  [
    'a key of a wrong case is found',
    (pipeline: unknown) => Object.assign(api(pipeline), { base_url: 'x' }),
    /^sources\.api\.base_url: there is no such option; did you mean "baseUrl"\?/,
  ],
  [
    'a key that is a word of one option is taken for that one',
    (pipeline: unknown) => Object.assign(api(pipeline), { retry: { attempts: 3 } }),
    /^sources\.api\.retry\.attempts: there is no such option; did you mean "maxAttempts"\?/,
  ],
  [
    'a key that is a word of several options is taken for none of them',
    (pipeline: unknown) => Object.assign(api(pipeline), { retry: { delay: 3 } }),
    /^sources\.api\.retry\.delay: there is no such option \(there are .*firstDelay, maxDelay/,
  ],
  [
    'a wrong key of the pipeline itself is found',
    (pipeline: unknown) => Object.assign(pipeline as object, { nam: 'x' }),
    /^nam: there is no such option; did you mean "name"\?$/,
  ],
  [
    'a wrong type says what was found and what is expected',
    (pipeline: unknown) => Object.assign(pipeline as object, { concurrentStreams: 'many' }),
    /^concurrentStreams: "many" is a string; a number is expected$/,
  ],
  [
    'a value out of its bounds says the bound',
    (pipeline: unknown) => Object.assign(pipeline as object, { concurrentStreams: 0 }),
    /^concurrentStreams: 0 is too small: the least is 1$/,
  ],
  [
    'a wrong discriminator says which there are, and the nearest',
    (pipeline: unknown) => Object.assign(items(pipeline), { paginate: { type: 'ofset' } }),
    /^sources\.api\.streams\.items\.paginate\.type: "ofset" is no known type; did you mean "offset"\? \(allowed: "offset", "page-number", /,
  ],
  [
    'a missing discriminator says which there are',
    (pipeline: unknown) => Object.assign(api(pipeline), { auth: { token: 'x' } }),
    /^sources\.api\.auth\.type: this option is required: allowed: "none", "bearer", "basic", "api_key", "oauth2", .*"custom".*$/,
  ],
  [
    'a missing option says what it is for',
    (pipeline: unknown) => delete items(pipeline)['path'],
    /^sources\.api\.streams\.items\.path: this option is required: Path below `baseUrl`/,
  ],
  [
    'a value that is none of an enumeration says which there are',
    (pipeline: unknown) => Object.assign(items(pipeline), { write: 'upsert' }),
    /^sources\.api\.streams\.items\.write: "upsert" is not allowed; allowed: "append", "merge", "replace", "history", "delete", "reconcile"$/,
  ],
  [
    'a duration without its unit says how to write one',
    (pipeline: unknown) => Object.assign(api(pipeline), { quotas: [{ requests: 5, per: '60' }] }),
    /^sources\.api\.quotas\[0\]\.per: "60" is no duration: write a number and a unit/,
  ],
  [
    'a name that is none says what one looks like',
    (pipeline: unknown) => Object.assign(pipeline as object, { name: 'support desk' }),
    /^name: "support desk" can't name a pipeline: use letters from a to z, digits and _, and begin with a letter, as in "support_desk"$/,
  ],
  [
    "a source's name with a dash and an accent says how it could be spelled",
    (pipeline: unknown) => Object.assign(pipeline as object, { sources: { 'café-api': api(pipeline) } }),
    /^sources\["café-api"\]: "café-api" can't name a source: use letters from a to z, digits and _, and begin with a letter, as in "cafe_api"$/,
  ],
  [
    "a stream's name that begins with a digit says how it could be spelled",
    (pipeline: unknown) => Object.assign(api(pipeline), { streams: { '2nd-try': items(pipeline) } }),
    /^sources\.api\.streams\["2nd-try"\]: "2nd-try" can't name a stream: .*, as in "n2nd_try"$/,
  ],
  [
    'a name of which nothing could be kept has no such proposal',
    (pipeline: unknown) => Object.assign(api(pipeline), { streams: { 票: items(pipeline) } }),
    /"票" can't name a stream: use letters from a to z, digits and _, and begin with a letter$/,
  ],
  [
    'a secret that lacks env: is no secret, and the rest of it is not shown (S1)',
    (pipeline: unknown) =>
      Object.assign(api(pipeline), { auth: { type: 'bearer', token: `abc\${API_TOKEN}xyz` } }),
    /^sources\.api\.auth\.token: \$\{API_TOKEN\} would be taken as it stands: write \$\{env:API_TOKEN\}, or in TypeScript env\('API_TOKEN'\)$/,
  ],
  [
    'an address that lacks env: is none',
    (pipeline: unknown) => Object.assign(api(pipeline), { baseUrl: `https://\${env.HOST}/v2` }),
    /^sources\.api\.baseUrl: \$\{env\.HOST\} would be taken as it stands: write \$\{env:HOST\}, /,
  ],
  [
    'a variable where none is looked up says where they are',
    (pipeline: unknown) => Object.assign(api(pipeline), { check: `teams/\${env:TEAM}` }),
    /^sources\.api\.check: \$\{env:TEAM\} would be taken as it stands: variables are looked up in addresses, credentials, paths, `headers`, `query` and bodies alone\. /,
  ],
  [
    'a reference that was not closed is none, wherever it stands',
    (pipeline: unknown) => Object.assign(api(pipeline), { check: `teams/\${env:TEAM` }),
    /^sources\.api\.check: `\$\{` would be taken as it stands: /,
  ],
  [
    'a password in an address is not sent, and not shown (S1)',
    (pipeline: unknown) => Object.assign(api(pipeline), { baseUrl: 'https://me:hunter2@api.test' }),
    /^sources\.api\.baseUrl: a user name or password stands in the address, where it would not be sent: take it out, and write `auth: \{ type: basic, username: …, password: … \}`$/,
  ],
  [
    'a header whose variable lacks env: says how to write it',
    (pipeline: unknown) => Object.assign(api(pipeline), { headers: { 'x-team': `team-\${TEAM}` } }),
    /^sources\.api\.headers\["x-team"\]: \$\{TEAM\} would be taken as it stands: write \$\{env:TEAM\}, /,
  ],
  [
    'two streams of one table are both named, whatever the case',
    (pipeline: unknown) =>
      Object.assign(api(pipeline), {
        streams: { items: items(pipeline), others: { ...items(pipeline), table: 'API_items' } },
      }),
    /^sources\.api\.streams\.others\.table: api\.others would be loaded into API_items, which is the same as api_items but for its case, the table of api\.items: give one of the two a `table` of its own$/,
  ],
  [
    'a list that is split off to the table of a stream is found',
    (pipeline: unknown) =>
      Object.assign(api(pipeline), {
        streams: {
          items: items(pipeline),
          others: {
            ...items(pipeline),
            key: 'id',
            transform: [{ split: { parts: { table: 'api_items' } } }],
          },
        },
      }),
    /^sources\.api\.streams\.others\.transform: a list of api\.others would be loaded into api_items, the table of api\.items: give one of the two a `table` of its own$/,
  ],
  [
    'rows can be removed from a table that a stream loads, and from no other',
    (pipeline: unknown) => removing(pipeline, { table: 'api_itms' }),
    /^sources\.api\.streams\.gone\.table: api\.gone would remove rows from api_itms, which no stream loads; did you mean api_items\?$/,
  ],
  [
    'rows of a list go with their record, and are not removed by themselves',
    (pipeline: unknown) => {
      removing(pipeline, { table: 'api_items_parts' })
      items(pipeline)['transform'] = [{ split: { parts: {} } }]
    },
    /^sources\.api\.streams\.gone\.table: api\.gone would remove rows from api_items_parts, which is the table of a list of api\.items; did you mean api_items\?$/,
  ],
  [
    'rows are removed by the key that tells them apart',
    (pipeline: unknown) => removing(pipeline, { key: 'item_id' }),
    /^sources\.api\.streams\.gone\.key: api\.gone would look for rows of api_items by item_id, and api\.items tells them apart by id: name the same fields in the same order; a field of another name can be renamed with `transform`$/,
  ],
  [
    'two lists of keys would remove what the other one names',
    (pipeline: unknown) => {
      removing(pipeline, { write: 'reconcile' })
      const { streams } = api(pipeline) as { streams: Record<string, object> }
      streams['all'] = streams['gone']!
    },
    /^sources\.api\.streams\.all\.table: api\.all would remove from api_items what api\.gone names, and the other way round: one list must name all rows$/,
  ],
  [
    'tables that two sources would share by their default names are found',
    (pipeline: unknown) =>
      Object.assign(pipeline as object, {
        sources: {
          a: { ...api(pipeline), streams: { b_c: items(pipeline) } },
          a_b: { ...api(pipeline), streams: { c: items(pipeline) } },
        },
      }),
    /^sources\.a_b\.streams\.c\.table: a_b\.c would be loaded into a_b_c, the table of a\.b_c: /,
  ],
  [
    'a list beside the records is not loaded into the table of a stream',
    (pipeline: unknown) =>
      Object.assign(api(pipeline), {
        streams: {
          items: items(pipeline),
          others: { ...items(pipeline), sides: { all: { records: 'all', key: 'id', table: 'api_Items' } } },
        },
      }),
    /^sources\.api\.streams\.others\.sides\.all\.table: the list all of api\.others would be loaded into api_Items, the table of api\.items: give/,
  ],
  [
    'lists beside the records of two streams are not loaded into one table',
    (pipeline: unknown) => {
      const sides = { users: { records: 'users', key: 'id', table: 'users' } }
      Object.assign(api(pipeline), {
        streams: { items: { ...items(pipeline), sides }, others: { ...items(pipeline), sides } },
      })
    },
    /^sources\.api\.streams\.others\.sides\.users\.table: the list users of api\.others would be loaded into users, the table of the list users of api\.items: give/,
  ],
])('%s', async (_, change, message) => {
  expect(await wrong(change)).toMatch(message)
})

test('a stream may delete rows of a table, and another name all that there are', async () => {
  const pipeline = structuredClone({ ...minimal, sources: {} }) as PipelineInput
  const { auth: _auth, ...open } = minimal.sources['api']!
  pipeline.sources['api'] = structuredClone(open)
  removing(pipeline)
  const { streams } = api(pipeline) as { streams: Record<string, object> }
  streams['ids'] = { ...streams['gone'], write: 'reconcile' }
  expect(Object.keys(definePipeline(pipeline).sources['api']!.streams)).toEqual(['items', 'gone', 'ids'])
})

test('several mistakes are told at once', async () => {
  const message = await wrong((pipeline) => {
    Object.assign(pipeline, { concurrentStreams: 'many', batsh: {} })
    delete items(pipeline)['path']
  })
  expect(message.split('\n')).toHaveLength(3)
  for (const path of ['concurrentStreams', 'batsh', 'sources.api.streams.items.path'])
    expect(message).toContain(`${path}: `)
})

test('an object that contains itself is refused, naming both places', async () => {
  expect(await wrong((pipeline) => Object.assign(items(pipeline), { query: items(pipeline) }))).toBe(
    "sources.api.streams.items.query: this is sources.api.streams.items again: a config can't contain itself",
  )
})

test('a YAML alias to what it stands in is refused', async () => {
  const text = 'name: loop\ndestination: &d { type: duckdb, path: w.duckdb, more: *d }\nsources: {}\n'
  expect(await mistake(() => loadPipeline(file('loop.yaml', text)))).toBe(
    "destination.more: this is destination again: a config can't contain itself",
  )
})

test('one object used twice is no cycle', () => {
  const paginate = { type: 'none' } as const
  const stream = { path: 'items', records: 'data', paginate, key: 'id' }
  expect(() =>
    definePipeline({
      ...minimal,
      sources: { api: { ...minimal.sources.api!, streams: { a: stream, b: stream } } },
    }),
  ).not.toThrow()
})

test('a file that is missing, of another kind, or a folder is named', async () => {
  expect(await mistake(() => loadPipeline(join(folder, 'none.yaml')))).toBe(
    '/none.yaml: there is no such file',
  )
  expect(await mistake(() => loadPipeline(join(folder, 'none.ts')))).toBe('/none.ts: there is no such file')
  expect(await mistake(() => loadPipeline(file('pipeline.toml', '')))).toBe(
    '/pipeline.toml: a pipeline file ends in .ts, .mts, .js, .mjs, .yaml, .yml or .json',
  )
})

test('a syntax error in YAML or JSON names its line and shows it', async () => {
  const yaml = await mistake(() => loadPipeline(file('broken.yaml', 'name: a\nsources:\n  - [1, 2\n')))
  expect(yaml).toMatch(/^\/broken\.yaml: .* at line [34], column \d+/)
  const json = await mistake(() => loadPipeline(file('broken.json', '{\n  "name": "a",\n  "sources": {\n')))
  expect(json).toMatch(/^\/broken\.json: .* at line [34], column \d+/)
  const twice = await mistake(() => loadPipeline(file('twice.yaml', 'name: a\nname: b\n')))
  expect(twice).toMatch(/^\/twice\.yaml: Map keys must be unique at line 2, column 1/)
})

test('an empty file, and one that is no map, are said to be so', async () => {
  expect(await mistake(() => loadPipeline(file('empty.yaml', '')))).toBe(
    '/empty.yaml: it holds nothing; a pipeline begins with `name:`, `destination:` and `sources:`',
  )
  expect(await mistake(() => loadPipeline(file('list.yaml', '- a\n')))).toBe(
    '/list.yaml: it holds a list; a pipeline begins with `name:`, `destination:` and `sources:`',
  )
})

test('a syntax error in TypeScript names its file and line', async () => {
  const message = await mistake(() =>
    loadPipeline(file('broken.ts', "import { rest } from 'sluice'\nexport default {{\n")),
  )
  expect(message).toMatch(/^\/broken\.ts:2: ParseError: Unexpected token/)
})

test('a name that the package does not export is told with the nearest one that it does', async () => {
  const importing = (name: string) => `import { ${name} } from 'sluice'\nexport default ${name}({})\n`
  expect(await mistake(() => loadPipeline(file('offest.ts', importing('offest'))))).toBe(
    "/offest.ts:2: 'sluice' exports no offest; did you mean offset?",
  )
  expect(await mistake(() => loadPipeline(file('unlike.ts', importing('kafkaTopic'))))).toMatch(
    /^\/unlike\.ts:2: 'sluice' exports no kafkaTopic; it exports .*\bcursor, .*\brest\b/,
  )
})

test('a module that is not there is told once, without who asked for it', async () => {
  const text = "import { streams } from './streams-of-mine'\nexport default streams\n"
  expect(await mistake(() => loadPipeline(file('lost.ts', text)))).toBe(
    "/lost.ts:1: Cannot find module './streams-of-mine'",
  )
})

test("a variable in a request's body is the API's own matter", () => {
  const stream = {
    path: 'search',
    method: 'POST',
    body: { query: `{ items(first: \${count}) }` },
    paginate: { type: 'none' },
    key: 'id',
  } as const
  expect(() =>
    definePipeline({
      ...minimal,
      sources: { api: { ...minimal.sources.api!, streams: { items: stream } } },
    }),
  ).not.toThrow()
})

test('what a pipeline file throws is told with its place', async () => {
  const message = await mistake(() =>
    loadPipeline(file('throws.ts', 'const x: any = undefined\n\nexport default x.name\n')),
  )
  expect(message).toMatch(/^\/throws\.ts:3: /)
  expect(message).toContain("Cannot read properties of undefined (reading 'name')")
})

test('a default export that is no pipeline, or is missing, says what to write', async () => {
  for (const [name, text] of [
    ['plain.ts', 'export default { name: "a" }\n'],
    ['none.mjs', 'export const pipeline = 1\n'],
  ] as const)
    expect(await mistake(() => loadPipeline(file(name, text)))).toBe(
      `/${name}: its default export is no pipeline; write \`export default definePipeline({ … })\``,
    )
})

test('a mistake in a YAML file is told with its path', async () => {
  expect(await mistake(() => loadPipeline(file('typo.yaml', `${minimalYaml}nmae: x\n`)))).toMatch(
    /^nmae: there is no such option; did you mean "name"\?/,
  )
})

test('a text with variables in it is put together when it is looked up', () => {
  const pipeline = definePipeline({
    ...minimal,
    sources: {
      api: {
        ...minimal.sources.api!,
        auth: { type: 'basic', username: `\${env:WHO}/token`, password: 'literal' },
      },
    },
  })
  const { auth } = pipeline.sources['api']!
  expect(auth.type === 'basic' && auth.username instanceof Secret && auth.username.reveal(() => 'ann')).toBe(
    'ann/token',
  )
})
