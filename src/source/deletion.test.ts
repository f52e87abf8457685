import { expect, test } from 'vitest'
import { none } from '../pagination/none.ts'
import { tombstoneField } from '../ports/source.ts'
import { restOptions } from './rest-options.ts'
import { runOnce, scriptedClient, streamOf, Warehouse } from './testing/scripted-client.ts'

const items = { path: 'items', paginate: none() }

test('a record that meets `deleted` is marked as gone, the others are left as they are', async () => {
  const client = scriptedClient(() => ({
    body: [
      { id: 1, state: 'x' },
      { id: 2, state: 'gone' },
    ],
  }))
  const stream = streamOf(
    'shop',
    'items',
    { ...items, key: 'id', transform: [{ rename: { state: 'status' } }], deleted: "@.status == 'gone'" },
    client,
  )
  expect(stream.tombstones).toBe(true)
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect(warehouse.pages[0]!.records).toEqual([
    { id: 1, status: 'x' },
    { id: 2, status: 'gone', [tombstoneField]: true },
  ])
})

test.each([
  [
    { write: 'append', key: 'id' },
    '`deleted` removes rows by their key, which `write: merge` alone can do: write `merge`, or leave `deleted` out',
  ],
  [
    {},
    '`deleted` removes rows by their key, which `write: merge` with a `key` alone can do: name the `key`, or leave `deleted` out',
  ],
])('`deleted` with %j is refused', (options, message) => {
  const streams = { items: { ...items, ...options, deleted: '@.gone' } }
  const { error } = restOptions.safeParse({ type: 'rest', baseUrl: 'https://api.test', streams })
  expect(error?.issues[0]?.message).toBe(message)
})
