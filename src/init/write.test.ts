import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { definePipeline } from '../config/pipeline.ts'
import type { Json } from '../ports/json.ts'
import { type PipelineDraft, pipelineOf } from './draft.ts'
import { writeTypescript } from './write-typescript.ts'
import { writeYaml } from './write-yaml.ts'

const draftWith = (value: Json, note: string): PipelineDraft => ({
  name: 'mine',
  notes: [note],
  sourceName: 'api',
  source: [{ name: 'baseUrl', value: 'https://api.example.com', notes: [note] }],
  sourceSuggestions: [{ name: 'quotas', value, notes: [note] }],
  streams: [
    {
      name: 'things',
      notes: [note],
      options: [
        { name: 'path', value: 'things' },
        { name: 'query', value: { q: value } },
        { name: 'paginate', value: { type: 'none' }, notes: [note] },
      ],
      suggestions: [{ name: 'key', value, notes: [note] }],
    },
    {
      name: 'other',
      notes: [note],
      off: note,
      options: [{ name: 'query', value: { q: value }, notes: [note] }],
    },
  ],
})

/** The module's default export, with functions in place of those of the package. */
function evaluate(text: string): unknown {
  const helpers = {
    definePipeline: (input: unknown) => input,
    rest: (options: object) => ({ type: 'rest', ...options }),
    duckdb: (options: object) => ({ type: 'duckdb', ...options }),
    none: () => ({ type: 'none' }),
    env: (name: string) => `$\{env:${name}}`,
  }
  const names = /^import \{ (.+) \} from 'sluice'$/m.exec(text)?.[1]?.split(', ') ?? []
  const body = text.replace(/^import .*$/m, '').replace('export default', 'return')
  return new Function(...Object.keys(helpers), body)(...Object.values(helpers), names)
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '*/',
    '\n- evil: true',
    '\u2028x = 1',
    "'",
    '"',
    '`',
    '# x',
    '!end',
    '2024-01-01',
    'null',
    '- a',
    ': ',
    '{x}',
    '\r\nkey: 1',
    '$' + '{env:NAME}',
  ),
)

test('any text of an API stays what it is in the file, and never gets out of a comment', () => {
  fc.assert(
    fc.property(anyText, anyText, (value, note) => {
      const draft = draftWith(value, note)
      expect(parse(writeYaml(draft))).toEqual(pipelineOf(draft))
      expect(evaluate(writeTypescript(draft))).toEqual(pipelineOf(draft))
    }),
    { numRuns: 400 },
  )
})

test('what is commented out imports nothing, and is what it would be without the marks', () => {
  const draft = draftWith('x', 'because')
  const text = writeTypescript(draft)
  expect(text).toContain("import { definePipeline, duckdb, none, rest } from 'sluice'")
  expect(text).toContain(
    "        // Left out: because\n        // other: {\n        //   // because\n        //   query: { q: 'x' },\n        // },\n",
  )
  expect(writeYaml(draft)).toContain(
    '      # Left out: because\n      # other:\n      #   # because\n      #   query: { q: x }\n',
  )
  expect(definePipeline(pipelineOf(draft) as never).name).toBe('mine')
})
