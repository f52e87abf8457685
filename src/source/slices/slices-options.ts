import { z } from 'zod'
import { condition } from '../../options/condition.ts'
import { duration } from '../../options/duration.ts'
import { path } from '../../pagination/path.ts'
import { requestValue } from '../../pagination/request-value.ts'
import { margin } from '../incremental/margin.ts'
import { startOption } from '../incremental/start.ts'
import { plainTimeFormat } from '../incremental/time-option.ts'
import { timeZone } from '../incremental/time-zone.ts'
import { type CalendarSize, parseCalendarSize } from './calendar-grid.ts'

const word = z.string().regex(/^[A-Za-z_]\w*$/, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} can't be a placeholder: use letters, digits and _, and no digit first`,
})

const format = plainTimeFormat
  .default('iso')
  .describe(
    'How the API writes a time: iso (2024-01-31T09:30:00Z), epoch (seconds since 1970), epoch_ms, epoch_us, date (2024-01-31, in `timeZone`). Default iso',
  )

const boundParam = requestValue
  .optional()
  .describe(
    'Where the API takes this bound: a query parameter, `{ header }` or `{ body }`. Default: where the request says `{slice.from}` or `{slice.to}`',
  )

const windowSize = z
  .union([
    z.string().transform((text, context): CalendarSize => {
      const size = parseCalendarSize(text)
      if (size !== undefined) return size
      context.addIssue({
        code: 'custom',
        message: `${JSON.stringify(text)} is no length of a window: write a fixed one, as in "6h" or "1d", or one of the calendar, as in "1 day", "1 week", "1 month", "1 quarter" or "1 year"`,
      })
      return z.NEVER
    }),
    duration,
  ])
  .describe(
    'Length of a window: fixed, as in "6h" or "1d", on a grid in UTC, and a multiple of a day where a format is date; or of the calendar, as in "1 day", "1 week" (from Monday), "1 month", "1 quarter", "1 year"',
  )

const timeSlices = z
  .strictObject({
    by: z
      .literal('time')
      .describe(
        'Windows of time on a grid, oldest first; what is read again comes after what was never read. In a list of slicings it is the last',
      ),
    size: windowSize,
    timeZone: timeZone
      .optional()
      .describe(
        'The time zone whose days, weeks and months the windows are, and in which a format date counts, as in "Europe/Berlin". With a length of the calendar. Default UTC',
      ),
    start: startOption.describe(
      'Where the first window starts: an ISO date or time, or how long before now, as in "31d", moved back to the beginning of its window; windows that were begun stay',
    ),
    from: z
      .strictObject({ param: boundParam, format })
      .prefault({})
      .describe('The beginning of a window, inclusive'),
    to: z
      .strictObject({
        param: boundParam,
        format,
        inclusive: z
          .boolean()
          .describe(
            'Whether the API gives records of the very time (or day) in `param`: true for "lte", false for "lt"',
          ),
        resolution: duration
          .optional()
          .describe(
            'The smallest step between two times at the API, as in "1m" where it keeps whole minutes: bounds lie on such steps, and an inclusive end is moved back by one, so that windows do not overlap. `size` is a multiple of it. Default: a day for the format date; else 0, so that an inclusive boundary itself is asked for twice',
          ),
      })
      .describe('The end of a window'),
    lookback: duration
      .prefault('0s')
      .describe(
        'How late records may come: what is younger than this is read again by each run. Default "0s"',
      ),
    margin,
    cap: z
      .int()
      .min(1)
      .optional()
      .describe(
        'The number of results at which the API stops a list without saying so, as in 1000: a window that has as many is halved until it has fewer. Default: there is none',
      ),
    total: path
      .optional()
      .describe(
        'With `cap`: path of the number of results in the body, as in "total_count". A window that has too many is then known by its first page. Default: the records are counted',
      ),
  })
  .describe('By time: windows on a grid')

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: 'a value is a text, a number, a boolean, or an object of these',
})

const fieldNames = z.array(path).min(1, { error: 'name at least one field, or leave `fields` out' })
const renamedFields = z.record(z.string().min(1), path)

const listSlices = z
  .strictObject({
    by: z.literal('list').describe('One slice for each value of a list'),
    values: z
      .array(
        z.union([scalar, z.record(word, scalar)], {
          error: 'a value is a text, a number, a boolean, or an object of these',
        }),
      )
      .min(1, { error: 'name at least one value' })
      .describe('The values: texts, numbers or booleans; or objects of these, all with the same fields'),
    name: word
      .optional()
      .describe(
        'Required where the values are no objects. What a value is called: `name: country` makes it `{slice.country}`. The fields of an object are called by their own names',
      ),
    fields: z
      .union([fieldNames, renamedFields])
      .optional()
      .describe(
        'What each record is given of its value: names, or `{ field: name }` to call it otherwise. A record that has a field of that name with another value stops the stream. Default: nothing',
      ),
  })
  .describe('By list: one slice for each value')

const parentSlices = z
  .strictObject({
    by: z.literal('parent').describe('One slice for each record of another stream of the source, its parent'),
    stream: z
      .string()
      .min(1)
      .optional()
      .describe(
        'The parent: a stream of this source, as in "projects". It is asked for its whole list by each run',
      ),
    streams: z
      .array(z.string().min(1))
      .min(2, { error: 'name two streams or more; for one write `stream`' })
      .optional()
      .describe(
        'In place of `stream`: several parents, whose records are taken as one list. A record that is in two of them is read once',
      ),
    as: word
      .default('parent')
      .describe('What a record of the parent is called in placeholders: `{parent.id}`. Default parent'),
    key: z
      .union([path.transform((field) => [field]), z.array(path).min(1)])
      .optional()
      .describe("The parent's fields that name the slice. Default: the parent's own `key`"),
    where: condition
      .optional()
      .describe(
        'Which records of the parent are read, by a condition on the parent\'s record, as in "@.archived == false". Default: all',
      ),
    fields: z
      .union([fieldNames, renamedFields])
      .optional()
      .describe(
        'Fields of the parent that each record is given: names, as in [name], which become `parent_name`; or `{ project_id: id }` to say what they are called. A record that has a field of that name with another value stops the stream. Default: none',
      ),
  })
  .describe('By parent: one slice for each record of another stream')

const slicing = z.discriminatedUnion('by', [timeSlices, listSlices, parentSlices])

export const slicesOptions = z
  .union([slicing.transform((one) => [one]), z.array(slicing).min(1)])
  .describe(
    'Parts of the stream that are read on their own, each with a checkpoint of its own. A list of slicings is their product, the first one outermost',
  )

export type TimeSlicesOptions = z.output<typeof timeSlices>
export type ListSlicesOptions = z.output<typeof listSlices>
export type ParentSlicesOptions = z.output<typeof parentSlices>
export type Slicing = z.output<typeof slicing>
