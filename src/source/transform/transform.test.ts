import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { env } from '../../options/secret.ts'
import { offset } from '../../pagination/offset.ts'
import { type JsonRecord, LongDecimal } from '../../ports/json.ts'
import { ownerField, type SourcePage } from '../../ports/source.ts'
import { runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'
import { compileTransform, TransformError } from './transform.ts'
import { type TransformInput, transformOptions } from './transform-options.ts'

const dependencies = {
  name: 'shop.orders',
  table: 'shop_orders',
  key: ['id'],
  lookup: (name: string) => (name === 'HASH_KEY' ? 'pepper' : undefined),
  onSecret() {},
}

function transformed(steps: TransformInput, records: readonly JsonRecord[], values = {}): SourcePage {
  const transform = compileTransform(transformOptions.parse(steps), dependencies)
  return transform.apply({ records, bytes: 0 }, values)
}

/** The records that one record becomes. */
function became(steps: TransformInput, record: JsonRecord, values = {}): readonly JsonRecord[] {
  return transformed(steps, [record], values).records
}

const mistake = (steps: unknown) => transformOptions.safeParse(steps).error?.issues[0]?.message

describe('filter', () => {
  // PEERS: Airbyte RecordFilter
  // PEERS: dlt processing_steps filter
  // PEERS: Airbyte CustomRecordFilter
  test('keeps the records that meet a condition, or please a function', () => {
    const records = [{ id: 1, state: 'open' }, { id: 2, state: 'spam' }, { id: 3 }]
    expect(transformed([{ filter: "@.state != 'spam'" }], records).records).toEqual([records[0], records[2]])
    expect(transformed([{ filter: ({ id }) => Number(id) > 2 }], records).records).toEqual([records[2]])
  })

  // PEERS: airbyte-python-cdk#484
  test('never ends a list: pages of which nothing is kept are followed by the next', async () => {
    const all = Array.from({ length: 40 }, (_, id) => ({ id, wanted: id >= 30 }))
    const client = scriptedClient(({ query }) => {
      const at = Number(query['offset'])
      return { body: all.slice(at, at + 10) }
    })
    const stream = streamOf(
      'shop',
      'orders',
      {
        path: 'orders',
        paginate: offset({ size: { param: 'limit', value: 10 }, lastPage: 'short' }),
        transform: [{ filter: '@.wanted == true' }],
        key: 'id',
      },
      client,
    )
    const warehouse = new Warehouse()
    await runOnce(stream, warehouse)
    expect(warehouse.rows.size).toBe(10)
    expect(client.requests).toHaveLength(5)
  })
})

describe('fields', () => {
  // PEERS: Airbyte RemoveFields
  // PEERS: dlt processing_steps exclude columns
  test('are dropped at any depth, also inside lists, and only where the condition holds', () => {
    const record = {
      id: 1,
      meta: { debug: 1, ok: 2 },
      lines: [
        { sku: 'a', raw: 1 },
        { sku: 'b', raw: 2 },
      ],
    }
    expect(became([{ drop: ['meta.debug', 'lines.raw'] }], record)).toEqual([
      { id: 1, meta: { ok: 2 }, lines: [{ sku: 'a' }, { sku: 'b' }] },
    ])
    expect(became([{ where: '@.id == 2', drop: 'meta' }], record)).toEqual([record])
    expect(record.meta.debug).toBe(1)
  })

  test('are all dropped but some', () => {
    expect(became([{ keep: ['id', 'name'] }], { id: 1, secret: 2, name: 'x' })).toEqual([
      { id: 1, name: 'x' },
    ])
  })

  test('are renamed in their places; two of one name are refused', () => {
    const [record] = became([{ rename: { createdAt: 'created_at' } }], { createdAt: 1, id: 2 })
    expect(Object.keys(record!)).toEqual(['created_at', 'id'])
    expect(() => became([{ rename: { a: 'id' } }], { a: 1, id: 2 })).toThrow(
      'shop.orders: step 1 of transform (rename) failed: rename gives two fields the name "id": drop one of them before, or name it differently; the record has the fields a, id',
    )
  })

  // PEERS: Airbyte KeysToSnakeCase
  // PEERS: Airbyte KeysToLower
  // PEERS: Airbyte KeysReplace
  test('are renamed by a rule, and none hides another', () => {
    expect(
      became([{ renameAll: 'snake_case' }], {
        createdAt: 1,
        'Full Name': 2,
        HTTPStatus2: 3,
        user_id: 4,
        userId: 5,
      }),
    ).toEqual([{ created_at: 1, full_name: 2, http_status2: 3, user_id: 4, user_id_2: 5 }])
    expect(became([{ renameAll: 'lower_case' }], { ID: 1, id: 2 })).toEqual([{ id_2: 1, id: 2 }])
    expect(became([{ renameAll: { replace: '-', with: '_' } }], { 'a-b-c': 1 })).toEqual([{ a_b_c: 1 }])
  })

  // PEERS: Airbyte AddFields
  // PEERS: dlt include_from_parent
  // PEERS: dlt test_processing_steps on children
  test('are added from templates of the record and of its slice, with their types', () => {
    const values = { parent: { id: 9007199254740993n, name: 'acme' } }
    expect(
      became(
        [
          {
            add: {
              account_id: '{parent.id}',
              label: '{parent.name}/{record.id}',
              'meta.source': 'crm',
              copy: '{record.tags}',
              fixed: 7,
            },
          },
        ],
        { id: 1, tags: ['a'], meta: { v: 1 } },
        values,
      ),
    ).toEqual([
      {
        id: 1,
        tags: ['a'],
        meta: { v: 1, source: 'crm' },
        account_id: 9007199254740993n,
        label: 'acme/1',
        copy: ['a'],
        fixed: 7,
      },
    ])
    expect(() => became([{ add: { a: '{record.b}' } }], { id: 1 })).toThrow(
      /step 1 of transform \(add\) failed: .*\{record\.b\}/,
    )
  })

  // PEERS: Airbyte FlattenFields
  // PEERS: Airbyte DpathFlattenFields
  // PEERS: Airbyte KeyTransformation
  test('of objects are lifted: all or some, to a depth, with or without a prefix; none hides another', () => {
    const record = { id: 1, a: { b: { c: 1 }, d: [1, 2], e: {} }, a_d: 'taken' }
    expect(became([{ flatten: true }], record)).toEqual([
      { id: 1, a_d: 'taken', a_b_c: 1, a_d_2: [1, 2], a_e: {} },
    ])
    expect(became([{ flatten: { depth: 1, separator: '.' } }], record)).toEqual([
      { id: 1, a_d: 'taken', 'a.b': { c: 1 }, 'a.d': [1, 2], 'a.e': {} },
    ])
    expect(became([{ flatten: { fields: ['x'] } }], record)).toEqual([record])
    expect(became([{ flatten: { prefix: false, keep: true } }], { id: 1, p: { id: 2, q: 3 } })).toEqual([
      { id: 1, p: { id: 2, q: 3 }, id_2: 2, q: 3 },
    ])
    expect(became([{ flatten: { lists: true } }], { tags: ['x', { y: 1 }] })).toEqual([
      { tags_0: 'x', tags_1_y: 1 },
    ])
  })

  // PEERS: Airbyte AddedFieldDefinition value_type
  // PEERS: Airbyte SchemaNormalization
  // PEERS: Airbyte CustomSchemaNormalization
  test('that come as text get their types, with all digits (R4); what is none is rejected with its record', () => {
    const steps: TransformInput = [
      { convert: { n: 'number', b: 'boolean', j: 'json', t: 'time', s: 'text', 'lines.n': 'number' } },
    ]
    expect(
      became(steps, {
        n: '9007199254740993',
        b: 'Yes',
        j: '{"x":0.12345678901234567891}',
        t: '2024-01-31T10:30:00+01:00',
        s: 7,
        lines: [{ n: '007' }, { n: '+1.50' }, { n: '' }],
      }),
    ).toEqual([
      {
        n: 9007199254740993n,
        b: true,
        j: { x: new LongDecimal('0.12345678901234567891') },
        t: '2024-01-31T09:30:00Z',
        s: '7',
        lines: [{ n: 7 }, { n: 1.5 }, { n: null }],
      },
    ])
    const page = transformed(steps, [{ n: 'many' }, { n: '1' }, { b: 'perhaps' }])
    expect(page.records).toEqual([{ n: 1 }])
    expect(page.rejects).toEqual([
      { record: { n: 'many' }, reason: 'n is "many", which is no number' },
      { record: { b: 'perhaps' }, reason: 'b is "perhaps", which is no boolean' },
    ])
  })

  // PEERS: dlt processing_steps anonymise columns
  test('are hashed as other tools hash them, or with a key; null stays null', () => {
    const sha = createHash('sha256').update('a@b.c').digest('hex')
    expect(
      became([{ hash: { fields: ['email', 'user.email', 'none'] } }], {
        email: 'a@b.c',
        user: { email: null },
      }),
    ).toEqual([{ email: sha, user: { email: null } }])
    expect(became([{ hash: { fields: 'email', key: env('HASH_KEY') } }], { email: 'a@b.c' })).toEqual([
      { email: createHmac('sha256', 'pepper').update('a@b.c').digest('hex') },
    ])
    expect(() => became([{ hash: { fields: 'email', key: env('MISSING') } }], { email: 'x' })).toThrow(
      /MISSING/,
    )
  })

  test('are masked, and never more than half of a value is shown', () => {
    expect(
      became([{ mask: { fields: ['card', 'pin', 'no'], show: 4 } }], {
        card: '4111111111111234',
        pin: '123',
        no: null,
      }),
    ).toEqual([{ card: '***1234', pin: '***3', no: null }])
  })
})

describe('one record', () => {
  // PEERS: Airbyte RecordExpander
  // PEERS: dlt processing_steps yield_map
  test('becomes the items of a list, which carry fields of it', () => {
    const record = { id: 1, lines: [{ sku: 'a' }, 'b'] }
    expect(became([{ expand: { field: 'lines', carry: { order_id: 'id' } } }], record)).toEqual([
      { order_id: 1, sku: 'a' },
      { order_id: 1, value: 'b' },
    ])
    expect(became([{ expand: { field: 'lines' } }], { id: 2, lines: [] })).toEqual([])
    expect(became([{ expand: { field: 'lines', empty: 'keep' } }], { id: 2 })).toEqual([{ id: 2 }])
    expect(() =>
      became([{ expand: { field: 'lines', carry: { id: 'id' } } }], { id: 1, lines: [{ id: 2 }] }),
    ).toThrow(
      /an item has a field "id" of its own, which the one that is carried down would hide: carry it under another name/,
    )
  })

  // PEERS: dlt processing_steps map
  // PEERS: Airbyte CustomTransformation
  test('is mapped by a function to one, several or none', () => {
    const steps: TransformInput = [
      { map: (record, { stream }) => (record['id'] === 0 ? null : [{ ...record, stream }, { id: -1 }]) },
    ]
    expect(became(steps, { id: 0 })).toEqual([])
    expect(became(steps, { id: 1 })).toEqual([{ id: 1, stream: 'shop.orders' }, { id: -1 }])
  })

  test('stops the stream where a function fails or gives what is no record; its values are not told', () => {
    const failing = () =>
      became(
        [
          {
            map: () => {
              throw new Error('no rate for EUR')
            },
          },
        ],
        { id: 1, email: 'a@b.c' },
      )
    expect(failing).toThrow(TransformError)
    expect(failing).toThrow(
      /^shop\.orders: step 1 of transform \(map\) failed: no rate for EUR; the record has the fields id, email$/,
    )
    expect(() => became([{ map: (async () => ({})) as never }], { id: 1 })).toThrow(
      /it gave a promise, where a record/,
    )
    expect(() => became([{ map: (() => 7) as never }], { id: 1 })).toThrow(/it gave the number 7/)
  })

  // PEERS: dlt resource.max_table_nesting
  // PEERS: dlt hint nested_hints and parent_table_name
  test('has its lists split off into tables of their own, tied to this version of it', () => {
    const steps: TransformInput = [
      { split: { lines: { as: { order_id: 'id', day: 'day' } }, tags: { table: 'order_tags' } } },
    ]
    const transform = compileTransform(transformOptions.parse(steps), dependencies)
    expect(transform.sides).toEqual([
      { table: 'shop_orders_lines', key: ['order_id', '_sluice_index'], write: 'owned', owner: ['order_id'] },
      { table: 'order_tags', key: ['parent_id', '_sluice_index'], write: 'owned', owner: ['parent_id'] },
    ])
    const order = { id: 5, day: '2024-01-01', lines: [{ sku: 'a' }, { sku: 'b' }], tags: ['x'] }
    const page = transform.apply({ records: [order, { id: 6 }], bytes: 0 }, {})
    const [first, second] = page.records
    expect(first).toEqual({ id: 5, day: '2024-01-01', [ownerField]: expect.any(String) })
    expect(second![ownerField]).not.toBe(first![ownerField])
    const tie = { [ownerField]: first![ownerField] }
    expect(page.sides?.get('shop_orders_lines')).toEqual([
      { order_id: 5, day: '2024-01-01', sku: 'a', _sluice_index: 0, ...tie },
      { order_id: 5, day: '2024-01-01', sku: 'b', _sluice_index: 1, ...tie },
    ])
    expect(page.sides?.get('order_tags')).toEqual([{ parent_id: 5, value: 'x', _sluice_index: 0, ...tie }])
  })

  test('without a key gives rows that are only added', () => {
    const transform = compileTransform(transformOptions.parse([{ split: { tags: {} } }]), {
      ...dependencies,
      key: [],
    })
    expect(transform.sides).toEqual([{ table: 'shop_orders_tags', key: [], write: 'append' }])
    expect(transform.apply({ records: [{ tags: ['x'] }], bytes: 0 }, {})).toMatchObject({ records: [{}] })
  })
})

describe('steps', () => {
  // PEERS: dlt processing_steps order
  // PEERS: Airbyte RecordSelector
  test('are taken in their order', () => {
    expect(became([{ add: { a: 1 } }, { rename: { a: 'b' } }, { filter: '@.b == 1' }], { id: 1 })).toEqual([
      { id: 1, b: 1 },
    ])
    expect(became([{ filter: '@.b == 1' }, { add: { b: 1 } }], { id: 1 })).toEqual([])
  })

  test('that can not work are refused with what to write instead', () => {
    expect(mistake([])).toMatch(/name at least one step/)
    expect(mistake([{}])).toMatch(/a step does one thing: name one of filter, drop, keep, rename/)
    expect(mistake([{ drop: 'a', rename: { b: 'c' } }])).toMatch(
      /this one has drop and rename: write a step for each, in the order/,
    )
    expect(mistake([{ filter: '@.a = 1' }])).toMatch(/"@\.a = 1" is no condition/)
    expect(mistake([{ map: 'x' }])).toMatch(/a function is expected/)
    expect(mistake([{ split: { tags: {} }, where: '@.a' }])).toMatch(/for all records or for none/)
    expect(mistake([{ split: { tags: {} } }, { drop: 'a' }])).toMatch(/put `split` last/)
    expect(mistake([{ split: { tags: {} } }, { split: { lines: {} } }])).toMatch(
      /write them all into one `split`/,
    )
    expect(mistake([{ split: { tags: { table: '1x' } } }])).toMatch(/can't name a table/)
    expect(mistake([{ renameAll: 'camel' }])).toMatch(/write snake_case, lower_case/)
  })

  test('leave the records that they are given as they are, whatever these hold', () => {
    const steps: TransformInput = [
      { drop: ['a.b', 'c'] },
      { renameAll: 'snake_case' },
      { flatten: { lists: true } },
      { mask: { fields: ['d'], show: 2 } },
      { hash: { fields: ['e'] } },
      { add: { 'f.g': '{record.h}' }, where: '@.h' },
      { split: { i: {} } },
    ]
    fc.assert(
      fc.property(
        fc.array(
          fc.dictionary(fc.oneof(fc.constantFrom(...'abcdefghi', '__proto__'), fc.string()), fc.jsonValue()),
          { maxLength: 5 },
        ),
        (given) => {
          const before = JSON.stringify(given)
          const page = transformed(steps, given as JsonRecord[])
          expect(JSON.stringify(given)).toBe(before)
          expect(page.records).toHaveLength(given.length)
          for (const record of page.records) expect(Object.getPrototypeOf(record)).toBe(Object.prototype)
        },
      ),
    )
  })
})
