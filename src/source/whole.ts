import { isUnbounded, oneSlice, type Progression, refuseBackfill, storedPosition } from './progression.ts'

/** A list that is read to its end each time. A read that was cut short goes on where it stopped (C4). */
export function wholeList(stream: string): Progression {
  return {
    slices(committed, scope) {
      if (!isUnbounded(scope)) {
        refuseBackfill(
          stream,
          scope,
          'it has neither `incremental` nor `slices` of time, so the API has no filter to ask with',
        )
      }
      return oneSlice(committed, scope)
    },
    begin(slice) {
      return {
        start: storedPosition(slice.progress)?.at,
        request: (base) => base,
        take: (records) => records,
        progress: ({ next }) => ({ position: next === undefined ? null : { at: next }, highWater: null }),
      }
    },
  }
}
