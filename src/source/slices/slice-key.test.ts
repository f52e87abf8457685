import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LongDecimal, type Value } from '../../ports/json.ts'
import { joinKey, keyPart, keyText, splitKey } from './slice-key.ts'

test('a key is read as it is written: names, values and levels', () => {
  expect(keyPart([['id', 42]])).toBe('id=42')
  expect(
    keyPart([
      ['account', 'a'],
      ['id', 9007199254740993n],
    ]),
  ).toBe('account=a,id=9007199254740993')
  expect(joinKey('id=42', 'all')).toBe('id=42')
  expect(joinKey('id=42', '2024-01-01T00:00:00Z')).toBe('id=42/2024-01-01T00:00:00Z')
})

test('what has a meaning in a key, or can’t be seen, is escaped; the rest is left as it is', () => {
  expect(keyPart([['name', 'a/b=c,d%e\n']])).toBe('name=a%2Fb%3Dc%2Cd%25e%0A')
  expect(keyPart([['name', 'Zürich: 北京 (é)']])).toBe('name=Zürich: 北京 (é)')
  expect(keyPart([['name', '\ud800']])).toBe('name=%uD800')
})

test('lists, objects, null and nothing name no slice', () => {
  expect([null, undefined, [1], { a: 1 }].map((value) => keyText(value as Value))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
  expect([true, 0, '', new LongDecimal('1.10')].map(keyText)).toEqual(['true', '0', '', '1.10'])
})

const text = fc.string({ unit: 'binary', maxLength: 6 })
const part = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 3 })

test('different values have different keys, and a key is taken apart as it was joined', () => {
  const inner = fc.constantFrom('all', '2024-01-01T00:00:00Z')
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), inner, (levels, own) => {
      const partition = levels.map(keyPart).join('/')
      expect(splitKey(joinKey(partition, own), levels.length)).toEqual({ partition, inner: own })
    }),
  )
  fc.assert(
    fc.property(part, part, (a, b) => {
      expect(keyPart(a) === keyPart(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
    }),
  )
})

test('keys of a stream without partitions belong to none', () => {
  expect(splitKey('all', 1)).toBeUndefined()
  expect(splitKey('2024-01-01T00:00:00Z', 1)).toBeUndefined()
  expect(splitKey('(pass)', 1)).toBeUndefined()
  expect(splitKey('id=1', 2)).toBeUndefined()
})
