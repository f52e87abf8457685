import { expect, test } from 'vitest'
import { createDestination } from '../../config/create-destination.ts'
import { definePipeline } from '../../config/pipeline.ts'
import { systemRuntime } from '../../http/system-runtime.ts'
import { postgres } from './options.ts'
import { postgresDestination } from './postgres.ts'

const sources = {
  api: {
    type: 'rest' as const,
    baseUrl: 'https://api.example.com',
    streams: { items: { path: 'items', key: 'id', paginate: { type: 'none' as const } } },
  },
}

test('a pipeline names a database by a variable, which is looked up when it is needed', () => {
  const { destination } = definePipeline({
    name: 'p',
    // As in YAML.
    destination: postgres({ url: `\${env:WAREHOUSE_URL}` }),
    sources,
  })
  expect(destination).toMatchObject({ type: 'postgres', schema: 'public', lockTimeout: 60_000 })
  expect(JSON.stringify(destination)).toContain('"url":"***"')
  const lookup = () => 'postgres://loader:open-sesame@db.example.com:6543/warehouse'
  const surroundings = { directory: '.', lookup, runtime: systemRuntime() }
  expect(createDestination(destination, surroundings).description).toBe(
    'postgres db.example.com:6543/warehouse',
  )
})

test("a schema of PostgreSQL's own is refused", () => {
  for (const schema of ['pg_catalog', 'PG_toast', 'information_schema'])
    expect(() => postgresDestination({ url: 'postgres://h/d', schema })).toThrow(
      /schema: that schema is PostgreSQL’s own: name another one/,
    )
})
