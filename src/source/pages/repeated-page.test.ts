// R1 by records: the volatile field that most bodies have (an id of the request, a time) makes no two of them alike.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PaginatorOptions } from '../../pagination/options.ts'
import type { JsonRecord, Value } from '../../ports/json.ts'
import { LongDecimal } from '../../ports/json.ts'
import { values } from '../../records/values.arbitrary.ts'
import type { RestOptions } from '../rest-options.ts'
import { type Answer, runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'
import { sameValue } from './same-values.ts'

type StreamOptions = RestOptions['streams'][string]

const hundred = Array.from({ length: 100 }, (_, id) => ({ id }))

function read(options: Partial<StreamOptions>, answer: (asked: number) => Answer) {
  let asked = 0
  const client = scriptedClient(() => answer(asked++))
  const settings = {
    path: 'items',
    records: 'items',
    paginate: { type: 'none' },
    ...options,
  } as StreamOptions
  const warehouse = new Warehouse()
  return { client, warehouse, reading: runOnce(streamOf('api', 'items', settings, client), warehouse) }
}

const misspelt: readonly [string, PaginatorOptions][] = [
  ['offset with a total', { type: 'offset', param: 'offset', total: 'total' }],
  ['offset without one', { type: 'offset', param: 'offset' }],
  ['page-number with the number of pages', { type: 'page-number', param: 'page', totalPages: 'pages' }],
  ['page-number without it', { type: 'page-number', param: 'page' }],
  ['cursor with a fresh token each time', { type: 'cursor', param: 'cursor', token: 'next' }],
  ['a cursor that auto found', { type: 'auto' }],
]

describe('an API that gives its first page whatever it is asked for (R1)', () => {
  test.each(misspelt)('is stopped at the second page: %s', async (_, paginate) => {
    const { warehouse, reading } = read({ paginate, key: 'id' }, (asked) => ({
      body: { request_id: `r${asked}`, total: 1000, pages: 10, items: hundred, next: `t${asked}` },
    }))
    await expect(reading).rejects.toMatchObject({ code: 'PAGINATION_LOOP' })
    await expect(reading).rejects.toThrow(
      'this page holds the 100 records of the one before it, which came from https://api.test/items',
    )
    expect(warehouse.received).toBe(100)
  })

  test('does not multiply the rows of a stream without a key', async () => {
    const { warehouse, reading } = read({ paginate: { type: 'page-number' } }, (asked) => ({
      body: { took_ms: asked, items: hundred },
    }))
    await expect(reading).rejects.toThrow('The API may not know the parameter that asks for the next page')
    expect(warehouse.received).toBe(100)
  })
})

test('R1: a list that begins again after its last page is stopped there', async () => {
  const { warehouse, reading } = read(
    { paginate: { type: 'offset', overlap: 'none' }, key: 'id' },
    (asked) => ({
      body: { at: asked, items: hundred.slice((asked % 4) * 25, (asked % 4) * 25 + 25) },
    }),
  )
  await expect(reading).rejects.toThrow(
    'this page holds the 25 records of the first one, which came from https://api.test/items',
  )
  expect(warehouse.received).toBe(100)
})

test('pages that hold the keys of the page before and other values are read', async () => {
  const { warehouse, reading } = read(
    { paginate: { type: 'cursor', token: 'next', param: 'cursor' }, key: 'id' },
    (asked) => ({
      body: { items: hundred.map(({ id }) => ({ id, seen: asked })), next: asked < 3 ? `t${asked}` : null },
    }),
  )
  await reading
  expect(warehouse.received).toBe(400)
})

describe('a list without a key that holds one record again and again', () => {
  const pings = (count: number) => (asked: number) => ({
    body: { items: [{ event: 'ping' }], next: asked + 1 < count ? `t${asked}` : null },
  })
  const paginate = { type: 'cursor', token: 'next', param: 'cursor' } as const

  test('is read where its pages differ in the rest of their bodies', async () => {
    const { warehouse, reading } = read({ paginate }, pings(11))
    await reading
    expect(warehouse.received).toBe(11)
  })

  test('R1: is stopped after more of them than a list has by chance, with what to do if it does', async () => {
    const { reading } = read({ paginate }, pings(12))
    await expect(reading).rejects.toThrow(
      /the one record of the 10 before it.*ask for larger pages, or let `include` put a value of the body into each record/,
    )
  })

  test('is read to its end where `include` tells its pages apart', async () => {
    const { warehouse, reading } = read({ paginate, include: { page: 'next' } }, pings(100))
    await reading
    expect(warehouse.received).toBe(100)
  })
})

test('one record beside the rows of a side table is not taken for the page', async () => {
  const { warehouse, reading } = read(
    {
      records: 'account',
      sides: { lines: { records: 'lines' } },
      paginate: { type: 'page-number', totalPages: 'pages' },
    } as Partial<StreamOptions>,
    (asked) => ({ body: { pages: 30, account: { id: 1 }, lines: [{ line: asked }] } }),
  )
  await reading
  expect(warehouse.received).toBe(30)
})

test('R1: a token that may mean the end of the list is named, with the option for it', async () => {
  const { reading } = read(
    { paginate: { type: 'cursor', token: 'next', param: 'cursor' }, key: 'id' },
    (asked) => ({
      body: {
        at: asked,
        items: hundred.slice((asked % 2) * 50, (asked % 2) * 50 + 50),
        next: asked % 2 === 0 ? 7 : 0,
      },
    }),
  )
  await expect(reading).rejects.toThrow(
    'It was asked for with the token "0": if the API means by it that the list has ended, write `endValues: [0]` in `paginate`',
  )
})

describe('sameValue', () => {
  test('is true of a value and its copy, and false of what differs anywhere', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(sameValue(a, structuredCopy(a))).toBe(true)
        expect(sameValue({ in: [a] } as JsonRecord, { in: [a, b] } as JsonRecord)).toBe(false)
        expect(sameValue({ a, b } as JsonRecord, { b, a } as JsonRecord)).toBe(true)
        expect(sameValue({ a } as JsonRecord, { b: a } as JsonRecord)).toBe(false)
      }),
    )
  })

  test('compares long numbers by their digits (R4), and values that are nested deeper than a stack', () => {
    expect(
      sameValue(new LongDecimal('0.10000000000000000001'), new LongDecimal('0.10000000000000000001')),
    ).toBe(true)
    expect(
      sameValue(new LongDecimal('0.10000000000000000001'), new LongDecimal('0.10000000000000000002')),
    ).toBe(false)
    expect(sameValue(9007199254740993n, 9007199254740992n)).toBe(false)
    const nested = (inner: Value): Value => {
      let value = inner
      for (let depth = 0; depth < 50_000; depth++) value = [value]
      return value
    }
    expect(sameValue(nested(1), nested(1))).toBe(true)
    expect(sameValue(nested(1), nested(2))).toBe(false)
  })
})

function structuredCopy(value: Value): Value {
  if (Array.isArray(value)) return value.map(structuredCopy)
  if (value instanceof LongDecimal) return new LongDecimal(value.text)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, structuredCopy(inner)]))
}
