import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Value } from '../../ports/json.ts'
import { readJsonItems } from './json-items.ts'
import { parseKeepingLongNumbers } from './long-numbers.ts'
import { failureOf, responseOf, url } from './scripted-response.ts'

interface ReadOptions {
  path?: string[]
  size?: number
  batchBytes?: number
  maxLineSize?: number
}

async function read(body: string | Uint8Array, { size = 7, path = [], ...options }: ReadOptions = {}) {
  const items: Value[] = []
  const parts: number[] = []
  const { rest } = await readJsonItems(responseOf(body, { size }), {
    url,
    path,
    maxLineSize: 1_000_000,
    batchBytes: 1_000_000,
    ...options,
    onItems: async (some, bytes) => {
      items.push(...some)
      parts.push(bytes)
    },
  })
  return { items, rest, parts }
}

// PEERS: Airbyte JsonItemsDecoder
describe('reading', () => {
  test('any document, cut anywhere, gives the items of its list and the document without them', async () => {
    const name = fc.constantFrom('a', 'b', 'items', 'a"b', '', '\u00e9', '__proto__')
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.oneof(
          fc.string({ unit: fc.constantFrom('a', '"', '\\', '[', ']', '{', '}', ',', 'é') }),
          fc.integer(),
          fc.constant(null),
        ),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }))
    const space = fc.constantFrom(undefined, 1, '\t')
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { maxLength: 6 }),
        fc.array(name, { maxLength: 3 }),
        value,
        value,
        space,
        fc.integer({ min: 1, max: 40 }),
        async (list, path, before, after, indent, size) => {
          const around = (inner: unknown): unknown =>
            path.reduceRight<unknown>(
              (held, key) =>
                Object.fromEntries([
                  ['x', before],
                  [key, held],
                  ['y', { [key]: after }],
                ]),
              inner,
            )
          const got = await read(JSON.stringify(around(list), null, indent), { path, size })
          expect(JSON.stringify(got.items)).toBe(JSON.stringify(list))
          expect(JSON.stringify(got.rest)).toBe(JSON.stringify(around([])))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('R4: long numbers keep their digits, in the list and beside it', async () => {
    const { items, rest } = await read('{"next":12345678901234567890,"d":[{"id":98765432109876543210}]}', {
      path: ['d'],
    })
    expect([items, rest]).toEqual([[{ id: 98765432109876543210n }], { next: 12345678901234567890n, d: [] }])
  })

  test('a list that is longer than its blocks is handed on in parts', async () => {
    const item = { text: 'x'.repeat(100), list: ['a,b]', { c: '}' }] }
    const body = JSON.stringify({
      meta: { items: [1] },
      items: Array.from({ length: 5000 }, () => item),
      last: true,
    })
    const { items, rest, parts } = await read(body, { path: ['items'], size: 5000, batchBytes: 100_000 })
    expect(items).toHaveLength(5000)
    expect(items.at(-1)).toEqual(item)
    expect(rest).toEqual({ meta: { items: [1] }, items: [], last: true })
    expect(parts.length).toBeGreaterThan(4)
    expect(Math.max(...parts)).toBeLessThan(200_000)
  })

  test('where there is no list at the path, the document is as it is', async () => {
    for (const body of [
      '{"items":null}',
      '{"items":{"id":1}}',
      '{"item":[1]}',
      '{"items":"[1]"}',
      '{"a":{"items":[1]}}',
      '[{"items":[1]}]',
    ]) {
      const { items, rest } = await read(body, { path: ['items'] })
      expect([items, rest]).toEqual([[], parseKeepingLongNumbers(body)])
    }
  })
})

describe('errors', () => {
  test('a document that ends early, at whatever byte, is an error', async () => {
    const body = '{"a":[{"id":1},{"id":"]"}],"next":"b"}'
    for (let length = 1; length < body.length; length++) {
      const error = await failureOf(read(body.slice(0, length), { path: ['a'] }))
      expect([length, error.code, error.recovery]).toEqual([length, 'BODY_TRUNCATED', 'retry'])
      expect(error.message).toContain('the body broke off: its JSON ends in the middle')
    }
    expect((await failureOf(read(''))).code).toBe('BODY_TRUNCATED')
  })

  test.each<[string, string, string]>([
    [
      'a mistake in the list',
      '[{"id":1} {"id":2}]',
      'answered invalid JSON (content-type: none), after 0 records, in "[{\\"id\\":1} {\\"id\\":2}]"',
    ],
    ['a mistake beside it', '{"d":[1],"e":tru}', 'in "{\\"d\\":[],\\"e\\":tru}"'],
    ['something behind it', '[1] ok', 'in "[] ok"'],
    ['brackets that cross', '{"d":[1}]', 'answered invalid JSON'],
    ['HTML', '<html><style>a{"', 'answered HTML, not JSON'],
    ['text', 'busy', 'in "busy"'],
  ])('%s says what is wrong', async (_name, body, message) => {
    for (const size of [1, 100]) {
      const error = await failureOf(read(body, { path: body.startsWith('[') ? [] : ['d'], size }))
      expect([error.code, error.recovery]).toEqual(['BODY_UNREADABLE', 'stop-stream'])
      expect(error.message).toContain(message)
    }
  })

  test('an item, and what is beside the list, have a longest size', async () => {
    const long = JSON.stringify('x'.repeat(2000))
    const item = await failureOf(read(`[1,${long}]`, { maxLineSize: 1000 }))
    expect(item.message).toContain('a record of the JSON body is larger than maxLineSize allows (1000 bytes)')
    const beside = await failureOf(read(`{"a":${long},"d":[]}`, { path: ['d'], maxLineSize: 1000 }))
    expect(beside.message).toContain(
      'what is beside the records in the JSON body is larger than maxLineSize allows',
    )
  })
})
