import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { timeCodec } from './time-codec.ts'
import { timeFormat } from './time-option.ts'
import { timeZone, unambiguous, zoneOffset } from './time-zone.ts'

const berlin = (format: string, fieldFormat?: string) =>
  timeCodec({ format, fieldFormat, timeZone: 'Europe/Berlin' })

describe('a bound', () => {
  // PEERS: dlt incremental convert
  test('is rounded so that no record is left out: the lower one down, the upper one up', () => {
    const minute = timeCodec({ format: '%Y-%m-%d %H:%M', timeZone: 'UTC' })
    expect(minute.write('2024-01-31T09:30:00.000001Z')).toBe('2024-01-31 09:30')
    expect(minute.writeUp('2024-01-31T09:30:00.000001Z')).toBe('2024-01-31 09:31')
    expect(minute.writeUp('2024-01-31T09:30:00Z')).toBe('2024-01-31 09:30')
    expect(minute.unitMs).toBe(60_000)
    const month = timeCodec({ format: '%Y-%m', timeZone: 'UTC' })
    expect([month.write('2024-12-02T00:00:00Z'), month.writeUp('2024-12-02T00:00:00Z')]).toEqual([
      '2024-12',
      '2025-01',
    ])
    expect(month.writeUp('2024-12-01T00:00:00Z')).toBe('2024-12')
    const micro = timeCodec({ format: 'epoch_us', timeZone: 'UTC' })
    expect(micro.write('2024-01-31T09:30:00.1234567Z')).toBe(1706693400123456)
    expect(micro.writeUp('2024-01-31T09:30:00.1234567Z')).toBe(1706693400123457)
    expect(micro.writeUp('2024-01-31T09:30:00.12Z')).toBe(1706693400120000)
  })

  test('is a day of the time zone, of 25 hours where the clock is set back', () => {
    const day = berlin('date')
    expect(day.write('2024-06-30T22:30:00Z')).toBe('2024-07-01')
    expect(day.writeUp('2024-10-26T22:30:00Z')).toBe('2024-10-28')
    expect(day.writeUp('2024-10-27T22:59:59Z')).toBe('2024-10-28')
    expect(day.writeUp('2024-10-26T22:00:00Z')).toBe('2024-10-27')
  })

  test('that names no offset is moved out of the hour that the clock shows twice, where it could be read as the other one', () => {
    const local = berlin('%Y-%m-%d %H:%M:%S')
    // 02:30 is at 00:30Z and again at 01:30Z.
    expect(local.write('2024-10-27T00:30:00Z')).toBe('2024-10-27 01:30:00')
    expect(local.write('2024-10-27T01:30:00Z')).toBe('2024-10-27 01:30:00')
    expect(local.writeUp('2024-10-27T00:30:00Z')).toBe('2024-10-27 03:30:00')
    expect(local.write('2024-10-27T02:30:00Z')).toBe('2024-10-27 03:30:00')
    expect(berlin('%Y-%m-%d %H:%M:%S %z').write('2024-10-27T00:30:00Z')).toBe('2024-10-27 02:30:00 +0200')
  })

  // PEERS: dlt test_lag
  test('whatever an API takes it for, the lower one is never later and the upper one never earlier than it was', () => {
    const local = berlin('%Y-%m-%d %H:%M')
    const offsetOf = zoneOffset('Europe/Berlin')
    const start = Date.parse('2024-10-26T20:00:00Z')
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 * 3600 }), (seconds) => {
        const ms = start + seconds * 1000
        const read = (text: string | number) => {
          const localMs = Date.parse(`${String(text).replace(' ', 'T')}:00Z`)
          const first = localMs - offsetOf(localMs)
          return [first, unambiguous(first, 'Europe/Berlin', 'down') === first ? first : first + 3_600_000]
        }
        const instant = new Date(ms).toISOString()
        expect(Math.max(...read(local.write(instant)))).toBeLessThanOrEqual(ms)
        expect(Math.min(...read(local.writeUp(instant)))).toBeGreaterThanOrEqual(ms)
      }),
    )
  })
})

describe('a record’s time', () => {
  // PEERS: dlt test_incremental time zones
  test('is read in the zone where it names none, in the form of the parameter or in one of its own, else as ISO or as a number', () => {
    const codec = berlin('%Y-%m-%d %H:%M', '%d.%m.%Y %H:%M')
    expect(codec.read('31.01.2024 10:30')).toBe('2024-01-31T09:30:00Z')
    expect(codec.read('2024-07-31T10:30:00')).toBe('2024-07-31T08:30:00Z')
    expect(codec.read('2024-07-31T10:30:00Z')).toBe('2024-07-31T10:30:00Z')
    expect(codec.read(1706693400)).toBe('2024-01-31T09:30:00Z')
    expect(berlin('%Y-%m-%d %H:%M').read('2024-01-31 10:30')).toBe('2024-01-31T09:30:00Z')
    expect(codec.read('yesterday')).toBeUndefined()
    expect(codec.read(null)).toBeUndefined()
  })
})

test('a zone or a form that there is not is refused with what there is', () => {
  expect(timeZone.safeParse('Europe/Berln').error?.issues[0]?.message).toBe(
    '"Europe/Berln" is no time zone: write a name of the IANA database, as in "Europe/Berlin", or an offset, as in "+02:00"',
  )
  expect(timeFormat.safeParse('yyyy').error?.issues[0]?.message).toMatch(
    /"yyyy" is no form of a time: it holds no directive; write iso, epoch/,
  )
})
