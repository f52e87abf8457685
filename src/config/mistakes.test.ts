// Configs that once made `definePipeline` throw something else than a ConfigError, or say too much.
import { expect, test } from 'vitest'
import { ConfigError } from '../errors.ts'
import { definePipeline } from './pipeline.ts'

function mistakeIn(stream: object, source: object = {}): ConfigError {
  const items = { path: 'items', paginate: { type: 'none' }, ...stream }
  const api = { type: 'rest', baseUrl: 'https://api.test', streams: { items }, ...source }
  try {
    definePipeline({
      name: 'mistakes',
      destination: { type: 'duckdb', path: 'unused.duckdb' },
      sources: { api },
    } as never)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('it was taken')
}

test('a place in the body that is no path is refused by its name', () => {
  const { path, message } = mistakeIn({
    method: 'POST',
    paginate: { type: 'cursor', token: 'next', param: { body: '[0].id' } },
  })
  expect(path).toBe('sources.api.streams.items.paginate.param.body')
  expect(message).toContain('a field of the request body begins with its key')
})

test('a paginator that is wrong by itself is told as such, also where its pages are to be read side by side', () => {
  const { path, message } = mistakeIn({
    paginate: { type: 'page-number', totalPages: 'pages', totalRecords: 'total' },
    concurrency: { pages: 4 },
  })
  expect(path).toBe('sources.api.streams.items.paginate.totalRecords')
  expect(message).toContain('give `totalPages` or `totalRecords`, not both')
})

test('a bigint where there should be none is quoted as it is written', () => {
  expect(mistakeIn({ records: 12n }).message).toContain('12n')
  expect(mistakeIn({}, { baseUrl: 12n }).message).toContain('12n')
})

test('a config that is nested too deep for whoever reads it is refused', () => {
  let body: unknown = 'x'
  for (let level = 0; level < 20_000; level++) body = [body]
  const { path, message } = mistakeIn({ method: 'POST', body })
  expect(path).toBe('sources.api.streams.items.body[0][0][0]')
  expect(message).toContain('nested more than 200 levels deep')
})

test('of thousands of mistakes the first ones are told, and how many more there are', () => {
  const { message } = mistakeIn({ key: Array.from({ length: 3000 }, () => 1) })
  expect(message.split('\n').length).toBeLessThan(40)
  expect(message).toMatch(/and 29\d\d more$/)
})

test('a config that says the same things over and over, without end, is refused', () => {
  let body: unknown = 'x'
  for (let level = 0; level < 40; level++) body = { a: body, b: body }
  expect(mistakeIn({ method: 'POST', body }).message).toContain('more than 500000 values')
})

test('a text that is too long to be quoted whole is told by its beginning', () => {
  expect(mistakeIn({ deleted: '@.a == '.repeat(5000) }).message).toContain('has 35000 characters')
  expect(mistakeIn({ records: `$[?${'('.repeat(50_000)}` }).message.length).toBeLessThan(3000)
  const { message } = mistakeIn({ table: 'x y'.repeat(5000) })
  expect(message).toMatch(/^sources\.api\.streams\.items\.table: "x yx y/)
  expect(message.length).toBeLessThan(3000)
})
