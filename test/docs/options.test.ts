// The YAML of the pages: whole pipelines, and parts of one, all of them valid.
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { definePipeline } from '../../src/config/pipeline.ts'
import { type Block, readPages } from './pages.ts'

// A block is a whole pipeline, unless the comment before it says which part it is:
// `<!-- test: stream -->` the options of one stream, `<!-- test: keyless stream -->` of one whose records have no key, `<!-- test: source -->` those of a source, `<!-- test: sources -->` the sources of a pipeline, `<!-- test: options -->` options of a pipeline beside them, `<!-- test: none -->` no pipeline at all.
const blocks = readPages()
  .flatMap((page) => page.blocks)
  .filter(({ language, note }) => language === 'yaml' && note !== 'none')

function pipelineOf({ text, note }: Block): never {
  const written = parse(text)
  if (note === undefined) return written as never
  if (note === 'sources') return pipelineWith(written)
  const streams = { items: { path: 'items', key: 'id', paginate: { type: 'none' } } }
  const source = { type: 'rest', baseUrl: 'https://api.example.com', streams }
  if (note === 'options') return Object.assign(pipelineWith({ api: source }), written)
  const { key: _, ...keyless } = streams.items
  const parts: Record<string, object> = {
    source: { ...source, ...written },
    stream: { ...source, streams: { items: { ...streams.items, ...written } } },
    'keyless stream': { ...source, streams: { items: { ...keyless, ...written } } },
  }
  const api = parts[note]
  if (api === undefined) throw new Error(`there is no part named ${note}`)
  return pipelineWith({ api })
}

function pipelineWith(sources: object): never {
  return { name: 'example', destination: { type: 'duckdb', path: 'w.duckdb' }, sources } as never
}

test('there are examples in YAML to check', () => {
  expect(blocks.length).toBeGreaterThan(10)
})

for (const block of blocks) {
  test(`the options at ${block.place} are valid`, () => {
    expect(() => definePipeline(pipelineOf(block))).not.toThrow()
  })
}
