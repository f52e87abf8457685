import { z } from 'zod'
import { duration } from '../../options/duration.ts'
import { requestValue } from '../../pagination/request-value.ts'
import { margin } from '../incremental/margin.ts'
import { startOption } from '../incremental/start.ts'
import { plainTimeFormat } from '../incremental/time-option.ts'

const sliceParam = {
  param: requestValue
    .optional()
    .describe(
      'Required without the placeholder `{slice.from}`, or `{slice.to}`, in the request. Where the API takes this bound: a query parameter, `{ header }` or `{ body }`',
    ),
  format: plainTimeFormat
    .default('iso')
    .describe(
      'How the API writes a time: iso (2024-01-31T09:30:00Z), epoch (seconds since 1970), epoch_ms, epoch_us, date (2024-01-31, UTC). Default iso',
    ),
}

export const slicesOptions = z
  .discriminatedUnion('by', [
    z.strictObject({
      by: z.literal('time').describe('Windows of time on a grid in UTC, oldest first'),
      size: duration.describe('Length of a window, as in "1d". A multiple of a day where a format is date'),
      start: startOption.describe(
        'Where the first window starts: an ISO date or time, or how long before now, as in "31d", moved back to the beginning of its window; windows that were begun stay',
      ),
      from: z.strictObject(sliceParam).describe('The beginning of a window, inclusive'),
      to: z
        .strictObject({
          ...sliceParam,
          inclusive: z
            .boolean()
            .describe(
              'Whether the API gives records of the very time (or day) in `param`: true for "lte", false for "lt"',
            ),
          resolution: duration
            .optional()
            .describe(
              'The smallest step between two times at the API, which an inclusive end is moved back by, so that windows do not overlap. Default: a day for the format date; else 0, so that the boundary itself is asked for twice',
            ),
        })
        .describe('The end of a window'),
      lookback: duration
        .prefault('0s')
        .describe(
          'How late records may come: what is younger than this is read again by each run. Default "0s"',
        ),
      margin,
    }),
  ])
  .describe('Parts of the stream that are read one by one, each with a checkpoint of its own')

export type TimeSlicesOptions = z.output<typeof slicesOptions>
