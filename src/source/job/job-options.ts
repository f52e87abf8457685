import { z } from 'zod'
import { duration } from '../../options/duration.ts'
import { path } from '../../pagination/path.ts'
import { responseValue } from '../../pagination/response-value.ts'

const scalar = z.union([z.string(), z.number(), z.boolean()])

const request = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).describe('Its HTTP method'),
  path: z
    .string()
    .min(1, { error: 'name the path that is asked, as in "exports"' })
    .describe(
      'Path below `baseUrl`, or an absolute URL. Placeholders are filled: {job.id}, {slice.…}, {parent.…}',
    ),
  query: z
    .record(z.string(), z.union([scalar, z.array(scalar)]))
    .optional()
    .describe('Query parameters'),
  headers: z.record(z.string().toLowerCase(), z.string()).optional().describe('Headers'),
  body: z.json().optional().describe('Body: sent as JSON, or as a form where the content type says so'),
})

const values = z.record(
  z.string().regex(/^[A-Za-z_]\w*$/, {
    error: (issue) => `${JSON.stringify(issue.input)} can't name a value: use letters, digits and _`,
  }),
  responseValue,
)

const states = z.array(scalar).min(1, { error: 'name at least one status, or leave the option out' })

export const jobOptions = z
  .strictObject({
    create: request
      .extend({
        method: request.shape.method.default('POST').describe('Default POST'),
        id: responseValue
          .default('id')
          .describe(
            'Where the response names the job: a path of its body, as in "data.id", or { header: "location" }. It is {job.id}. Default "id"',
          ),
        values: values
          .optional()
          .describe('Further values of the response, by name: { url: "links.self" } is {job.url}'),
        idempotencyKey: z
          .boolean()
          .default(false)
          .describe(
            'Sends an `Idempotency-Key` that is stored before, for APIs that know a repeat by it: a job whose creation was answered but not heard of is then not created twice. Default false',
          ),
      })
      .describe(
        'The request that creates a job. The bounds that `incremental` and `slices` ask with are put on it, not on the requests for the results',
      ),
    poll: request
      .extend({
        method: request.shape.method.default('GET').describe('Default GET'),
        status: path
          .optional()
          .describe(
            'Path of the status in the body, as in "state". Without it a 202 means that the job is under way, and any other success that it is done',
          ),
        done: states.optional().describe('Required with `status`. What it is when the results are there'),
        failed: states.optional().describe('What it is when there will be none. Default: none'),
        skipped: states
          .optional()
          .describe('What it is when there is nothing to read: the slice is done. Default: none'),
        every: duration
          .prefault('5s')
          .describe(
            'The wait before the second look; each wait after it is half as long again. A Retry-After is heeded. Default 5s',
          ),
        maxEvery: duration.prefault('1m').describe('The longest wait between two looks. Default 1m'),
        timeout: duration
          .prefault('1h')
          .describe('How long a job may take, from its creation, before it is given up. Default 1h'),
        values: values
          .optional()
          .describe(
            'Values of the last response, by name, as with `create`: { url: "resultUrl" } is {job.url}',
          ),
        parts: path
          .optional()
          .describe(
            'Path of a list, as in "urls", where the results come in several files: the stream reads one after the other, with {job.part} for each item',
          ),
      })
      .describe('The request that tells how the job is getting on'),
    count: responseValue
      .optional()
      .describe(
        'Where each response with results says how many records it holds, as in { header: "sforce-numberofrecords" }: another number, or none, stops the stream. Default: nothing is compared',
      ),
    abort: request
      .extend({ method: request.shape.method.default('POST').describe('Default POST') })
      .optional()
      .describe(
        'The request that stops a job which takes longer than `poll.timeout`. Default: it is left alone',
      ),
  })
  .superRefine(({ poll }, context) => {
    const refuse = (option: string, message: string) =>
      context.addIssue({ code: 'custom', path: ['poll', option], message, input: poll })
    if (poll.status !== undefined && poll.done === undefined) {
      refuse('done', 'say what the status is when the results are there, as in `done: [completed]`')
    }
    for (const option of ['done', 'failed', 'skipped'] as const) {
      if (poll[option] !== undefined && poll.status === undefined) {
        refuse('status', `\`${option}\` names statuses: say where the status is, as in \`status: state\``)
      }
    }
    const seen = new Set<string>()
    for (const option of ['done', 'failed', 'skipped'] as const) {
      for (const state of poll[option] ?? []) {
        if (seen.has(String(state)))
          refuse(option, `the status ${JSON.stringify(state)} can't mean two things`)
        seen.add(String(state))
      }
    }
    if (poll.every <= 0) refuse('every', 'a wait has a length: write "5s"')
    if (poll.maxEvery < poll.every)
      refuse('maxEvery', 'the longest wait is no shorter than `every`, the first one')
  })
  .describe(
    "For exports that the API prepares: before a slice is read, its job is created and waited for; the stream's own `path` then reads the results, with {job.id}. See jobs.md",
  )

export type JobSettings = z.output<typeof jobOptions>
export type JobRequest = z.output<typeof request>
