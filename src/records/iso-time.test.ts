import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  isIsoDate,
  isIsoTimestamp,
  isoDateDays,
  timestampMicros,
  timestampText,
  utcTimestamp,
} from './iso-time.ts'
import { timestamps } from './values.arbitrary.ts'

test.each(['2024-01-31', '2024-02-29', '2000-02-29', '0001-01-01', '9999-12-31'])('%s is a date', (text) => {
  expect(isIsoDate(text)).toBe(true)
})

test.each([
  '2023-02-29',
  '1900-02-29',
  '2024-04-31',
  '2024-13-01',
  '2024-00-10',
  '2024-01-00',
  '0000-01-01',
  '2024-1-31',
  '2024/01/31',
  '20240131',
  '2024-01-31 ',
  '٢٠٢٤-01-31',
  'abcd-ef-gh',
  '',
])('%j is no date', (text) => {
  expect(isIsoDate(text)).toBe(false)
})

test.each([
  '2024-01-31T10:00:00Z',
  '2024-01-31T23:59:59.1Z',
  '2024-01-31T10:00:00.123456Z',
  '2024-01-31T10:00:00+02:00',
  '2024-01-31T10:00:00-0800',
  '2024-01-31T10:00:00.000+0000',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999+00:00',
])('%s is a timestamp', (text) => {
  expect(isIsoTimestamp(text)).toBe(true)
})

test.each([
  '2024-01-31T10:00:00',
  '2024-01-31 10:00:00Z',
  '2024-01-31T10:00Z',
  '2024-01-31T24:00:00Z',
  '2024-01-31T10:60:00Z',
  '2024-01-31T10:00:60Z',
  '2024-01-31T10:00:00.Z',
  '2024-01-31T10:00:00.1234567Z',
  '2024-01-31T10:00:00+2:00',
  '2024-01-31T10:00:00+15:00',
  '2024-01-31T10:00:00+02:60',
  '2024-01-31T10:00:00+02',
  '2024-01-31T10:00:00Zx',
  '2024-01-31T10:00:00+02:00x',
  '2024-02-30T10:00:00Z',
  '2024-01-31t10:00:00z',
  '0001-01-01T00:00:00+01:00',
  '9999-12-31T23:00:00-02:00',
  '2024-01-31T10:00:00+02-00',
  '2024-01-31Tab:cd:efZ',
])('%j is no timestamp', (text) => {
  expect(isIsoTimestamp(text)).toBe(false)
})

test.each([
  ['1970-01-01T00:00:00Z', 0n],
  ['1970-01-01T00:00:00.000001Z', 1n],
  ['1969-12-31T23:59:59.999999Z', -1n],
  ['2024-01-31T12:30:00.5+02:30', 1_706_695_200_500_000n],
  ['2024-01-31T10:00:00-0800', 1_706_724_000_000_000n],
])('%s is %s microseconds after 1970', (text, micros) => {
  expect(timestampMicros(text)).toBe(micros)
})

test('an instant has one spelling, which is a timestamp and says the same instant', () => {
  fc.assert(
    fc.property(timestamps, (text) => {
      fc.pre(isIsoTimestamp(text))
      const spelled = timestampText(timestampMicros(text))
      expect(isIsoTimestamp(spelled)).toBe(true)
      expect(spelled).toMatch(/(?<!\.\d*0)Z$/)
      expect(timestampMicros(spelled)).toBe(timestampMicros(text))
      expect(utcTimestamp(text)).toBe(spelled)
    }),
    { numRuns: 2000 },
  )
})

test('the calendar is that of Date, and zeros that say nothing are dropped', () => {
  fc.assert(
    fc.property(timestamps, (text) => {
      fc.pre(isIsoTimestamp(text))
      expect(isoDateDays(text)).toBe(Date.parse(text.slice(0, 10)) / 86_400_000)
      const zoned = text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')
      expect(timestampMicros(text) / 1000n - BigInt(Date.parse(zoned))).toBeOneOf([0n, 1n])
    }),
    { numRuns: 2000 },
  )
  expect(utcTimestamp('2024-01-31T10:00:00.000Z')).toBe('2024-01-31T10:00:00Z')
  expect(utcTimestamp('2024-01-31T10:00:00.120Z')).toBe('2024-01-31T10:00:00.12Z')
  expect(utcTimestamp('2024-01-31T10:00:00Z')).toBe('2024-01-31T10:00:00Z')
})
