import { expect, test } from 'vitest'
import { z } from 'zod'
import { jsonSchemaOf } from '../options/json-schema.ts'
import { pipelineOptions } from './pipeline.ts'
import { referenceOptions, referencePage } from './reference.ts'

const schema = jsonSchemaOf(pipelineOptions)
const options = referenceOptions(schema)
const one = (path: string) => options.filter((option) => option.path === path)

test('every option has a description', () => {
  expect(options.filter(({ description }) => description.trim() === '')).toEqual([])
})

// PEERS: dlt test_incremental hints and decorators
test('every option of the schema is in the reference, at its path', () => {
  const listed = new Set(options.map(({ path }) => path))
  const missing = [...pathsOf(schema, '')].filter((path) => !listed.has(path))
  // Quotas, credentials and responses of a stream are those of a source, each of several credentials is one, defaults those of a stream, each listed once; a place in a
  // request or a response is a kind of value.
  const elsewhere =
    /streams\.\*\.(quotas|auth|responses)\.|auth\.credentials\.|\.defaults\.|\.(header|body)$|token\.(url|param)$/
  expect(missing.filter((path) => !elsewhere.test(path))).toEqual([])
})

test('an option has its type, its bounds and its default', () => {
  expect(one('sources.*.retry.maxAttempts')).toMatchObject([
    { type: 'whole number, 1 to 100', required: false, default: 6 },
  ])
  expect(one('sources.*.timeouts.connect')).toMatchObject([{ type: '[duration](#duration)', default: '10s' }])
  expect(one('destination.path')).toMatchObject([
    { type: 'text', required: true },
    { type: 'text', required: true },
  ])
})

test('what is required is said to be, and under which condition', () => {
  const page = referencePage(schema)
  const shown = (name: string) =>
    [...page.matchAll(/^\| `([^`]+)` \| .*? \| (.*?) \| /gm)]
      .filter((match) => match[1] === name)
      .map((match) => match[2])
  expect(shown('baseUrl')).toEqual(['required'])
  expect(shown('paginate')).toEqual(['required with `format: json` and `xml`'])
  expect(shown('key')[0]).toMatch(/^required with `write: merge`, /)
  expect(shown('refreshToken')).toEqual(['required with `grant: refresh_token`'])
  expect(shown('endTime')).toEqual(['required without `field`'])
  expect(new Set(shown('size.param'))).toEqual(new Set(['required in `size`']))
  expect(shown('start.value')).toEqual(['required in `start`'])
  expect(shown('to.inclusive')).toEqual(['required'])
})

test('a default is written as a user would write it', () => {
  for (const option of options) {
    if (option.type.startsWith('[duration]') && option.default !== undefined)
      expect(option.default, option.path).toMatch(/^\d+(ms|s|m|h|d|w)$/)
  }
})

test('a default that the description names is the one that holds', () => {
  for (const { path, default: held, description } of options) {
    const word = /Default:? "?([\w.]+(?:,\d{3})*)"?(?=[;:,]?(?:\s|$))/.exec(description)?.[1]
    const named = word?.replace(/\.$/, '').replaceAll(',', '')
    if (held === undefined || typeof held === 'object' || held === '' || named === undefined) continue
    expect(named, path).toBe(String(held))
  }
})

test('each kind of a union has a table of its own, headed by what tells it apart', () => {
  const page = referencePage(schema)
  for (const kind of ['type: cursor', 'type: link-header', 'by: position', 'type: oauth2'])
    expect(page).toContain(`### \`${kind}\``)
})

test('a place that the schema does not have is an error that names it', () => {
  expect(() => referencePage(jsonSchemaOf(z.strictObject({ name: z.string() })))).toThrow(
    'the schema has no destination: destination is missing',
  )
})

/** Every path of a schema, found without the reference's own means. */
function* pathsOf(at: typeof schema, path: string): Generator<string> {
  for (const kind of [...(at.anyOf ?? []), ...(at.oneOf ?? [])]) yield* pathsOf(kind, path)
  if (at.items) yield* pathsOf(at.items, path)
  if (typeof at.additionalProperties === 'object') yield* pathsOf(at.additionalProperties, `${path}.*`)
  for (const [name, property] of Object.entries(at.properties ?? {})) {
    const inner = path === '' ? name : `${path}.${name}`
    yield inner
    yield* pathsOf(property, inner)
  }
}
