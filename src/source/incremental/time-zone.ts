// Wall clocks: what time it is somewhere, and when it was that time there.
import { Temporal } from 'temporal-polyfill'

export { timeZone } from '../../options/time-zone.ts'

/** Gives the offset from UTC, in milliseconds, that a wall clock had when it showed `localMs` (milliseconds since 1970, as if it were UTC). */
export type ZoneOffset = (localMs: number) => number

/** Offsets change at quarters of an hour only. */
const quarter = 900_000
const mostKnown = 10_000

/**
 * The offsets of a zone. Of a time that a clock shows twice, when it is set back, it is the first; of one that it never shows, when it is
 * set forward, the time as far behind the gap as it stands in it.
 */
export function zoneOffset(zone: string): ZoneOffset {
  if (zone === 'UTC') return () => 0
  const known = new Map<number, number>()
  return (localMs) => {
    const key = Math.floor(localMs / quarter)
    let offset = known.get(key)
    if (offset === undefined) {
      const local = new Date(localMs).toISOString().slice(0, -1)
      offset = localMs - Temporal.PlainDateTime.from(local).toZonedDateTime(zone).epochMilliseconds
      if (known.size >= mostKnown) known.clear()
      known.set(key, offset)
    }
    return offset
  }
}

/** The wall clock's time at an instant. */
export function wallClock(ms: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone)
}

/**
 * An instant at or before (or, upwards, at or after) the given one whose wall-clock time occurs once: written without its offset, a time in
 * the hour that is shown twice could be read as the other one, and records between the two be skipped.
 */
export function unambiguous(ms: number, zone: string, direction: 'down' | 'up'): number {
  let at = ms
  // A clock is set back by an hour, rarely by less or more, and never twice within a few hours.
  for (let moves = 0; moves < 4; moves++) {
    const local = wallClock(at, zone).toPlainDateTime()
    const first = local.toZonedDateTime(zone, { disambiguation: 'earlier' }).epochMilliseconds
    const second = local.toZonedDateTime(zone, { disambiguation: 'later' }).epochMilliseconds
    if (first === second || local.toZonedDateTime(zone).toPlainDateTime().equals(local) === false) return at
    at += direction === 'down' ? first - second : second - first
  }
  return at
}
