import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { pipelineOptions } from '../../src/config/pipeline.ts'
import { referencePage } from '../../src/config/reference.ts'
import { jsonSchemaOf } from '../../src/options/json-schema.ts'
import { root } from './pages.ts'

const schema = jsonSchemaOf(pipelineOptions)

test('docs/reference.md is what `npm run docs` writes', () => {
  expect(readFileSync(`${root}docs/reference.md`, 'utf8')).toBe(referencePage(schema))
})

test('docs/sluice.schema.json is what `npm run docs` writes', () => {
  expect(JSON.parse(readFileSync(`${root}docs/sluice.schema.json`, 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(schema)),
  )
})
