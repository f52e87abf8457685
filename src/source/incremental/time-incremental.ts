import { ConfigError } from '../../errors.ts'
import { requestWriter } from '../../pagination/request-value.ts'
import type { Json, JsonRecord, Value } from '../../ports/json.ts'
import type { Clock } from '../../ports/runtime.ts'
import type { Progress, Slice } from '../../ports/source.ts'
import { boundsOf, oneSlice, type Progression, storedPosition } from '../progression.ts'
import { cursorField } from './cursor-field.ts'
import type { TimeIncrementalOptions } from './incremental-options.ts'
import { type Start, startInstant } from './start.ts'
import {
  earlier,
  formatInstant,
  formatInstantUp,
  type Instant,
  instantOfMs,
  later,
  shiftInstant,
  toInstant,
} from './time-format.ts'
import { isBefore, timeOrdering } from './time-ordering.ts'

/**
 * Reads what changed since the high-water mark, by a filter of the API or, where it has none, by one of ours.
 *
 * The mark is the greatest time that was seen, and never later than the beginning of the scan less `margin`: a record
 * that changes while the list is read has a later time than that, and is read by the next run. Records that share the
 * mark's time are read again, since others with the same time may have come after; the destination knows them by key.
 */
export function timeIncremental(stream: string, options: TimeIncrementalOptions, clock: Clock): Progression {
  const { param, endParam, format, lookback, margin } = options
  const ascending = options.order === 'ascending'
  const writeSince = param === undefined ? undefined : requestWriter(param)
  const writeUntil = endParam === undefined ? undefined : requestWriter(endParam)
  const cursor = cursorField({
    stream,
    field: options.field,
    ordering: timeOrdering,
    ascending,
    missing: options.missing,
  })

  function scanOf(slice: Slice): Scan {
    const bounds = boundsOf(slice)
    const now = instantOfMs(clock.now() - margin)
    const mark = markOf(stream, slice.progress)
    const stored = storedPosition(slice.progress)
    if (stored !== undefined && isInstant(stored.since) && isInstant(stored.until)) {
      const { at, since, until } = stored
      return { at, since, until, highest: isInstant(stored.highest) ? stored.highest : null, mark }
    }
    const fromMark =
      mark === null
        ? startInstant(options.start, clock)
        : later(earliestOf(options.start, mark), shiftInstant(mark, -lookback))
    const since = bounds?.since ?? fromMark
    return { at: undefined, since, until: later(since, bounds?.until ?? now), highest: null, mark }
  }

  /** A start that moves with the clock must not pass the mark of a stream that was not run for long. */
  function earliestOf(start: Start, mark: Instant): Instant {
    const instant = startInstant(start, clock)
    return typeof start === 'string' ? instant : earlier(instant, mark)
  }

  return {
    slices: oneSlice,

    begin(slice) {
      const { at, since, until, mark, ...scan } = scanOf(slice)
      let { highest } = scan
      let highestBefore = highest
      const isBackfill = boundsOf(slice) !== undefined
      const keeps = ownFilter(
        param === undefined ? since : undefined,
        isBackfill && endParam === undefined ? boundsOf(slice)?.until : undefined,
        cursor.read,
      )

      return {
        start: at,

        request(base) {
          const bounded = writeSince?.(base, formatInstant(since, format)) ?? base
          return writeUntil?.(bounded, formatInstantUp(until, format)) ?? bounded
        },

        take(records) {
          const best = cursor.highest(records)
          if (best !== undefined) {
            if (highest !== null) cursor.checkFollows(records, highest)
            const instant = toInstant(best)!
            highest = highest === null ? instant : later(highest, instant)
          }
          return keeps === undefined ? records : records.filter(keeps)
        },

        rewind() {
          highest = highestBefore
        },

        progress({ next }): Progress | undefined {
          highestBefore = highest
          if (isBackfill) return undefined
          const isEnd = next === undefined
          const seen = highest === null ? null : earlier(highest, until)
          return {
            position: isEnd ? null : { at: next, since, until, highest },
            // C5
            highWater:
              (isEnd || ascending) && seen !== null ? (mark === null ? seen : later(mark, seen)) : mark,
          }
        },
      }
    },
  }
}

/** One pass over the list: its bounds stay the same from its first page to its last, also across runs. */
interface Scan {
  readonly at: Json | undefined
  readonly since: Instant
  readonly until: Instant
  /** The greatest time seen on the pages before `at`. */
  readonly highest: Instant | null
  /** The high-water mark before this scan. */
  readonly mark: Instant | null
}

function ownFilter(
  since: Instant | undefined,
  until: Instant | undefined,
  read: (record: JsonRecord) => Value | undefined,
): ((record: JsonRecord) => boolean) | undefined {
  if (since === undefined && until === undefined) return undefined
  const isTooEarly = since === undefined ? undefined : isBefore(since)
  const isEarlyEnough = until === undefined ? undefined : isBefore(until)
  return (record) => {
    const value = read(record)
    // `missing: keep`: a record without a time belongs to every scan.
    if (value === undefined || value === null) return true
    return !isTooEarly?.(value) && (isEarlyEnough?.(value) ?? true)
  }
}

function isInstant(value: Json | undefined): value is Instant {
  return typeof value === 'string' && toInstant(value) === value
}

function markOf(stream: string, progress: Progress | null): Instant | null {
  const mark = progress?.highWater ?? null
  if (mark === null || isInstant(mark)) return mark
  throw new ConfigError(
    stream,
    `the stored high-water mark ${JSON.stringify(mark)} is no time: \`incremental\` was something else when it was stored. Reset the stream's state, or run it with --full-refresh`,
  )
}
