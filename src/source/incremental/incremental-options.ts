import { z } from 'zod'
import { duration } from '../../options/duration.ts'
import { path } from '../../pagination/path.ts'
import { requestValue } from '../../pagination/request-value.ts'
import { responseValue } from '../../pagination/response-value.ts'
import { margin } from './margin.ts'
import { startOption } from './start.ts'
import { recordTimeFormat, timeFormat } from './time-option.ts'
import { timeZone } from './time-zone.ts'

const lookback = duration
  .prefault('0s')
  .describe(
    'How far before the high-water mark each run reads again, for records that come late. Default "0s"',
  )

const order = z
  .enum(['ascending', 'descending', 'none'])
  .default('none')
  .describe(
    'ascending: the API sorts by `field`, oldest first; the high-water mark moves with each page. descending: newest first; reading stops at the high-water mark, which moves then. With both, a list that is not sorted so stops the stream. none: the list is read to its end, and the mark moves there. Default none',
  )

const missing = z
  .enum(['fail', 'keep', 'drop'])
  .default('fail')
  .describe(
    'What to do with a record that has no value in `field`: fail stops the stream, keep loads the record without moving the high-water mark, drop leaves it out. Default fail',
  )

const mark = responseValue
  .optional()
  .describe(
    'Where a page says from where the next run goes on, as in "latestDateCovered" or "meta.newest_id", or `{ header }`: the greatest that was said becomes the high-water mark, instead of the greatest of `field`. Default: none',
  )

const zone = timeZone
  .default('UTC')
  .describe(
    'The time zone of times that name none, in parameters and in records, as in "Europe/Berlin". Default "UTC"',
  )

const start = startOption.describe(
  'Where the first run starts, inclusive: an ISO date or time, or how long before now, as in "30d"; no later run goes further back',
)

export const timeIncrementalOptions = z
  .strictObject({
    by: z.literal('time').describe('Reads what has changed since the high-water mark'),
    field: path
      .optional()
      .describe(
        'Required without `mark`. Path of the time in a record, as in "updated_at": ISO 8601, or a number counted from 1970',
      ),
    mark,
    param: requestValue
      .optional()
      .describe(
        'Where the API takes the earliest time wanted: a query parameter as in "created[gte]", `{ header }` or `{ body }`. Left out where the request has the placeholder {cursor.value}; without either the list is read whole, or with `order: descending` up to the mark, and older records are left out here',
      ),
    inclusive: z
      .boolean()
      .default(true)
      .describe(
        'Whether the API gives records of the very time in `param`. Where it does not ("gt", "after"), the time that is sent lies one `granularity` before the one that is wanted. Default true',
      ),
    granularity: duration
      .optional()
      .describe(
        'The smallest step between two times by which the API filters. Default: the smallest that `format` can say',
      ),
    endParam: requestValue
      .optional()
      .describe(
        'Where the API takes the latest time wanted. Left out where the request has {cursor.end}. Default: the list is read up to its end',
      ),
    start,
    format: timeFormat.default('iso'),
    fieldFormat: recordTimeFormat.optional(),
    timeZone: zone,
    order,
    lookback,
    margin,
    missing,
  })
  .refine((options) => options.field !== undefined || options.mark !== undefined, {
    path: ['field'],
    error: 'give `field`, the time in a record, or `mark`, where a page says from when the next run goes on',
  })
  .refine((options) => options.field !== undefined || options.order === 'none', {
    path: ['order'],
    error: 'an order is one of `field`, which is not given: leave `order` out, or name the field',
  })
  .refine((options) => options.field !== undefined || options.param !== undefined, {
    path: ['param'],
    error:
      'without `field` nothing here can tell old records from new ones: name the `param` by which the API does',
  })
  .describe('By time: a filter on a time of the records, and a high-water mark')

export const positionIncrementalOptions = z
  .strictObject({
    by: z
      .literal('position')
      .describe("The paginator's position outlives the run, as with Zendesk's incremental cursor"),
    expired: z
      .enum(['resync', 'refresh', 'fail'])
      .default('resync')
      .describe(
        'What to do where the API no longer knows the position (410): resync reads the list from its beginning and merges it, which leaves rows of records that were deleted meanwhile; refresh reads it into a new table that is swapped in at the end; fail stops the stream. Default resync',
      ),
    start: z
      .strictObject({
        param: requestValue
          .optional()
          .describe(
            'Where the first request of all says from when on: as in "start_time". Left out where the request has {cursor.value}, which every page then says',
          ),
        value: start,
        format: timeFormat.default('iso'),
        timeZone: zone,
      })
      .optional()
      .describe('What the first request says as long as there is no position. Default: nothing'),
  })
  .describe(
    'By position: the next run goes on where the paginator stood; needs `persist: true` in `paginate`',
  )

export const idIncrementalOptions = z
  .strictObject({
    by: z.literal('id').describe('Reads what has a greater id than the high-water mark'),
    field: path.describe('Path of the id in a record: a whole number, or digits in a text, that only grows'),
    mark,
    param: requestValue
      .optional()
      .describe(
        'Where the API takes the id to start from, as in "since_id". Left out where the request has the placeholder {cursor.value}; without either the list is read whole, or with `order: descending` up to the mark, and older records are left out here',
      ),
    start: z
      .union([
        z.int(),
        z.string().regex(/^-?\d{1,40}$/, { error: 'an id is a whole number, or digits in a text' }),
      ])
      .optional()
      .describe('What the first run asks with. Default: it asks without `param`'),
    inclusive: z
      .boolean()
      .default(false)
      .describe(
        'Whether the API gives the record with that very id again. Such a stream needs a `key`. Default false',
      ),
    order,
    lookback: z
      .int()
      .nonnegative()
      .default(0)
      .describe(
        'How many ids before the high-water mark each run reads again, for ids that appear late. Default 0',
      ),
    missing,
  })
  .describe('By id: a filter on an id that grows, and a high-water mark')

export const incrementalOptions = z
  .discriminatedUnion('by', [timeIncrementalOptions, positionIncrementalOptions, idIncrementalOptions])
  .describe('How a run reads only what is new or changed since the run before')

export type TimeIncrementalOptions = z.output<typeof timeIncrementalOptions>
export type PositionIncrementalOptions = z.output<typeof positionIncrementalOptions>
export type IdIncrementalOptions = z.output<typeof idIncrementalOptions>
