import { describe, expect, test } from 'vitest'
import { definePipeline } from '../config/pipeline.ts'
import { ConfigError } from '../errors.ts'
import { runOnce, scriptedClient, streamOf, Warehouse } from '../source/testing/scripted-client.ts'
import { customPaginator } from './custom.ts'
import { createPaginator, type PaginatorOptions } from './options.ts'

/** Mixpanel's profiles: a session that the first page opens, and a page number. */
const profiles = customPaginator<{ session: string; page: number }>({
  request: (base, at) =>
    at === undefined ? base : { ...base, query: { ...base.query, session_id: at.session, page: at.page } },
  next(page, at) {
    const { session_id, page_size } = page.body as { session_id: string; page_size: number }
    return page.records.length < page_size ? undefined : { session: session_id, page: (at?.page ?? 0) + 1 }
  },
})

// PEERS: dlt register_paginator
// PEERS: Airbyte CustomPaginationStrategy
describe('a paginator of your own', () => {
  test('reads a list, and goes on in the middle after a crash', async () => {
    const client = scriptedClient(({ query }) => {
      const page = Number(query['page'] ?? 0)
      const ids = page < 2 ? [page * 2, page * 2 + 1] : [4]
      return { body: { session_id: 's1', page, page_size: 2, results: ids.map((id) => ({ id })) } }
    })
    const stream = streamOf(
      'api',
      'profiles',
      { path: 'engage', records: 'results', paginate: profiles, key: 'id' },
      client,
    )
    const warehouse = new Warehouse()
    await expect(runOnce(stream, warehouse, { crashAfterPages: 1 })).rejects.toThrow()
    await runOnce(stream, warehouse)
    expect(client.requests.map(({ query }) => query).at(-1)).toEqual({ session_id: 's1', page: 2 })
    expect([...warehouse.rows.keys()]).toEqual(['0', '1', '2', '3', '4'])
  })

  test('may keep a position for the next run', () => {
    const paginator = createPaginator(
      customPaginator({ ...profiles, next: () => undefined, resume: () => 'later' }),
    )
    expect(
      paginator.resume?.({ url: '', status: 200, headers: {}, body: null, records: [] }, undefined),
    ).toBe('later')
    expect(createPaginator(profiles).resume).toBeUndefined()
  })

  const pipeline = (paginate: unknown, incremental?: object) =>
    definePipeline({
      name: 'p',
      destination: { type: 'duckdb', path: 'p.duckdb' },
      sources: {
        api: {
          type: 'rest',
          baseUrl: 'https://api.example.com',
          streams: {
            items: {
              path: 'items',
              key: 'id',
              paginate: paginate as PaginatorOptions,
              ...(incremental && { incremental }),
            },
          },
        },
      } as never,
    })

  test('is a part of a pipeline as any other kind', () => {
    expect(pipeline(profiles).sources['api']!.streams['items']!.paginate).toMatchObject({ type: 'custom' })
  })

  // PEERS: dlt incremental last_value_func
  // PEERS: Airbyte CustomIncrementalSync
  test('serves `incremental: { by: position }` where it has a position to keep, and only there', () => {
    expect(() => pipeline({ ...profiles, resume: () => 'x' }, { by: 'position' })).not.toThrow()
    expect(() => pipeline(profiles, { by: 'position' })).toThrow('custom with `resume`')
  })

  test.each<[string, object, string]>([
    [
      'a text, as YAML would hold',
      { type: 'custom', request: 'base', next: 'x' },
      '`request` must be a function. A custom paginator is code: write the pipeline in TypeScript, with customPaginator({ request, next })',
    ],
    ['no next', { type: 'custom', request: () => ({}) }, '`next` must be a function'],
    ['another field', { ...profiles, all: () => [] }, 'all'],
  ])('of %s is refused', (_name, options, message) => {
    expect(() => pipeline(options)).toThrow(ConfigError)
    expect(() => pipeline(options)).toThrow(message)
    expect(() => createPaginator(options as PaginatorOptions)).toThrow(ConfigError)
  })
})
