import fc from 'fast-check'
import { expect, test } from 'vitest'
import { identifier, storedName } from './names.ts'

test('a name of up to 63 bytes is kept as it is', () => {
  for (const name of ['items', 'x'.repeat(63), 'ü'.repeat(31), 'Order "Items" 🦆.v2', 'a_0123456789'])
    expect(storedName(name)).toBe(name)
})

test('a longer name is cut between two characters, and ends in a hash of the whole', () => {
  expect(storedName('x'.repeat(64))).toMatch(/^x{52}_[0-9a-f]{10}$/)
  expect(storedName(`a${'ü'.repeat(40)}`)).toMatch(/^aü{25}_[0-9a-f]{10}$/)
  expect(storedName('🦆'.repeat(20))).toMatch(/^(🦆){13}_[0-9a-f]{10}$/u)
})

test('names that begin alike do not meet: neither two long ones, nor one that looks like the short form of another', () => {
  const long = `${'customer_address_'.repeat(5)}street`
  const other = `${'customer_address_'.repeat(5)}number`
  const short = storedName(long)
  const names = [long, other, short, storedName(short)].map(storedName)
  expect(new Set(names).size).toBe(4)
})

test('whatever the names, those that differ are stored under names that differ, and fit', () => {
  const name = fc
    .oneof(
      fc.string({ unit: 'grapheme', maxLength: 80 }),
      fc.string({ unit: 'binary', minLength: 50, maxLength: 80 }),
      fc.string({ unit: 'grapheme-ascii', minLength: 60, maxLength: 70 }),
      fc.nat(35).map((times) => `xmin${'_2'.repeat(times)}`),
    )
    // U+FFFD tells below that a character was cut apart; what is stored as it is left out.
    .map((text) => text.replace(/[\0\ufffd]|\p{Surrogate}/gu, ''))
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 20 }), (names) => {
      const stored = names.map(storedName)
      expect(new Set(stored).size).toBe(names.length)
      for (const one of stored) {
        expect(Buffer.byteLength(one)).toBeLessThanOrEqual(63)
        expect(one).not.toContain('\ufffd')
      }
    }),
    { numRuns: 300 },
  )
})

test('the name of a system column gets a number, and what bears that name already the next one', () => {
  for (const name of ['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'])
    expect(storedName(name)).toBe(`${name}_2`)
  expect(storedName('xmin_2')).toBe('xmin_2_2')
  // To the server these are other names, and free.
  for (const name of ['XMIN', 'xmin_3', 'oid', 'xmin2']) expect(storedName(name)).toBe(name)
})

test('a quote in a name is doubled', () => {
  expect(identifier('a"b')).toBe('"a""b"')
})
