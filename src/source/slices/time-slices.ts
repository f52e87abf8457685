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
  unitMs,
} from '../incremental/time-format.ts'
import { type BoundedSlice, boundsOf, isUnbounded, type Progression, storedPosition } from '../progression.ts'
import type { TimeSlicesOptions } from './slices-options.ts'

/**
 * Reads a stream in windows of time on a grid in UTC, oldest first, each with a checkpoint of its own.
 *
 * A window's high-water mark is the time up to which it is settled: nothing below it is expected to come late. That is
 * the beginning of its last complete read, less `margin` and `lookback`, and the window's end at most. A window is done
 * when its mark has reached its end; until then each run reads it again from the mark, however long ago the run before was.
 */
export function timeSlices(options: TimeSlicesOptions, clock: Clock): Progression {
  const { from, to, size, lookback, margin } = options
  const grain = Math.max(unitMs[from.format], unitMs[to.format])
  const writeFrom = from.param === undefined ? undefined : requestWriter(from.param)
  const writeTo = to.param === undefined ? undefined : requestWriter(to.param)

  function* windows(sinceMs: number, untilMs: number): Iterable<Window> {
    for (let since = sinceMs; since < untilMs; since = gridEnd(since)) yield { since, end: gridEnd(since) }
  }
  const gridEnd = (ms: number) => floorTo(ms, size) + size

  /**
   * A start that moves with the clock is the beginning of its window on the grid, so that a window keeps its key; and it
   * never passes a window that was begun, however long ago the run before was.
   */
  function startOf(committed: ReadonlyMap<string, Progress>): number {
    const start = msOfInstant(startInstant(options.start, clock))
    if (typeof options.start === 'string') return floorTo(start, grain)
    let earliest = floorTo(start, size)
    for (const key of committed.keys()) earliest = Math.min(earliest, msOfInstant(key))
    return earliest
  }

  function* planned(committed: ReadonlyMap<string, Progress>): Iterable<Slice> {
    const cut = clock.now() - margin
    for (const window of windows(startOf(committed), cut)) {
      const key = instantOfMs(window.since)
      const progress = committed.get(key) ?? null
      if (!isSettled(progress, Math.min(window.end, cut))) yield { key, progress }
    }
  }

  function* backfill(since: number, until: number): Iterable<BoundedSlice> {
    for (const window of windows(floorTo(since, grain), until)) {
      const bounds = { since: instantOfMs(window.since), until: instantOfMs(Math.min(window.end, until)) }
      yield { key: bounds.since, progress: null, bounds }
    }
  }

  function rangeOf(slice: Slice): Range {
    const bounds = boundsOf(slice)
    if (bounds !== undefined) {
      const until = msOfInstant(bounds.until!)
      return { since: msOfInstant(bounds.since!), until, settled: until }
    }
    const stored = storedPosition(slice.progress)
    if (stored !== undefined && isMs(stored.since) && isMs(stored.until) && isMs(stored.settled)) {
      return { since: stored.since, until: stored.until, settled: stored.settled }
    }
    const first = msOfInstant(slice.key)
    const mark = markOf(slice.progress)
    const since = Math.max(first, floorTo(mark ?? first, grain))
    const cut = clock.now() - margin
    // At least one step long, also where the clock went backwards.
    const until = Math.max(since + grain, Math.min(gridEnd(first), cut))
    return { since, until, settled: Math.max(mark ?? first, Math.min(until, cut - lookback)) }
  }

  function boundsText(range: Range): { readonly from: string | number; readonly to: string | number } {
    const end = ceilTo(range.until, unitMs[to.format]) - (to.inclusive ? lastStep(to) : 0)
    return {
      from: formatInstant(instantOfMs(range.since), from.format),
      to: formatInstantUp(instantOfMs(end), to.format),
    }
  }

  function ask(base: RequestSpec, range: Range): RequestSpec {
    const texts = boundsText(range)
    const bounded = writeFrom?.(base, texts.from) ?? base
    return writeTo?.(bounded, texts.to) ?? bounded
  }

  return {
    slices(committed, scope) {
      if (isUnbounded(scope)) return planned(committed)
      return backfill(
        scope.since === undefined ? startOf(committed) : msOfInstant(scope.since),
        scope.until === undefined ? clock.now() - margin : msOfInstantUp(scope.until),
      )
    },

    begin(slice) {
      const range = rangeOf(slice)
      const mark = slice.progress?.highWater ?? null
      return {
        start: storedPosition(slice.progress)?.at,
        values: { slice: boundsText(range) },
        request: (base) => ask(base, range),
        take: (records) => records,
        progress({ next }): Progress | undefined {
          if (boundsOf(slice) !== undefined) return undefined
          if (next !== undefined) return { position: { at: next, ...range }, highWater: mark }
          return { position: null, highWater: instantOfMs(range.settled) }
        },
      }
    },
  }
}

/** A window of the grid, in milliseconds since 1970; `end` is exclusive. */
interface Window {
  readonly since: number
  readonly end: number
}

/** What one read of a window asks for, and what its high-water mark is once that is committed. */
interface Range {
  readonly since: number
  /** Exclusive. */
  readonly until: number
  readonly settled: number
}

/**
 * How far an inclusive end lies before an exclusive one. A date stands for its whole day. For other formats an API may
 * keep finer times than its parameter can say, so that without a stated resolution the instant itself is asked for twice.
 */
function lastStep(to: TimeSlicesOptions['to']): number {
  return to.resolution ?? (to.format === 'date' ? unitMs.date : 0)
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

function floorTo(ms: number, unit: number): number {
  return Math.floor(ms / unit) * unit
}

function ceilTo(ms: number, unit: number): number {
  return Math.ceil(ms / unit) * unit
}
