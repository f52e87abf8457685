import { z } from 'zod'
import { condition } from '../../options/condition.ts'
import { duration } from '../../options/duration.ts'
import { path } from '../../pagination/path.ts'
import { PatternError } from './regular-expression.ts'
import { parsePattern } from './text-pattern.ts'

const oneStatus = z.union(
  [
    z.int().min(200).max(599),
    z.string().refine((text) => rangeOf(text) !== undefined, {
      error: (issue) =>
        `${JSON.stringify(issue.input)} names no statuses: write one, as in 404, a class, as in "4xx", or a range from the lower to the higher, as in "500-599"`,
    }),
  ],
  { error: 'name a status from 200 to 599, a class, as in "4xx", or a range, as in "500-599"' },
)

const pattern = z.string().superRefine((text, context) => {
  try {
    parsePattern(text)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    context.addIssue({
      code: 'custom',
      input: text,
      message: `${JSON.stringify(text)} is no regular expression between slashes, as in "/daily|monthly/i": ${error.message}`,
    })
  }
})

const retryAfter = z.union(
  [
    duration,
    z
      .strictObject({
        header: z.string().min(1).toLowerCase().optional().describe('Name of a response header, in any case'),
        body: path.optional().describe('Path of the body, as in "error.retry_after"'),
        match: pattern
          .optional()
          .describe(
            'What of the text there is the time, as in "/retry after (\\S+)/i": its first group, else all that matches. Default: all of it',
          ),
        unit: z
          .enum(['s', 'ms', 'epoch', 'iso', 'http-date'])
          .default('s')
          .describe(
            's: seconds from now. ms: milliseconds from now. epoch: seconds or milliseconds since 1970. iso, http-date: a time. A number above 1e9 is an epoch in any case, and a date is known as one. Default s',
          ),
      })
      .refine(({ header, body }) => (header === undefined) !== (body === undefined), {
        error: 'name one place: `header`, or `body`',
      }),
  ],
  {
    error:
      'write how long to wait, as in "30s", or where the response says so, as in { header: "x-reset", unit: epoch }',
  },
)

export const reactionOptions = z
  .strictObject({
    status: z
      .union([oneStatus, z.array(oneStatus).min(1)], {
        error:
          'name a status from 200 to 599, a class, as in "4xx", a range, as in "500-599", or a list of them',
      })
      .optional()
      .describe('404, "4xx", "500-599", or a list of them. Default: any'),
    header: z
      .record(z.string().toLowerCase(), pattern)
      .optional()
      .describe(
        'Headers that the response must have, each with its value, or a regular expression as in "/daily/i". It is matched in linear time, and so without look-around and back-references',
      ),
    body: condition
      .optional()
      .describe(
        'A condition on the JSON body, as in "@.error.code == \'too_deep\'", where @ is the body. Of an error the first 16 KiB are looked at, of JSON Lines a body of a single line',
      ),
    text: z
      .string()
      .min(1)
      .optional()
      .describe('What the body must hold, as it is written. Not looked for in JSON Lines'),
    action: z
      .enum(['fail', 'ignore', 'retry', 'refresh-token', 'wait-for-quota', 'stop-slice', 'skip-record'])
      .describe(
        'fail: the stream stops. ignore: this is an empty last page. retry: as after a 503. refresh-token: as after a 401, once. wait-for-quota: as after a 429. stop-slice: this slice ends here for this run; what came before is committed, and the next run goes on from its checkpoint. skip-record: the record that the request was for is kept among the rejects, and the slice is done',
      ),
    message: z
      .string()
      .min(1)
      .optional()
      .describe(
        'What to say of it, as in "{parent.full_name} is blocked: {body.message}". There are {status}, {url}, {body.…} and the placeholders of the request. Default: what the API says',
      ),
    attempts: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe(
        'With `retry`: how many responses of this kind a request may have until `finally` holds. Default: what `retry` of the source allows',
      ),
    finally: z
      .enum(['fail', 'ignore', 'stop-slice', 'skip-record'])
      .optional()
      .describe('With `retry`: what to do when the attempts are used up. Default fail'),
    retryAfter: retryAfter
      .optional()
      .describe(
        'With `wait-for-quota` and `retry`: how long to wait at least, as in "30s", or where the response says so. Default: Retry-After, the reset headers, else longer each time',
      ),
  })
  .superRefine((entry, context) => {
    const refuse = (option: string, message: string) =>
      context.addIssue({ code: 'custom', path: [option], message, input: entry })
    const { status, header, body, text, action } = entry
    if (status === undefined && header === undefined && body === undefined && text === undefined) {
      refuse('status', 'say which responses are meant: name `status`, `header`, `body` or `text`')
    }
    for (const option of ['attempts', 'finally'] as const) {
      if (entry[option] !== undefined && action !== 'retry') {
        refuse(option, `\`${option}\` goes with \`action: retry\`, and this one is ${action}: leave it out`)
      }
    }
    if (entry.retryAfter !== undefined && action !== 'retry' && action !== 'wait-for-quota') {
      refuse(
        'retryAfter',
        `\`retryAfter\` goes with \`action: wait-for-quota\` or \`retry\`, and this one is ${action}: leave it out`,
      )
    }
  })

/** What is to become of the responses that one entry names. */
export type ReactionSettings = z.output<typeof reactionOptions>

export const reactionsOptions = z
  .array(reactionOptions)
  .default([])
  .describe(
    "What is to become of responses that are something else than their status says; the first that matches holds, a stream's before its source's. Default: none",
  )

/** The lowest and the highest status that a text names; `undefined` where it names none. */
export function rangeOf(text: string): readonly [number, number] | undefined {
  const one = /^([2-5])xx$/i.exec(text)
  if (one !== null) return [Number(one[1]) * 100, Number(one[1]) * 100 + 99]
  const range = /^([2-5]\d\d)\s*-\s*([2-5]\d\d)$/.exec(text)
  if (range === null || Number(range[1]) > Number(range[2])) return undefined
  return [Number(range[1]), Number(range[2])]
}
