import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { jsonSchemaOf } from '../options/json-schema.ts'
import { pipelineOptions } from './pipeline.ts'

const example = () =>
  parse(readFileSync(new URL('../../examples/three-sources/pipeline.yaml', import.meta.url), 'utf8'), {
    merge: true,
  })
/** What `sluice schema` prints, as text, read back as a schema. */
const text = JSON.stringify(jsonSchemaOf(pipelineOptions))
const schema = z.fromJSONSchema(JSON.parse(text))

// PEERS: Airbyte ValidateAdheresToSchema
test('the JSON Schema accepts the example in YAML', () => {
  expect(schema.safeParse(example()).error).toBeUndefined()
})

// PEERS: Airbyte DpathValidator
test('the JSON Schema refuses what the validation refuses', () => {
  for (const change of [
    (pipeline: ReturnType<typeof example>) => delete pipeline.name,
    (pipeline: ReturnType<typeof example>) => {
      pipeline.batsh = {}
    },
    (pipeline: ReturnType<typeof example>) => {
      pipeline.concurrentStreams = 'many'
    },
    (pipeline: ReturnType<typeof example>) => {
      pipeline.sources.pay.auth.type = 'barer'
    },
    (pipeline: ReturnType<typeof example>) => {
      pipeline.sources.pay.streams.transactions.paginate.sizes = 3
    },
  ]) {
    const pipeline = example()
    change(pipeline)
    expect(schema.safeParse(pipeline).success).toBe(false)
    expect(pipelineOptions.safeParse(pipeline).success).toBe(false)
  }
})

test('every option of the schema says what it is', () => {
  expect(JSON.parse(text)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
  })
  const silent: string[] = []
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return
    const { properties, ...rest } = node as { properties?: Record<string, object> }
    for (const [name, property] of Object.entries(properties ?? {})) {
      if (!('description' in property) && !('const' in property)) silent.push(`${path}.${name}`)
      visit(property, `${path}.${name}`)
    }
    for (const [key, inner] of Object.entries(rest)) visit(inner, properties ? path : `${path}.${key}`)
  }
  visit(JSON.parse(text), '')
  expect([...new Set(silent)]).toEqual([])
})
