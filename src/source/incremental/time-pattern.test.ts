import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileTimePattern, type TimePattern } from './time-pattern.ts'
import { zoneOffset } from './time-zone.ts'

function pattern(text: string): TimePattern {
  const compiled = compileTimePattern(text)
  if ('problem' in compiled) throw new Error(compiled.problem)
  return compiled
}

const utc = zoneOffset('UTC')

describe('a pattern', () => {
  // PEERS: Airbyte DatetimeBasedCursor datetime_format
  // PEERS: dlt incremental convert
  test.each([
    ['%Y-%m-%d', '2024-01-31T09:05:07.1234567Z', '2024-01-31'],
    ['%Y-%m-%d %H:%M', '2024-01-31T09:05:07.1234567Z', '2024-01-31 09:05'],
    ['%Y-%m-%dT%H:%M:%S.%fZ', '2024-01-31T09:05:07.1234567Z', '2024-01-31T09:05:07.123456Z'],
    ['%Y-%m-%dT%H:%M:%S.%L%z', '2024-01-31T09:05:07.1234567Z', '2024-01-31T09:05:07.123+0000'],
    ['%Y-%m-%dT%H:%M:%S%:z', '2024-01-31T09:05:07Z', '2024-01-31T09:05:07+00:00'],
    ['%d/%m/%y %I:%M %p', '2024-01-31T00:05:07Z', '31/01/24 12:05 AM'],
    ['%d %b %Y, %I %p', '2024-09-01T23:00:00Z', '01 Sep 2024, 11 PM'],
    ['%a, %d %b %Y', '2015-08-18T00:00:00Z', 'Tue, 18 Aug 2015'],
    ['%B %d, %Y', '2024-09-01T23:00:00Z', 'September 01, 2024'],
    ['%s', '2024-01-31T09:05:07.9Z', '1706691907'],
    ['%s.%L', '2024-01-31T09:05:07.9Z', '1706691907.900'],
    ['100%% %Y', '2024-01-31T09:05:07Z', '100% 2024'],
  ])('%s writes %s as %s', (text, instant, expected) => {
    expect(pattern(text).format(instant, 'UTC')).toBe(expected)
  })

  test.each([
    ['%Y-%m-%dT%H:%M:%S.%f%z', '2024-01-31T09:05:07.123456+0130', '2024-01-31T07:35:07.123456Z'],
    ['%Y-%m-%dT%H:%M:%S%z', '2024-01-31T09:05:07Z', '2024-01-31T09:05:07Z'],
    ['%d/%m/%Y', '1/2/2024', '2024-02-01T00:00:00Z'],
    ['%d %b %Y', '09 nov 2024', '2024-11-09T00:00:00Z'],
    ['%B %d %Y %I:%M %p', 'May 03 2024 12:30 pm', '2024-05-03T12:30:00Z'],
    ['%y%m%d', '690101', '1969-01-01T00:00:00Z'],
    ['%y%m%d', '680101', '2068-01-01T00:00:00Z'],
    ['%s.%f', '1512085950.000216', '2017-11-30T23:52:30.000216Z'],
    ['%Y', '2024', '2024-01-01T00:00:00Z'],
  ])('%s reads %s', (text, value, expected) => {
    expect(pattern(text).parse(value, utc)).toBe(expected)
  })

  test('reads nothing from a text of another form, or a day that there is not', () => {
    expect(pattern('%Y-%m-%d').parse('2024-02-30', utc)).toBeUndefined()
    expect(pattern('%Y-%m-%d').parse('2024-02-01 ', utc)).toBeUndefined()
    expect(pattern('%H:%M %Y').parse('24:00 2024', utc)).toBeUndefined()
    expect(pattern('%b %Y').parse('Foo 2024', utc)).toBeUndefined()
    expect(pattern('%s').parse('999999999999', utc)).toBeUndefined()
    expect(pattern('%Y%z').parse('0000+0100', utc)).toBeUndefined()
  })

  test('takes what is no directive as it stands', () => {
    expect(pattern('(%Y)[.]$').parse('(2024)[.]$', utc)).toBe('2024-01-01T00:00:00Z')
  })

  test.each([
    ['%Q', /%Q is no directive: there are %Y %m/],
    ['%Y %', /% is no directive/],
    ['%:Y', /%:Y is no directive/],
    ['%Y %Y', /%Y stands there twice/],
    ['yyyy-MM-dd', /it holds no directive/],
    ['%H:%M', /it says no year: add %Y/],
    ['%Y %I', /%I counts to 12: add %p, or use %H/],
    [`%Y${'9'.repeat(300)}`, /it has 302 characters, and 200 at most are taken/],
  ])('%s is refused', (text, problem) => {
    expect(compileTimePattern(text)).toEqual({ problem: expect.stringMatching(problem) })
  })

  test('reads what it has written, in every zone, up to the digits that it has', () => {
    const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata', '-03:30']
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), fc.constantFrom(...zones), (ms, zone) => {
        const instant = new Date(ms).toISOString()
        for (const text of ['%Y-%m-%dT%H:%M:%S.%L%z', '%d %b %Y %I:%M:%S.%f %p %:z', '%s.%L']) {
          const { format, parse } = pattern(text)
          expect(Date.parse(parse(format(instant, zone), zoneOffset(zone))!)).toBe(ms)
        }
      }),
    )
  })
})
