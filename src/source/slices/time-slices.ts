import { requestWriter } from '../../pagination/request-value.ts'
import type { Json } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { Clock } from '../../ports/runtime.ts'
import type { Progress, Slice } from '../../ports/source.ts'
import { startInstant } from '../incremental/start.ts'
import {
  formatInstant,
  formatInstantUp,
  instantOfMs,
  msOfInstant,
  msOfInstantUp,
  type PlainTimeFormat,
  unitMs,
} from '../incremental/time-format.ts'
import {
  type BoundedSlice,
  boundsOf,
  byLastRead,
  isUnbounded,
  type Progression,
  type RepeatedSlice,
  type SliceReading,
  storedPosition,
} from '../progression.ts'
import { calendarGrid, dateText } from './calendar-grid.ts'
import { ceil, fixedGrid, type Grid } from './grid.ts'
import { ResultCapError, resultCount } from './result-cap.ts'
import type { TimeSlicesOptions } from './slices-options.ts'

/**
 * Reads a stream in windows of time on a grid, each with a checkpoint of its own.
 *
 * A window's high-water mark is the time up to which it is settled: nothing below it is expected to come late. That is
 * the beginning of its last complete read, less `margin` and `lookback`, and the window's end at most; a mark before the
 * window's beginning says that none of it is settled. A window is done when its mark has reached its end; until then each
 * run reads it again from the mark, however long ago the run before was.
 *
 * Windows with time in them that was never read come first, oldest first; then those that are read again, the one that was
 * read longest ago first. A run that is stopped early, by a budget of requests, has then read something new if there was any,
 * and what is read again has its turn in one of the next runs.
 *
 * With a `cap` a window is read part by part: a part that holds as many results as the API gives at most is read again in
 * halves. The window keeps its key; its position says which part is under way.
 */
export function timeSlices(
  stream: string,
  options: TimeSlicesOptions,
  clock: Clock,
  warn?: (message: string) => void,
): Progression {
  const { from, to, size, timeZone = 'UTC', lookback, margin, cap } = options
  const grid = typeof size === 'number' ? fixedGrid(size) : calendarGrid(size, timeZone)
  const days =
    typeof size === 'number' ? fixedGrid(unitMs.date) : calendarGrid({ count: 1, unit: 'day' }, timeZone)
  const stepsOf = (format: PlainTimeFormat): Grid => (format === 'date' ? days : fixedGrid(unitMs[format]))
  const coarser = unitMs[from.format] > unitMs[to.format] ? from.format : to.format
  /** The API's own step, where that is known. A bound inside one would leave out what happens in the step's rest. */
  const step = to.resolution ?? 0
  /** What an inclusive end is moved back by. */
  const back = to.inclusive ? step : 0
  /** What both bounds can say. */
  const steps = step > unitMs[coarser] ? fixedGrid(step) : stepsOf(coarser)
  const endSteps = step > unitMs[to.format] ? fixedGrid(step) : stepsOf(to.format)
  const writeFrom = from.param === undefined ? undefined : requestWriter(from.param)
  const writeTo = to.param === undefined ? undefined : requestWriter(to.param)
  const countOf = cap === undefined ? undefined : resultCount(options.total, warn)

  function* windows(sinceMs: number, untilMs: number): Iterable<Window> {
    for (let since = sinceMs; since < untilMs; since = grid.next(since))
      yield { since, end: grid.next(since) }
  }

  /**
   * A start that moves with the clock is the beginning of its window on the grid, so that a window keeps its key; and it
   * never passes a window that was begun, however long ago the run before was.
   */
  function startOf(committed: ReadonlyMap<string, Progress>): number {
    const start = msOfInstant(startInstant(options.start, clock))
    // A date alone means the beginning of that day in the time zone, which is the day that its UTC time lies in or the one after.
    if (typeof options.start === 'string') return (timeZone === 'UTC' ? steps : days).floor(start)
    let earliest = grid.floor(start)
    for (const key of committed.keys()) earliest = Math.min(earliest, msOfInstant(key))
    return earliest
  }

  function* planned(committed: ReadonlyMap<string, Progress>): Iterable<Slice> {
    const cut = clock.now() - margin
    const repeated: RepeatedSlice[] = []
    for (const window of windows(startOf(committed), cut)) {
      const key = instantOfMs(window.since)
      const progress = committed.get(key) ?? null
      const end = Math.min(window.end, cut)
      if (isSettled(progress, end)) continue
      // A mark lies so far before the time up to which the window was read.
      const lastRead = (markOf(progress) ?? Number.NEGATIVE_INFINITY) + lookback
      if (lastRead < end) yield { key, progress }
      else repeated.push({ key, progress, lastRead })
    }
    yield* repeated.sort(byLastRead)
  }

  function* backfill(since: number, until: number): Iterable<BoundedSlice> {
    for (const window of windows(steps.floor(since), until)) {
      const bounds = { since: instantOfMs(window.since), until: instantOfMs(Math.min(window.end, until)) }
      yield { key: bounds.since, progress: null, bounds }
    }
  }

  function partOf(slice: Slice): Part {
    const bounds = boundsOf(slice)
    if (bounds !== undefined) {
      const until = msOfInstant(bounds.until!)
      return partFrom(msOfInstant(bounds.since!), { until, settled: until })
    }
    const stored = storedPart(slice.progress)
    if (stored !== undefined) return stored
    const first = msOfInstant(slice.key)
    const mark = markOf(slice.progress)
    const since = Math.max(first, steps.floor(mark ?? first))
    const cut = clock.now() - margin
    // At least one step long, also where the clock went backwards.
    const until = Math.max(steps.next(since), Math.min(grid.next(first), cut))
    return partFrom(since, {
      until,
      settled: Math.max(mark ?? earliestMark, Math.min(until, cut - lookback)),
    })
  }

  function boundTexts({ since, end }: Part): { from: string | number; to: string | number } {
    const inZone = (ms: number, format: PlainTimeFormat): string | number =>
      format === 'date' && timeZone !== 'UTC'
        ? dateText(ms, timeZone)
        : formatInstant(instantOfMs(ms), format)
    const exclusive = ceil(endSteps, end)
    const last =
      to.inclusive && to.format === 'date' && to.resolution === undefined
        ? days.floor(exclusive - 1)
        : exclusive - back
    return {
      from: inZone(since, from.format),
      to:
        to.format === 'date' && timeZone !== 'UTC'
          ? dateText(last, timeZone)
          : formatInstantUp(instantOfMs(last), to.format),
    }
  }

  /** A shorter part from the same beginning, which both formats can say. */
  function half(part: Part): Part {
    const middle = Math.max(steps.next(part.since), steps.floor((part.since + part.end) / 2))
    if (middle < part.end) return { ...part, at: undefined, end: middle, read: 0 }
    throw new ResultCapError(stream, cap!, instantOfMs(part.since), instantOfMs(part.end))
  }

  /** What comes after a part that was read: twice as long where there is room for as many results. */
  function following(part: Part): Part | undefined {
    if (part.end >= part.until) return undefined
    const length = (part.end - part.since) * (part.read * 2 < cap! ? 2 : 1)
    const end = Math.min(part.until, Math.max(steps.next(part.end), steps.floor(part.end + length)))
    return { ...part, at: undefined, since: part.end, end, read: 0 }
  }

  function readingOf(slice: Slice, start: Part): SliceReading {
    const mark = slice.progress?.highWater ?? null
    const bounds = boundTexts(start)
    // Pages are looked at when they come and handed on later: one count for each.
    let seen = start.read
    let taken = start.read
    return {
      start: start.at,
      values: { slice: { from: bounds.from, to: bounds.to } },
      request(base: RequestSpec) {
        const since = writeFrom?.(base, bounds.from) ?? base
        return writeTo?.(since, bounds.to) ?? since
      },
      take(records) {
        taken += records.length
        return records
      },
      progress({ next }): Progress | undefined {
        if (boundsOf(slice) !== undefined) return undefined
        const part = { ...start, at: next, read: taken }
        const upcoming = next === undefined ? following(part) : part
        return upcoming === undefined
          ? { position: null, highWater: instantOfMs(start.settled) }
          : { position: positionOf(upcoming, cap !== undefined), highWater: mark }
      },
      ...(countOf !== undefined && {
        inspect(page) {
          seen += page.records.length
          return Math.max(seen, countOf(page.body, seen)) < cap! ? undefined : readingOf(slice, half(start))
        },
      }),
      after() {
        const part = following({ ...start, read: taken })
        return part === undefined ? sinceInterrupted(slice, start) : readingOf(slice, part)
      },
    }
  }

  /** A read that an earlier run began ended where that run's would have: what may have come since is for this one to read. */
  function sinceInterrupted(slice: Slice, { settled }: Part): SliceReading | undefined {
    if (boundsOf(slice) !== undefined || storedPart(slice.progress) === undefined) return undefined
    const end = Math.min(grid.next(msOfInstant(slice.key)), clock.now() - margin)
    if (end <= settled) return undefined
    const rest = { ...slice, progress: { position: null, highWater: instantOfMs(settled) } }
    return readingOf(rest, partOf(rest))
  }

  return {
    slices(committed, scope) {
      if (isUnbounded(scope)) return planned(committed)
      return backfill(
        scope.since === undefined ? startOf(committed) : msOfInstant(scope.since),
        scope.until === undefined ? clock.now() - margin : msOfInstantUp(scope.until),
      )
    },
    begin: (slice) => readingOf(slice, partOf(slice)),
  }
}

