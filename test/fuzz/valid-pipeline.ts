// Pipelines that are valid, with any option of the schema: they begin with a small one and take on what still fits.
import { definePipeline, type PipelineInput, pipelineOptions } from '../../src/config/pipeline.ts'
import { ConfigError } from '../../src/errors.ts'
import { type JsonSchema, jsonSchemaOf } from '../../src/options/json-schema.ts'
import type { Chance } from './chance.ts'
import { valueFor } from './config-values.ts'

export const pipelineSchema = jsonSchemaOf(pipelineOptions)
const sourceSchema = objectIn(pipelineSchema.properties!['sources']!.additionalProperties as JsonSchema)
const streamSchema = objectIn(sourceSchema.properties!['streams']!.additionalProperties as JsonSchema)

const paginateSchema = streamSchema.properties!['paginate']!

export interface DrawnPipeline {
  readonly name: string
  readonly destination: object
  readonly sources: { readonly api: DrawnSource }
  [option: string]: unknown
}

export interface DrawnSource {
  readonly streams: Record<string, Record<string, unknown>>
  [option: string]: unknown
}

/** Options that decide most of what a stream does: they are drawn more often than the rest. */
const telling = [
  'paginate',
  'incremental',
  'slices',
  'format',
  'records',
  'job',
  'responses',
  'transform',
  'graphql',
]

/** `more` are options of the source that it must have. */
export function validPipeline(chance: Chance, more: Readonly<Record<string, unknown>> = {}): DrawnPipeline {
  let pipeline: DrawnPipeline = {
    name: 'fuzz',
    destination: { type: 'duckdb', path: 'unused.duckdb' },
    sources: {
      api: {
        type: 'rest',
        baseUrl: 'https://api.test/v1',
        ...more,
        streams: { items: streamStart(chance) },
      },
    },
  }
  for (let tries = 0; tries < 3; tries++)
    pipeline = takeOn(pipeline, ({ sources }) => {
      sources.api.streams['items']!['paginate'] = valueFor(paginateSchema, pipelineSchema, chance, 4)
    })
  if (chance.happens(0.2))
    pipeline = takeOn(pipeline, ({ sources }) => {
      sources.api.streams['parents'] = { path: 'parents', paginate: { type: 'none' }, key: 'id' }
    })
  for (let left = chance.between(1, 12); left > 0; left--)
    pipeline = takeOn(pipeline, ({ sources }) => addOption(sources.api, more, chance))
  return pipeline
}

function streamStart(chance: Chance): Record<string, unknown> {
  const start = {
    path: 'items',
    records: chance.oneOf(['', 'items', 'items', 'data.items']),
    paginate: { type: 'none' },
  }
  return chance.happens(0.7) ? { ...start, key: 'id' } : start
}

function addOption(source: DrawnSource, more: Readonly<Record<string, unknown>>, chance: Chance): void {
  if (chance.happens(0.25)) {
    const free = Object.keys(sourceSchema.properties!).filter(
      (name) => !['type', 'streams', 'baseUrl'].includes(name) && !(name in more),
    )
    const name = chance.oneOf(free)
    source[name] = valueFor(sourceSchema.properties![name]!, pipelineSchema, chance, 2)
    return
  }
  const stream = source.streams[chance.oneOf(Object.keys(source.streams))]!
  const all = Object.keys(streamSchema.properties!)
  const name = chance.happens(0.5)
    ? chance.oneOf(all.filter((each) => telling.includes(each)))
    : chance.oneOf(all)
  stream[name] = valueFor(streamSchema.properties![name]!, pipelineSchema, chance, 3)
}

/** The pipeline with a change, where it is valid with it. */
function takeOn(pipeline: DrawnPipeline, change: (copy: DrawnPipeline) => void): DrawnPipeline {
  const copy = structuredClone(pipeline)
  change(copy)
  if (!pipelineOptions.safeParse(copy).success) return pipeline
  try {
    definePipeline(copy as unknown as PipelineInput)
    return copy
  } catch (error) {
    if (error instanceof ConfigError) return pipeline
    throw error
  }
}

/** The object of a schema, which may be the only alternative of a union. */
function objectIn(schema: JsonSchema): JsonSchema {
  return schema.properties === undefined ? (schema.oneOf ?? schema.anyOf)![0]! : schema
}
