import { ConfigError } from '../../errors.ts'
import { requestWriter } from '../../pagination/request-value.ts'
import type { Json, JsonRecord, Value } from '../../ports/json.ts'
import type { Clock } from '../../ports/runtime.ts'
import type { Progress, Slice } from '../../ports/source.ts'
import { boundsOf, oneSlice, type Progression, storedPosition } from '../progression.ts'
import { cursorField, type Seen } from './cursor-field.ts'
import type { TimeIncrementalOptions } from './incremental-options.ts'
import { markReader } from './response-mark.ts'
import { type Start, startInstant } from './start.ts'
import { type TimeCodec, timeCodec } from './time-codec.ts'
import { earlier, type Instant, instantOfMs, later, shiftInstant, toInstant } from './time-format.ts'
import { isBefore, timeOrdering, wantedTime } from './time-ordering.ts'

/**
 * Reads what changed since the high-water mark, by a filter of the API or, where it has none, by one of ours.
 *
 * The mark is the greatest time that was seen, and never later than the beginning of the scan less `margin`: a record
 * that changes while the list is read has a later time than that, and is read by the next run. Records that share the
 * mark's time are read again, since others with the same time may have come after; the destination knows them by key.
 */
export function timeIncremental(
  stream: string,
  options: TimeIncrementalOptions,
  clock: Clock,
  /** Those of the stream's request: what they tell the API is not filtered here. */
  placeholders: ReadonlySet<string> = new Set(),
): Progression {
  const { param, endParam, lookback, margin, order, missing } = options
  const codec = timeCodec(options)
  const writeSince = param === undefined ? undefined : requestWriter(param)
  const writeUntil = endParam === undefined ? undefined : requestWriter(endParam)
  const before = options.inclusive ? 0 : (options.granularity ?? codec.unitMs)
  const cursor =
    options.field === undefined
      ? undefined
      : cursorField({ stream, field: options.field, ordering: timeOrdering(codec), order, missing })
  const readMark = markReader(stream, options.mark, codec.read, wantedTime)

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
      /** The greatest time of the records, or what the pages said in its place. */
      let { highest } = scan
      let highestBefore = highest
      // Goes on behind what an earlier run has seen.
      let seen: Seen | undefined =
        order === 'ascending' && highest !== null && readMark === undefined
          ? { highest, last: highest }
          : undefined
      let seenBefore = seen
      let passedMark = false
      const isBackfill = boundsOf(slice) !== undefined
      const isOld = isBefore(since, codec)
      const sinceText = codec.write(shiftInstant(since, -before))
      const untilText = codec.writeUp(until)
      const tellsSince = param !== undefined || placeholders.has('cursor.value')
      const tellsUntil = endParam !== undefined || placeholders.has('cursor.end')
      const keeps =
        cursor &&
        ownFilter(
          !tellsSince || order === 'descending' ? isOld : undefined,
          isBackfill && !tellsUntil ? boundsOf(slice)?.until : undefined,
          cursor.read,
          codec,
          missing === 'drop',
        )

      return {
        start: at,
        values: { cursor: { value: sinceText, end: untilText } },

        request(base) {
          const bounded = writeSince?.(base, sinceText) ?? base
          return writeUntil?.(bounded, untilText) ?? bounded
        },

        take(records) {
          if (cursor === undefined) return records
          seen = cursor.look(records, seen)
          if (seen !== undefined) {
            if (readMark === undefined) {
              const instant = codec.read(seen.highest)!
              highest = highest === null ? instant : later(highest, instant)
            }
            // The mark's own time is read to its end: others of that time may stand behind.
            if (order === 'descending') passedMark = isOld(seen.last)
          }
          return keeps === undefined ? records : records.filter(keeps)
        },

        ...(order === 'descending' && { isEnough: () => passedMark }),

        rewind() {
          highest = highestBefore
          seen = seenBefore
        },

        progress({ view, next }): Progress | undefined {
          const said = readMark?.(view)
          if (said !== undefined) highest = highest === null ? said : later(highest, said)
          highestBefore = highest
          seenBefore = seen
          if (isBackfill) return undefined
          const isEnd = next === undefined
          // What the API says of itself knows of records that change while they are read.
          const reached = highest === null || readMark !== undefined ? highest : earlier(highest, until)
          return {
            position: isEnd ? null : { at: next, since, until, highest },
            // C5
            highWater:
              (isEnd || (order === 'ascending' && readMark === undefined)) && reached !== null
                ? mark === null
                  ? reached
                  : later(mark, reached)
                : mark,
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
  isTooEarly: ((value: Value) => boolean) | undefined,
  until: Instant | undefined,
  read: (record: JsonRecord) => Value | undefined,
  codec: TimeCodec,
  dropMissing: boolean,
): ((record: JsonRecord) => boolean) | undefined {
  if (isTooEarly === undefined && until === undefined && !dropMissing) return undefined
  const isEarlyEnough = until === undefined ? undefined : isBefore(until, codec)
  return (record) => {
    const value = read(record)
    // `missing: keep`: a record without a time belongs to every scan.
    if (value === undefined || value === null) return !dropMissing
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
