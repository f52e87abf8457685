import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LongDecimal, type Value } from '../ports/json.ts'
import type { ColumnType } from '../ports/schema.ts'
import { columnTypes, widen } from './column-type.ts'
import { decimalDigits, plainDecimal } from './decimal.ts'
import { encodeJson } from './encode-json.ts'
import { encodeText } from './encode-text.ts'
import { encodeValue, widenEncoded } from './encode-value.ts'
import { inferType } from './infer.ts'
import { timestampMicros, timestampText } from './iso-time.ts'
import { bigints, longDecimals, values } from './values.arbitrary.ts'

test('JSON keeps the digits of long numbers, however deep they are (R4)', () => {
  const value = {
    a: [1n << 70n, new LongDecimal('0.10000000000000000000001')],
    'b"': { c: null, d: 'x\n' },
    e: [],
    f: {},
  }
  expect(encodeJson(value)).toBe(
    '{"a":[1180591620717411303424,0.10000000000000000000001],"b\\"":{"c":null,"d":"x\\n"},"e":[],"f":{}}',
  )
})

test('JSON without long numbers is what JSON.stringify writes, and with them reads back to the nearest doubles', () => {
  fc.assert(
    fc.property(values, bigints, longDecimals, (value, big, long) => {
      const near = (part: Value): Value => {
        if (typeof part === 'bigint' || part instanceof LongDecimal) return Number(part.toString())
        if (Array.isArray(part)) return part.map(near)
        if (typeof part !== 'object' || part === null) return part
        return Object.fromEntries(Object.entries(part).map(([field, member]) => [field, near(member)]))
      }
      expect(encodeJson(near(value))).toBe(JSON.stringify(near(value)))
      const wrapped = [value, big, long]
      expect(JSON.stringify(JSON.parse(encodeJson(wrapped)))).toBe(JSON.stringify(near(wrapped)))
    }),
    { numRuns: 1000 },
  )
})

test('JSON may nest deeper than a call stack', () => {
  const depth = 100_000
  const text = '['.repeat(depth) + ']'.repeat(depth)
  expect(encodeJson(JSON.parse(text)) === text).toBe(true)
})

test.each<[Value, string | null]>([
  [null, null],
  ['x', 'x'],
  [5, '5'],
  [-0, '-0'],
  [0.1, '0.1'],
  [1e21, '1e+21'],
  [true, 'true'],
  [2n ** 64n, '18446744073709551616'],
  [new LongDecimal('1.50e-30'), '1.50e-30'],
  [{ a: [2n ** 64n] }, '{"a":[18446744073709551616]}'],
])('%o is %j in a text column', (value, text) => {
  expect(encodeText(value)).toBe(text)
})

test.each([
  ['-12.340', '-12.34'],
  ['1.5e-7', '0.00000015'],
  ['1.5E3', '1500'],
  ['12345e-2', '123.45'],
  ['0.0', '0'],
  ['-0.00', '0'],
  ['007', '7'],
  ['1e101', null],
  ['x', null],
  ['', null],
])('the plain form of %j is %j', (text, plain) => {
  expect(plainDecimal(text)).toBe(plain)
})

test("a number's digits keep the zeros that were sent after the point", () => {
  expect(decimalDigits('-01.500e1')).toEqual({ negative: true, integer: '15', fraction: '00' })
})

/** What a column's form of a value says, whatever its spelling. */
function meaning(value: Value | undefined): unknown {
  if (typeof value === 'number')
    return Object.is(value, -0) ? '-0' : (plainDecimal(String(value)) ?? String(value))
  if (typeof value === 'bigint' || value instanceof LongDecimal)
    return plainDecimal(String(value)) ?? String(value)
  return value
}

function decode(encoded: ReturnType<typeof encodeValue>, type: ColumnType, original: Value): unknown {
  if (type.kind === 'json')
    return encoded === null ? null : encoded === encodeJson(original) ? meaning(original) : encoded
  if (type.kind === 'text')
    return typeof original === 'string'
      ? encoded
      : encoded === encodeText(original)
        ? meaning(original)
        : encoded
  return type.kind === 'decimal' ? encoded : meaning(encoded)
}

test('a column that is wide enough for two values gives each of them back', () => {
  fc.assert(
    fc.property(values, values, (value, other) => {
      const [own, others] = [inferType(value), inferType(other)]
      fc.pre(own !== null && others !== null)
      const type = widen(own, others)
      const encoded = encodeValue(value, type, 'c')
      if (type.kind === 'timestamp') {
        expect(timestampMicros(encoded as string)).toBe(timestampMicros(value as string))
        return
      }
      // An integer is equal to itself as a double or a decimal; everything else comes back as it was.
      expect(decode(encoded, type, value)).toEqual(meaning(value))
    }),
    { numRuns: 5000 },
  )
})

test('widening what is stored gives what a wide column would have stored, up to the spelling of instants and decimals', () => {
  fc.assert(
    fc.property(values, values, (value, other) => {
      const [own, others] = [inferType(value), inferType(other)]
      fc.pre(own !== null && others !== null)
      const type = widen(own, others)
      const stored = widenEncoded(encodeValue(value, own, 'c'), own, type, 'c')
      let respelled = value
      if (own.kind === 'timestamp') respelled = timestampText(timestampMicros(value as string))
      if (own.kind === 'decimal') respelled = new LongDecimal(plainDecimal(String(value))!)
      if (own.kind === 'text') respelled = encodeText(value)
      if (own.kind === 'json') expect(stored).toBe(encodeJson(value))
      else expect(stored).toBe(encodeValue(respelled, type, 'c'))
    }),
    { numRuns: 5000 },
  )
})

test('a value that does not fit its column is an error that names the column, the type and the value', () => {
  expect(() => encodeValue('abc', columnTypes.integer, 'amount')).toThrow(
    "column amount is integer and can't hold abc: observe the records before the load is committed",
  )
  expect(() => encodeValue('x'.repeat(500), columnTypes.date, 'day')).toThrow(/can't hold x{200}:/)
})
