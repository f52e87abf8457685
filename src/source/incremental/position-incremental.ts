import type { Paginator } from '../../pagination/paginator.ts'
import { requestWriter } from '../../pagination/request-value.ts'
import type { Clock } from '../../ports/runtime.ts'
import { boundsOf, oneSlice, type Progression, refuseBackfill, storedPosition } from '../progression.ts'
import type { PositionIncrementalOptions } from './incremental-options.ts'
import { startInstant } from './start.ts'
import { timeCodec } from './time-codec.ts'

/**
 * The API gives a position that stays good after the list has ended (a sync cursor): the next run goes on from it, and
 * what the API says has changed since is all that there is to read.
 */
export function positionIncremental(
  stream: string,
  options: PositionIncrementalOptions,
  paginator: Paginator,
  clock: Clock,
): Progression {
  const { start } = options
  const write = start?.param === undefined ? undefined : requestWriter(start.param)
  const codec = start && timeCodec(start)

  return {
    slices(committed, scope) {
      if (scope.until !== undefined) {
        refuseBackfill(
          stream,
          scope,
          '`incremental.by: position` reads from a position to the end of the list',
        )
      }
      if (scope.since !== undefined && start === undefined) {
        refuseBackfill(stream, scope, '`incremental.start` names no parameter to ask with')
      }
      return oneSlice(committed, scope)
    },

    begin(slice) {
      const bounds = boundsOf(slice)
      const since = bounds?.since ?? (start && startInstant(start.value, clock))
      return {
        start: storedPosition(slice.progress)?.at,
        values: { cursor: { value: since === undefined ? null : codec!.write(since) } },
        request: (base, isFirst) =>
          isFirst && write !== undefined ? write(base, codec!.write(since!)) : base,
        take: (records) => records,
        progress({ view, at, next }) {
          if (bounds !== undefined) return undefined
          const kept = next ?? paginator.resume?.(view, at)
          return { position: kept === undefined ? null : { at: kept }, highWater: null }
        },
      }
    },
  }
}
