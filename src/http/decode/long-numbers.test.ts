import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LongDecimal, type Value } from '../../ports/json.ts'
import {
  longNumber,
  mayHoldLongNumbers,
  mayHoldOutsizeNumbers,
  parseJson,
  parseKeepingLongNumbers,
} from './long-numbers.ts'

const parse = (text: string) => parseJson(text, Buffer.from(text))

/** A number's exact value: its digits and the power of ten of the last one, without outer zeros. */
function exactly(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!
  let digits = BigInt(match[2]! + (match[3] ?? ''))
  let exponent = Number(match[4] ?? 0) - (match[3] ?? '').length
  if (digits === 0n) return '0'
  while (digits % 10n === 0n) {
    digits /= 10n
    exponent++
  }
  return `${match[1]}${digits}e${exponent}`
}

const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`))
const integer = fc
  .tuple(fc.constantFrom('', '-'), digits(30))
  .map(([sign, text]) => sign + text.replace(/^0+(?=\d)/, ''))
const numberText = fc
  .tuple(
    integer,
    fc.option(digits(30), { nil: undefined }),
    fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'E-', 'e-'), fc.integer({ min: 0, max: 500 })), {
      nil: undefined,
    }),
  )
  .map(
    ([whole, fraction, power]) =>
      whole + (fraction === undefined ? '' : `.${fraction}`) + (power?.join('') ?? ''),
  )

const trickyString = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('"', '\\', '\u0001', '0', '1', 'é', '\n', '12345678901234567890') }),
  integer,
)
const document: fc.Arbitrary<string> = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 4 },
    numberText,
    trickyString.map((value) => JSON.stringify(value)),
    trickyString.map((value) => `"\\u0001${JSON.stringify(value).slice(1)}`),
    fc.constantFrom('null', 'true', 'false', '[ ]', '{\n}'),
    fc.array(tie('text'), { maxLength: 5 }).map((items) => `[${items.join(' , ')}]`),
    fc
      .uniqueArray(fc.tuple(trickyString, tie('text')), { maxLength: 5, selector: ([key]) => key })
      .map((fields) => `{${fields.map(([key, item]) => `${JSON.stringify(key)} : ${item}`).join(',\n')}}`),
  ),
})).text