/** A look-back of millennia would lead to years that ISO 8601 has no four digits for. */
const earliestMark = Date.parse('0001-01-01T00:00:00Z')

/** A window of the grid, in milliseconds since 1970; `end` is exclusive. */
interface Window {
  readonly since: number
  readonly end: number
}

/** What one read asks for: a window, or with a cap a part of one. Times in milliseconds since 1970, ends exclusive. */
interface Part extends Window {
  /** The paginator's position to start from. */
  readonly at: Json | undefined
  /** Records of the part that were handed on before `at`. */
  readonly read: number
  /** The end of the window. */
  readonly until: number
  /** The window's high-water mark once all of it is committed. */
  readonly settled: number
}

function partFrom(since: number, { until, settled }: Pick<Part, 'until' | 'settled'>): Part {
  return { at: undefined, since, end: until, read: 0, until, settled }
}

function positionOf({ at = null, since, end, read, until, settled }: Part, isCapped: boolean): Json {
  return { at, since, until, settled, ...(isCapped && { end, read }) }
}

function storedPart(progress: Progress | null): Part | undefined {
  const stored = storedPosition(progress)
  if (stored === undefined || !isMs(stored.since) || !isMs(stored.until) || !isMs(stored.settled))
    return undefined
  const { since, until, settled } = stored
  const end = isMs(stored.end) ? stored.end : until
  // Null is no position of a paginator: the part was not begun.
  return { at: stored.at ?? undefined, since, until, settled, end, read: isMs(stored.read) ? stored.read : 0 }
}

function isSettled(progress: Progress | null, end: number): boolean {
  const mark = markOf(progress)
  return mark !== undefined && progress!.position === null && mark >= end
}

function markOf(progress: Progress | null): number | undefined {
  const mark = progress?.highWater
  const ms = typeof mark === 'string' ? msOfInstant(mark) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

function isMs(value: Json | undefined): value is number {
  return typeof value === 'number'
}
