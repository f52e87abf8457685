import { ConfigError } from '../../errors.ts'
import { requestWriter } from '../../pagination/request-value.ts'
import type { Json, JsonRecord, Value } from '../../ports/json.ts'
import type { Progress } from '../../ports/source.ts'
import { isUnbounded, oneSlice, type Progression, refuseBackfill, storedPosition } from '../progression.ts'
import { cursorField, type Seen } from './cursor-field.ts'
import { idOrdering, toId } from './id-ordering.ts'
import type { IdIncrementalOptions } from './incremental-options.ts'
import { markReader } from './response-mark.ts'

/**
 * Reads what has a greater id than the high-water mark. Ids are compared as whole numbers of any length, and stored as
 * text, so that none loses digits (R4).
 */
export function idIncremental(
  stream: string,
  options: IdIncrementalOptions,
  /** Those of the stream's request: what they tell the API is not filtered here. */
  placeholders: ReadonlySet<string> = new Set(),
): Progression {
  const { field, param, order, missing, inclusive } = options
  const write = param === undefined ? undefined : requestWriter(param)
  const cursor = cursorField({ stream, field, ordering: idOrdering, order, missing })
  const readMark = markReader(stream, options.mark, toId, idOrdering.wanted)
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
      // Goes on behind what an earlier run has seen.
      let seen: Seen | undefined =
        order === 'ascending' && highest !== undefined && readMark === undefined
          ? { highest, last: highest }
          : undefined
      let seenBefore = seen
      let passedMark = false
      /** Whether a record is one of those that an API with the filter would not give. */
      const isOld = (id: bigint) => since !== undefined && (inclusive ? id < since : id <= since)
      const isTold = param !== undefined || placeholders.has('cursor.value')
      const filters = !isTold || order === 'descending' || missing === 'drop'
      const keeps = (record: JsonRecord) => {
        const id = toId(cursor.read(record))
        return id === undefined ? missing !== 'drop' : !isOld(id)
      }

      return {
        start: resumed?.at,
        values: { cursor: { value: asValue(since) } },
        request: (base) => (since === undefined || write === undefined ? base : write(base, String(since))),

        take(records) {
          seen = cursor.look(records, seen)
          if (seen !== undefined) {
            if (readMark === undefined) highest = greater(highest, toId(seen.highest))
            if (order === 'descending') passedMark = isOld(toId(seen.last)!)
          }
          return filters ? records.filter(keeps) : records
        },

        ...(order === 'descending' && { isEnough: () => passedMark }),

        rewind() {
          highest = highestBefore
          seen = seenBefore
        },

        progress({ view, next }): Progress {
          highest = greater(highest, readMark?.(view))
          highestBefore = highest
          seenBefore = seen
          const isEnd = next === undefined
          const moves = isEnd || (order === 'ascending' && readMark === undefined)
          return {
            position: isEnd ? null : { at: next, since: asText(since), highest: asText(highest) },
            // C5
            highWater: asText(moves ? greater(mark, highest) : mark),
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

/** In a body an id is a number, whose digits a long one keeps (R4). */
function asValue(id: bigint | undefined): Value {
  return id === undefined ? null : Number.isSafeInteger(Number(id)) ? Number(id) : id
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