describe('R4', () => {
  test('a number that a double holds as it is written stays a number', () => {
    for (const text of [
      '0',
      '1.0',
      '1.10',
      '-1E-7',
      '1e3',
      '0.1',
      '9007199254740991',
      '123456789012345.6',
      '1e300',
      '5e-324',
      '0e999',
      '0.00000000000000000000',
    ])
      expect(parseKeepingLongNumbers(text), text).toBe(Number(text))
    expect(parseKeepingLongNumbers('-0')).toBe(-0)
  })

  test('an integer beyond 2^53 arrives as bigint, also where a double happens to hold it', () => {
    expect(parse('{"id":9007199254740993,"down":-9007199254740993,"power":18014398509481984}')).toEqual({
      id: 9007199254740993n,
      down: -9007199254740993n,
      power: 18014398509481984n,
    })
  })

  test('a decimal with more digits than a double arrives as LongDecimal, as it was sent', () => {
    const { rate } = parse('{"rate":0.12345678901234567890}') as { rate: LongDecimal }
    expect(rate).toBeInstanceOf(LongDecimal)
    expect(rate.text).toBe('0.12345678901234567890')
    expect((longNumber('9007199254740993.0') as LongDecimal).text).toBe('9007199254740993.0')
    expect((longNumber('1e400') as LongDecimal).text).toBe('1e400')
    expect((longNumber('-1E-400') as LongDecimal).text).toBe('-1E-400')
  })

  test('an integer of thousands of digits stays text, so that it costs no more than its length', () => {
    expect(longNumber('7'.repeat(1000))).toBe(BigInt('7'.repeat(1000)))
    expect((longNumber('7'.repeat(1001)) as LongDecimal).text).toBe('7'.repeat(1001))
    expect((longNumber(`0.${'0'.repeat(200_000)}1`) as LongDecimal).text).toHaveLength(200_003)
  })

  test('digits inside strings and keys are untouched', () => {
    const text =
      '{"12345678901234567890":"12345678901234567890","a\\"12345678901234567":[12345678901234567890]}'
    expect(parse(text)).toEqual({
      '12345678901234567890': '12345678901234567890',
      'a"12345678901234567': [12345678901234567890n],
    })
  })

  test('a string that looks like the mark of a long number comes back as it was', () => {
    const text =
      '{"\\u00010":"\\u00010","b":12345678901234567890,"c":["\\u00011","\\u0001","\\\\u00010"],"__proto__":"\\u00012"}'
    const value = parse(text) as { [key: string]: Value }
    expect(Object.entries(value)).toEqual([
      ['\u00010', '\u00010'],
      ['b', 12345678901234567890n],
      ['c', ['\u00011', '\u0001', '\\u00010']],
      ['__proto__', '\u00012'],
    ])
  })

  test('deep nesting needs no deep stack', () => {
    const depth = 50_000
    let value = parse(`${'['.repeat(depth)}12345678901234567890${']'.repeat(depth)}`)
    for (let level = 0; level < depth; level++) value = (value as Value[])[0]!
    expect(value).toBe(12345678901234567890n)
  })

  // PEERS: Airbyte JsonDecoder
  test('any JSON text comes back with the exact value of each number', () => {
    fc.assert(
      fc.property(document, (text) => {
        const value = parseKeepingLongNumbers(text)
        const numbers: string[] = []
        const compare = (ours: Value, theirs: unknown): void => {
          if (typeof ours === 'number' || typeof ours === 'bigint' || ours instanceof LongDecimal) {
            numbers.push(exactly(ours.toString()))
            expect(Number(ours.toString()) + 0).toBe((theirs as number) + 0)
          } else if (Array.isArray(ours))
            for (const [index, item] of ours.entries()) compare(item, (theirs as unknown[])[index])
          else if (typeof ours === 'object' && ours !== null) {
            expect(Object.keys(ours)).toEqual(Object.keys(theirs as object))
            for (const key of Object.keys(ours))
              compare(ours[key]!, (theirs as { [key: string]: unknown })[key])
          } else expect(ours).toBe(theirs)
        }
        compare(value, JSON.parse(text))
        expect(numbers.sort()).toEqual(numbersOf(text).map(exactly).sort())
      }),
      { numRuns: 3000 },
    )
  })

  test('what JSON.parse refuses is refused, with the same message', () => {
    fc.assert(
      fc.property(
        document,
        fc.nat(),
        fc.constantFrom('', '"', ':', ',', '-', '0', '12345678901234567890', '\\', '}'),
        (text, at, insert) => {
          const cut = at % (text.length + 1)
          const broken = text.slice(0, cut) + insert + text.slice(cut + (insert === '' ? 1 : 0))
          const outcome = (read: () => unknown) => {
            try {
              read()
              return 'fine'
            } catch (error) {
              return (error as Error).message
            }
          }
          expect(outcome(() => parseKeepingLongNumbers(broken))).toBe(outcome(() => JSON.parse(broken)))
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('the scan sees every run of 16 digits and dots, wherever it is', () => {
    fc.assert(
      fc.property(fc.nat(80), fc.integer({ min: 16, max: 40 }), fc.nat(80), (before, length, behind) => {
        expect(
          mayHoldLongNumbers(Buffer.from('x'.repeat(before) + '1'.repeat(length) + 'x'.repeat(behind))),
        ).toBe(true)
      }),
    )
    expect(mayHoldLongNumbers(Buffer.from('123456789012345,'.repeat(50)))).toBe(false)
    expect(mayHoldLongNumbers(Buffer.from('2026-01-02T03:04:05.123456/'.repeat(50)))).toBe(false)
  })

  test('any number that loses digits is seen by the scans, however short it is', () => {
    fc.assert(
      fc.property(
        numberText,
        fc.nat(40),
        fc.constantFrom('', ' ', '\n', ',1', ',"x"'),
        (text, before, behind) => {
          fc.pre(longNumber(text) !== undefined)
          const first = (value: Value) => (value as Value[])[0]
          expect(first(parse(`[${' '.repeat(before)}${text}${behind}]`))).toEqual(longNumber(text))
          expect(parse(`{"a":${text}}`)).toEqual({ a: longNumber(text) })
          expect(parse(text)).toEqual(longNumber(text))
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('a short number outside the range of a double arrives as LongDecimal, as it was sent', () => {
    const text = '{"large":1e400,"small":[-1E-400, 5e-0400],"fits":1e300,"id":"12e4567"}'
    const { large, small, fits, id } = parse(text) as { [key: string]: Value }
    expect((large as LongDecimal).text).toBe('1e400')
    expect((small as LongDecimal[]).map((number) => number.text)).toEqual(['-1E-400', '5e-0400'])
    expect([fits, id]).toEqual([1e300, '12e4567'])
  })

  test('exponents that fit, hashes and UUIDs are none of them, so that their pages are parsed as they are', () => {
    for (const text of [
      '[1e300, 1.5E-300, 1e+200]',
      '["3f2504e0-4f89-11e4000-9a0c", "d41d8cd98f1e400204e980"]',
      '{"a":"1e400","b":1e22,"1e400":0}',
      '"see 1e4"',
    ])
      expect(mayHoldOutsizeNumbers(text), text).toBe(false)
    expect(mayHoldOutsizeNumbers('[1e400]')).toBe(true)
  })
})

/** The numbers of a JSON text that are not part of a string. */
function numbersOf(text: string): string[] {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/gs)].flatMap(
    (match) => match[1] ?? [],
  )
}
