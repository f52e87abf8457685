import { ConfigError } from '../../errors.ts'
import { requestWriter } from '../../pagination/request-value.ts'
import type { Json } from '../../ports/json.ts'
import type { Progress } from '../../ports/source.ts'
import { isUnbounded, oneSlice, type Progression, refuseBackfill, storedPosition } from '../progression.ts'
import { cursorField } from './cursor-field.ts'
import { idOrdering, toId } from './id-ordering.ts'
import type { IdIncrementalOptions } from './incremental-options.ts'

/**
 * Reads what has a greater id than the high-water mark. Ids are compared as whole numbers of any length, and stored as
 * text, so that none loses digits (R4).
 */
export function idIncremental(stream: string, options: IdIncrementalOptions): Progression {
  const write = requestWriter(options.param)
  const ascending = options.order === 'ascending'
  const cursor = cursorField({
    stream,
    field: options.field,
    ordering: idOrdering,
    ascending,
    missing: options.missing,
  })
  const start = toId(options.start)

  return {
    slices(committed, scope) {
      if (!isUnbounded(scope)) {
        refuseBackfill(stream, scope, '`incremental.by: id` goes by ids, and a time says nothing about them')
      }
      return oneSlice(committed, scope)
    },

    begin(slice) {
      const mark = markOf(stream, slice.progress)
      const stored = storedPosition(slice.progress)
      const resumed = stored !== undefined && 'since' in stored ? stored : undefined
      const since =
        resumed === undefined ? sinceOf(mark, start, BigInt(options.lookback)) : toId(resumed.since)
      let highest = resumed === undefined ? undefined : toId(resumed.highest)
      let highestBefore = highest

      return {
        start: resumed?.at,
        request: (base) => (since === undefined ? base : write(base, String(since))),

        take(records) {
          const best = cursor.highest(records)
          if (best !== undefined) {
            if (highest !== undefined) cursor.checkFollows(records, highest)
            highest = greater(highest, toId(best))
          }
          return records
        },

        rewind() {
          highest = highestBefore
        },

        progress({ next }): Progress {
          highestBefore = highest
          const isEnd = next === undefined
          return {
            position: isEnd ? null : { at: next, since: asText(since), highest: asText(highest) },
            // C5
            highWater: asText(isEnd || ascending ? greater(mark, highest) : mark),
          }
        },
      }
    },
  }
}

function sinceOf(mark: bigint | undefined, start: bigint | undefined, lookback: bigint): bigint | undefined {
  return mark === undefined ? start : greater(start, mark - lookback)
}

function greater(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined) return b
  return b === undefined || a > b ? a : b
}

function asText(id: bigint | undefined): Json {
  return id === undefined ? null : String(id)
}

function markOf(stream: string, progress: Progress | null): bigint | undefined {
  const mark = progress?.highWater ?? null
  if (mark === null) return undefined
  const id = toId(mark)
  if (id !== undefined) return id
  throw new ConfigError(
    stream,
    `the stored high-water mark ${JSON.stringify(mark)} is no id: \`incremental\` was something else when it was stored. Reset the stream's state, or run it with --full-refresh`,
  )
}
