import assert from 'node:assert/strict'
import { LongDecimal, type Value } from '../../ports/json.ts'
import {
  add,
  byId,
  type ConformanceCase,
  columnById,
  columnTypes,
  compactJson,
  dataRows,
  merge,
  needing,
  onSession,
  sameDigits,
  TABLE,
  write,
} from './harness.ts'

/** Values go in and come out the same. */
export const valueCases: readonly ConformanceCase[] = [
  onSession('values', 'values: scalars come back as they were sent', async (session, harness) => {
    const records = [
      { id: 1, flag: true, n: 0, d: 0.1, text: '', day: '2024-02-29', at: '2024-02-29T23:59:59.123456Z' },
      {
        id: 2,
        flag: false,
        n: -9_007_199_254_740_991,
        d: 1e300,
        text: ' x ',
        day: '0001-01-01',
        at: '0001-01-01T00:00:00Z',
      },
      {
        id: 3,
        flag: null,
        n: 9_007_199_254_740_991,
        d: 5e-324,
        text: 'NULL',
        day: '9999-12-31',
        at: '9999-12-31T23:59:59.999999Z',
      },
      { id: 4, flag: null, n: null, d: -1.7976931348623157e308, text: null, day: null, at: null },
    ]
    await write(session, records)
    assert.deepEqual(byId(await dataRows(harness)), records)
  }),

  onSession(
    'values',
    'values: an instant is stored, whatever the offset that it was sent with',
    async (session, harness) => {
      await write(session, [
        { id: 1, at: '2024-01-31T00:30:00+05:30' },
        { id: 2, at: '2024-12-31T20:00:00.5-0800' },
        { id: 3, at: '1900-01-01T00:00:00.000001Z' },
      ])
      assert.deepEqual(await columnById(harness, 'at'), {
        1: '2024-01-30T19:00:00Z',
        2: '2025-01-01T04:00:00.5Z',
        3: '1900-01-01T00:00:00.000001Z',
      })
    },
  ),

  onSession(
    'values',
    'values: text of any script, quotes, escapes and control characters comes back whole',
    async (session, harness) => {
      const texts = [
        'a "quoted" \'text\' \\ with \\n escapes',
        'line\nbreak\r\ttab',
        '日本語 grüße 🦆👩‍👩‍👧 \u202e',
        '\ufeffmark',
        'a,b;c|d\x01\x1f\x7f',
        'NULL',
        '\\N',
        'null',
        '0x1F',
        '007',
        '1e5',
        'NaN',
        '2024-13-45',
        '2024-01-31T10:00:00',
        'true',
        'x'.repeat(100_000),
      ]
      await write(
        session,
        texts.map((text, id) => ({ id, text })),
      )
      const stored = await columnById(harness, 'text')
      for (const [id, text] of texts.entries()) assert.equal(stored[id], text)
    },
  ),

  onSession(
    'values',
    'values: a text with NUL is stored, whole or with U+FFFD in its place, and harms no other',
    async (session, harness) => {
      await write(session, [
        { id: 1, text: 'a\0b' },
        { id: 2, text: 'plain' },
        { id: 3, text: { deep: 'c\0d' } },
      ])
      const stored = await columnById(harness, 'text')
      assert.ok(
        [JSON.stringify('a\0b'), JSON.stringify('a\ufffdb')].includes(String(stored['1'])),
        String(stored['1']),
      )
      assert.equal(stored['2'], '"plain"')
      await write(
        session,
        [
          { id: 1, text: 'a\0b' },
          { id: 2, text: 'plain' },
        ],
        { table: 'flat', stream: 'desk.flat' },
      )
      const flat = await columnById(harness, 'text', 'flat')
      assert.ok(['a\0b', 'a\ufffdb'].includes(String(flat['1'])), JSON.stringify(flat['1']))
      assert.equal(flat['2'], 'plain')
    },
  ),

  onSession('values', 'values: nested values come back as JSON', async (session, harness) => {
    const nested: Value[] = [
      {},
      [],
      { a: { b: [1, 2.5, 'x', null, true, { 'quote"': 'é\n🦆' }] } },
      [[[]], {}],
      { '': 1, 'dot.ted': null },
    ]
    await write(
      session,
      nested.map((value, id) => ({ id, value })),
    )
    const stored = await columnById(harness, 'value')
    for (const [id, value] of nested.entries()) assert.deepEqual(JSON.parse(String(stored[id])), value)
  }),

  onSession(
    'values',
    'values: a record without fields, and records that are all null, are rows',
    async (session, harness) => {
      const receipt = await write(session, [{}, { a: null }, {}])
      assert.equal(receipt.inserted, 3)
      const rows = await harness.rows(TABLE)
      assert.equal(rows.length, 3)
      assert.deepEqual(
        rows.map((row) => row['_sluice_load_id']),
        Array(3).fill(receipt.loadId),
      )
      assert.deepEqual(await columnTypes(session), {})
      await write(session, [{ a: 1 }, {}])
      assert.equal((await harness.rows(TABLE)).length, 5)
      assert.deepEqual((await dataRows(harness)).map((row) => row['a']).sort(), [1, null, null, null, null])
    },
  ),

  onSession(
    'values',
    'values: a text column takes every scalar, spelled as in JSON',
    async (session, harness) => {
      await write(session, [
        { id: 1, v: 'x' },
        { id: 2, v: 5 },
        { id: 3, v: 1.5 },
        { id: 4, v: true },
        { id: 5, v: 2n ** 70n },
        { id: 6, v: new LongDecimal('1.50000000000000000001') },
        { id: 7, v: '2024-01-31T10:00:00+02:00' },
      ])
      assert.deepEqual(await columnById(harness, 'v'), {
        1: 'x',
        2: '5',
        3: '1.5',
        4: 'true',
        5: '1180591620717411303424',
        6: '1.50000000000000000001',
        7: '2024-01-31T10:00:00+02:00',
      })
    },
  ),

  onSession('values', 'values: a json column takes everything', async (session, harness, destination) => {
    const values: Value[] = [{ a: 1 }, 'text', 5, 1.5, true, '2024-01-31', null]
    await add(
      destination,
      session,
      values.map((v, id) => ({ id, v })),
    )
    const stored = await columnById(harness, 'v')
    assert.deepEqual(
      values.map((_, id) => (stored[id] === null ? null : JSON.parse(String(stored[id])))),
      values,
    )
  }),

  onSession('R4', 'R4: long numbers keep their digits, alone and nested', async (session, harness) => {
    const big = 9_223_372_036_854_775_807n
    const huge = -123_456_789_012_345_678_901_234_567_890n
    const beyond = 10n ** 60n + 1n
    const decimal = new LongDecimal('-12345.678901234567890123')
    const tiny = new LongDecimal('1.2345678901234567890123e-10')
    await write(session, [
      { id: 1, big, huge, beyond, decimal, tiny, nested: { big, list: [huge, decimal] } },
      { id: 2, big: -big - 1n, huge: 5, beyond: 1, decimal: 1, tiny: 2n ** 62n, nested: [1] },
    ])
    assert.deepEqual(await columnTypes(session), {
      id: 'integer',
      big: 'bigint',
      huge: 'decimal',
      beyond: 'text',
      decimal: 'decimal',
      tiny: 'text',
      nested: 'json',
    })
    const rows = byId(await dataRows(harness))
    assert.deepEqual(
      rows.map((row) => String(row['big'])),
      ['9223372036854775807', '-9223372036854775808'],
    )
    assert.deepEqual(
      rows.map((row) => sameDigits(row['huge'])),
      [huge.toString(), '5'],
    )
    assert.deepEqual(
      rows.map((row) => row['beyond']),
      [beyond.toString(), '1'],
    )
    assert.deepEqual(
      rows.map((row) => sameDigits(row['decimal'])),
      [decimal.text, '1'],
    )
    assert.deepEqual(
      rows.map((row) => row['tiny']),
      [tiny.text, (2n ** 62n).toString()],
    )
    assert.equal(compactJson(rows[0]?.['nested']), `{"big":${big},"list":[${huge},${decimal.text}]}`)
  }),

  ...needing('merge', [
    onSession('values', 'values: thousands of rows in one commit, and again', async (session, harness) => {
      const batch = (from: number) =>
        Array.from({ length: 5000 }, (_, index) => ({
          id: from + index,
          text: `row ${from + index}`,
          half: index / 2,
        }))
      assert.equal((await merge(session, batch(0))).inserted, 5000)
      const second = await merge(
        session,
        batch(2500).map((record) => ({ ...record, text: 'again' })),
      )
      assert.deepEqual([second.inserted, second.updated], [2500, 2500])
      const rows = await dataRows(harness)
      assert.equal(rows.length, 7500)
      assert.equal(new Set(rows.map((row) => row['id'])).size, 7500)
      assert.equal(rows.filter((row) => row['text'] === 'again').length, 5000)
    }),
  ]),
]
