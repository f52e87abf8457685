// One limit of an API, as it is declared.
import { z } from 'zod'
import { duration } from '../../options/duration.ts'
import { percentage } from '../../options/percentage.ts'
import { size } from '../../options/size.ts'
import { timeZone } from '../../options/time-zone.ts'
import { path } from '../../pagination/path.ts'
import { holdsPlaceholder } from '../../template/placeholder.ts'
import { entryProblems } from './entry-rules.ts'
import { absolutePattern } from './url-pattern.ts'

const pathPattern = z
  .string()
  .min(1)
  .regex(/^[^?#]*$/, { error: 'a path of a class has no query: that is not looked at' })

const requestClass = z
  .strictObject({
    methods: z
      .array(
        z
          .string()
          .regex(/^[A-Za-z]+$/)
          .transform((method) => method.toUpperCase()),
      )
      .min(1)
      .optional()
      .describe('Their methods, as in [POST, PUT]. Default: any'),
    path: z
      .union([pathPattern.transform((one) => [one]), z.array(pathPattern).min(1)])
      .optional()
      .describe(
        'Their path below `baseUrl`, or several: `*` stands for anything but a `/`, `**` for anything, as in "search/*". Default: any',
      ),
    header: z
      .record(
        z
          .string()
          .min(1)
          .transform((name) => name.toLowerCase()),
        z.string(),
      )
      .refine((headers) => Object.keys(headers).length > 0, { error: 'name a header, or leave `header` out' })
      .optional()
      .describe('Headers that they carry, by name, in which `*` stands for anything. Default: any'),
  })
  .refine(
    ({ methods, path, header }) => methods !== undefined || path !== undefined || header !== undefined,
    {
      error: 'an empty class is every request: name `methods`, `path` or `header`, or leave `for` out',
    },
  )

const partition = z.union(
  [
    z.string().refine(holdsPlaceholder, {
      error: (issue) =>
        `${JSON.stringify(issue.input)} is the same for every request: write a placeholder, as in "{parent.id}", or { header: x-tenant }, { query: account } or { path: "channels/*/**" }`,
    }),
    z.strictObject({
      header: z
        .string()
        .min(1)
        .transform((name) => name.toLowerCase())
        .describe('The value of this header'),
    }),
    z.strictObject({ query: z.string().min(1).describe('The value of this query parameter') }),
    z.strictObject({
      path: pathPattern
        .refine((pattern) => pattern.includes('*'), {
          error: 'this path is one alone: write `*` where its resource is named, as in "channels/*/**"',
        })
        .describe(
          'What the stars of this pattern stand for, but for `**`: "channels/*/**". Requests with other paths are not limited',
        ),
    }),
  ],
  {
    error:
      'write a placeholder, as in "{parent.id}", or { header: x-tenant }, { query: account } or { path: "channels/*/**" }',
  },
)

const cost = z.union(
  [
    z.number().positive(),
    z.strictObject({
      estimate: z
        .number()
        .positive()
        .describe(
          'Points that a request is taken to cost before its reply tells. It follows what the last replies of a stream told, the largest of them',
        ),
      actual: path.describe(
        'Where a reply says what its request did cost, as in "extensions.cost.actualQueryCost". The difference to the estimate is given back, or waited for',
      ),
      requested: path
        .optional()
        .describe(
          'Where a reply says what had to be there before its request ran, as in "extensions.cost.requestedQueryCost": then the estimate follows that. Default: what it did cost',
        ),
    }),
  ],
  { error: 'write a number above 0, or { estimate: 50, actual: extensions.cost.actualQueryCost }' },
)

const reserve = percentage
  .refine((percent) => percent < 100, {
    error: 'a reserve of all leaves nothing: write less than 100%',
    abort: true,
  })
  .transform((percent) => percent / 100)

const shortUnits: Readonly<Record<string, string>> = {
  ms: 'ms',
  s: 's',
  sec: 's',
  second: 's',
  m: 'm',
  min: 'm',
  minute: 'm',
  h: 'h',
  hr: 'h',
  hour: 'h',
  d: 'd',
  day: 'd',
}

/** As in `10/s`, `700 per minute`, `5 requests / 10 seconds`: many say a limit so. */
function noEntry(input: unknown): string {
  const said = typeof input === 'string' ? input.trim().toLowerCase() : ''
  const [, requests, count = '1', unit = ''] =
    /^(\d+)\s*(?:requests?\s*)?(?:\/|per|in)\s*(\d*)\s*([a-z]+?)s?$/.exec(said) ?? []
  const short = shortUnits[unit] ?? (unit === '' && said.endsWith('s') ? 's' : undefined)
  const entry =
    requests === undefined || short === undefined
      ? '{ requests: 700, per: 1m }'
      : `{ requests: ${requests}, per: ${count || 1}${short} }`
  return `${JSON.stringify(input)} is no limit: write \`- ${entry}\``
}

const entryFields = z.strictObject(
  {
    requests: z
      .int()
      .min(1)
      .optional()
      .describe(
        'Requests that the API allows in each window of the length `per`. At least 1. Never exceeded.',
      ),
    points: z
      .number()
      .positive()
      .optional()
      .describe('Points that the API allows in each window, where a request costs some: see `cost`.'),
    bytes: size
      .optional()
      .describe(
        'What the bodies of replies may weigh in each window, as they are sent, as in "100MB". It is known only afterwards: what is over is waited for.',
      ),
    concurrent: z
      .int()
      .min(1)
      .optional()
      .describe('Requests that may be in flight at once, their bodies included. At least 1.'),
    per: duration
      .refine((ms) => ms > 0, { error: 'a window has to be longer than nothing' })
      .optional()
      .describe('Length of the window, as in "1s", "1m", "1h", "1d". Required but with `concurrent`.'),
    window: z
      .enum(['sliding', 'fixed', 'leaky'])
      .optional()
      .describe(
        'How the API counts. sliding: in any window of the length `per`, wherever it begins; never too much where the API counts requests one by one. fixed: in windows that begin at whole multiples of `per` by the clock. leaky: into a bucket that holds `burst` and drains steadily, or of tokens that flow back steadily, which is the same. Default sliding.',
      ),
    burst: z
      .union([z.number().positive(), size])
      .optional()
      .describe(
        'With `window: leaky` what the bucket holds; default: what drains in `per`. With the others what may go at once, the rest being spread evenly over the window; default: all of it.',
      ),
    timeZone: timeZone
      .optional()
      .describe('With `window: fixed` and days: where they begin at midnight. Default "UTC".'),
    cost: cost
      .optional()
      .describe('Required with `points`: what a request costs, or where its reply says so.'),
    for: requestClass
      .optional()
      .describe('The requests that the limit is for; it holds no others back. Default: all.'),
    each: partition
      .optional()
      .describe(
        'One such limit for each tenant or resource, told by a placeholder, as in "{parent.id}", by { header: x-tenant }, { query: account } or { path: "channels/*/**" }. Requests that name none share one. Default: one for all.',
      ),
    reserve: reserve
      .optional()
      .describe(
        'The share of the limit that is left to others who use the same credential, as in "10%". Default: none.',
      ),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? noEntry(issue.input) : undefined) },
)

type Fields = z.output<typeof entryFields>
type Scope = Pick<Fields, 'for' | 'each' | 'reserve'>
type Window = Pick<Fields, 'window' | 'timeZone'> & {
  readonly per: number
  readonly burst?: number | undefined
} & Scope

export type WindowEntry =
  | (Window & { readonly requests: number })
  | (Window & { readonly points: number; readonly cost: NonNullable<Fields['cost']> })
  | (Window & { readonly bytes: number })
export type ConcurrentEntry = Scope & { readonly concurrent: number }
export type QuotaEntry = WindowEntry | ConcurrentEntry
export type EntryFields = Fields

/** One limit of an API. */
export const quotaEntry = entryFields
  .superRefine((entry, context) => {
    for (const { path, message } of entryProblems(entry))
      context.addIssue({ code: 'custom', path: [...path], message, input: entry })
  })
  .transform((entry) => entry as QuotaEntry)

/** The limits with their paths as whole URLs: they are written below a base URL, which ends with `/`. */
export function quotasAt(base: string, entries: readonly QuotaEntry[]): QuotaEntry[] {
  return entries.map((entry) => {
    const { for: requests, each } = entry
    const byPath = typeof each === 'object' && 'path' in each ? each : undefined
    if (requests?.path === undefined && byPath === undefined) return entry
    return {
      ...entry,
      ...(requests?.path && {
        for: { ...requests, path: requests.path.map((path) => absolutePattern(path, base)) },
      }),
      ...(byPath && { each: { path: absolutePattern(byPath.path, base) } }),
    }
  })
}
