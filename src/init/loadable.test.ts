import { expect, test } from 'vitest'
import type { PipelineDraft } from './draft.ts'
import { loadable } from './loadable.ts'

const draft = (...streams: readonly (readonly [name: string, records: string])[]): PipelineDraft => ({
  name: 'shop',
  notes: [],
  sourceName: 'shop',
  source: [{ name: 'baseUrl', value: 'https://shop.example.com' }],
  streams: streams.map(([name, records]) => ({
    name,
    notes: [],
    options: [
      { name: 'path', value: name },
      { name: 'records', value: records },
      { name: 'paginate', value: { type: 'none' } },
      { name: 'key', value: 'id' },
    ],
  })),
})
const broken = '$[?'

test('a stream that does not load is commented out, and not the one whose name it begins with', () => {
  const { streams } = loadable(draft(['order', 'data'], ['orders', broken]))
  expect(streams.map(({ name, off }) => [name, off])).toEqual([
    ['order', undefined],
    ['orders', expect.stringContaining('sources.shop.streams.orders.records')],
  ])
})

test('a draft of which nothing would be left says why', () => {
  expect(() => loadable(draft(['orders', broken]))).toThrow(
    /^no stream is left that could be run: orders: sources\.shop\.streams\.orders\.records/,
  )
})
