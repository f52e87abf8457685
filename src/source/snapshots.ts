import { z } from 'zod'
import type { StreamSettings } from './rest-options.ts'
import type { StreamProblem } from './stream-rules.ts'
import { isReadWhole } from './whole-reading.ts'

export const snapshotsOption = z
  .boolean()
  .default(false)
  .describe(
    'With `write: append` and no `key`, for a list that is read from its beginning by each run: each run adds all of it again, so that the table grows by the whole list. The run is what stands before the first point of `_sluice_load_id`. Default false, which refuses such a stream',
  )

/** What is added again with each run has to be meant so: nothing else tells that it is there already. */
export function* snapshotProblems(stream: StreamSettings): Iterable<StreamProblem> {
  const { write, key, snapshots } = stream
  const addsAgain = write === 'append' && key === undefined && isReadWhole(stream)
  if (addsAgain && !snapshots) {
    yield {
      path: ['write'],
      message:
        '`write: append` would add every record again with each run: the list is read from its beginning each time, and without a key nothing tells what is there already. Name the field that does, as in `key: id`; read only what is new with `incremental`; have a new table take the place of the old one with `write: replace`; or, where each run is to add the whole list once more, say so with `snapshots: true`',
    }
  }
  if (snapshots && !addsAgain) {
    const reason =
      write !== 'append'
        ? 'this stream adds none: write `write: append`'
        : key !== undefined
          ? 'a `key` leaves out what is there already: leave one of the two out'
          : '`incremental` reads only what is new: leave one of the two out'
    yield {
      path: ['snapshots'],
      message: `\`snapshots\` adds the whole list with each run, and ${reason}`,
    }
  }
}
