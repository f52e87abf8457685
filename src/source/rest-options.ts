import { z } from 'zod'
import { sourceAuthOptions } from '../auth/rotate.ts'
import { tlsOptions } from '../auth/tls.ts'
import { breakerOptions } from '../http/breaker.ts'
import { responseFormat } from '../http/decode/format-options.ts'
import { bodyLimits } from '../http/decode/limits.ts'
import { proxyOption } from '../http/proxy.ts'
import { retryOptions } from '../http/retry.ts'
import { timeoutOptions } from '../http/transport.ts'
import { condition } from '../options/condition.ts'
import { duration } from '../options/duration.ts'
import { badName } from '../options/name.ts'
import { address, textOrSecret } from '../options/secret.ts'
import { paginatorOptions } from '../pagination/options.ts'
import { quotaEntry } from '../quota/declared/entry.ts'
import { quotaOptions } from '../quota/options.ts'
import { concurrencyOptions } from './concurrency-options.ts'
import { incrementalOptions } from './incremental/incremental-options.ts'
import { jobOptions } from './job/job-options.ts'
import { overwrittenByAuth } from './overwritten.ts'
import { countOptions } from './pages/list-count.ts'
import { reactionsOptions } from './reactions/reaction-options.ts'
import { maxRemovedOption } from './removal-limit.ts'
import { graphqlOptions } from './request/graphql-options.ts'
import { bodyValue, headers, method, query } from './request/request-options.ts'
import { include, recordSelector, recordsAs } from './response/records-options.ts'
import { sidesOptions } from './response/sides.ts'
import { parentProblemsOf } from './slices/parent-rules.ts'
import { slicesOptions } from './slices/slices-options.ts'
import { snapshotsOption } from './snapshots.ts'
import { sourceQuotaProblems } from './source-quota-rules.ts'
import { withDefaults } from './stream-defaults.ts'
import { streamProblems } from './stream-rules.ts'
import { splitTable } from './transform/split.ts'
import { transformOptions } from './transform/transform-options.ts'

const fieldName = z.string().min(1, { error: "a field's name can't be empty" })

const tableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} can't name a table: use letters, digits and _, at most 63, and no digit first`,
})

const streamFields = z.strictObject({
  path: textOrSecret
    .refine((text) => text !== '', { error: 'a stream needs the path that it is read from, as in "tickets"' })
    .describe('Path below `baseUrl`, or an absolute URL. It may have a query'),
  method: method
    .optional()
    .describe('Any method, as in POST for a search. Default GET, or POST with a `body` or `graphql`'),
  query: query.optional(),
  headers: headers.optional().describe("Headers of this stream's requests, beside the source's"),
  auth: sourceAuthOptions
    .optional()
    .describe(
      "How this stream proves who it is, in place of the source's `auth`: another account, with quotas of its own",
    ),
  quotas: z
    .array(quotaEntry)
    .prefault([])
    .describe(
      "Limits of this stream's endpoint, beside the source's: all streams with the same method and path share them. Default: none",
    ),
  body: bodyValue
    .meta({ title: 'request body' })
    .optional()
    .describe(
      'Body of every request: sent as JSON; as a form where the header `content-type` says so; a text as it is where the content type is another',
    ),
  graphql: graphqlOptions.optional(),
  records: recordSelector
    .optional()
    .describe(
      'Where the records are in the body: a path, as in "tickets" or "data.items", or JSONPath, as in "$.edges[*].node"; \'\' is the body itself. A list gives its items, an object is one record. Default \'\'',
    ),
  recordsAs: recordsAs.optional(),
  include: include.optional(),
  sides: sidesOptions.optional(),
  optionalRecords: z
    .boolean()
    .default(false)
    .describe(
      'Whether `records` may be absent or null where there are none. Default false: that is an error',
    ),
  unwrap: fieldName
    .optional()
    .describe(
      'Lifts the fields of this object of a record beside the others, as with `properties` of { event, properties: { time } }. A name that is taken becomes `properties_name`',
    ),
  format: responseFormat.prefault('json'),
  paginate: paginatorOptions
    .describe(
      "Required with `format: json` and `xml`. How the API hands out a list page by page. The API's documentation says which kind it is",
    )
    .optional(),
  count: countOptions.optional(),
  incremental: incrementalOptions.optional(),
  slices: slicesOptions.optional(),
  responses: reactionsOptions,
  job: jobOptions.optional(),
  transform: transformOptions.optional(),
  deleted: condition
    .optional()
    .describe(
      'With `write: merge` or `history`: the condition by which a record says that it is gone at the API, as in "@.status == \'deleted\'": its row is removed, or its present version ends. It sees the record after `transform`. Default: no record does',
    ),
  concurrency: concurrencyOptions.optional(),
  key: z
    .union(
      [
        fieldName.transform((field) => [field]),
        z.array(fieldName).min(1, { error: 'name at least one field, or leave `key` out' }),
      ],
      {
        error: 'name a field, as in "id", or several, as in ["account", "id"]',
      },
    )
    .optional()
    .describe(
      'Required with `write: merge`, `write: history`, `version`, `incremental: { by: time }`, `slices`, `paginate: { type: time }` and the formats `jsonl` and `csv`, which read records again. The field that tells one record from another, or several that do so together: top-level names, after `unwrap`',
    ),
  version: fieldName
    .optional()
    .describe(
      'The field by which one version of a record is newer than another. Default: the one read last is',
    ),
  write: z
    .enum(['append', 'merge', 'replace', 'history', 'delete', 'reconcile'])
    .optional()
    .describe(
      'append: records are added, those whose key is there are left out; without a key it takes `incremental`, or `snapshots`. merge: records replace those with their key. replace: a whole new table is swapped in at the end. history: every version of a record is kept, with the time from which and until which it holds. delete: each record names a row that is gone, of the table of another stream. reconcile: the records name all rows that there are; when all were read, the others are removed from it. Default: merge with a `key`; without one append if `incremental`, else replace',
    ),
  snapshots: snapshotsOption,
  table: tableName
    .optional()
    .describe(
      'The table that the records go to; with `write: delete` or `reconcile` that of the stream which loads it. Default: the source and the stream, as in desk_tickets',
    ),
  onReject: z
    .enum(['keep', 'fail'])
    .default('keep')
    .describe(
      'What to do with a record whose key is missing or null: keep it among the rejects, or fail the stream. Default keep',
    ),
  allowEmptyReplace: z
    .boolean()
    .default(false)
    .describe(
      'Whether an empty result may replace a full table, or an empty list of keys remove all its rows. Default false',
    ),
  maxRemoved: maxRemovedOption,
})

/** A stream's options, each by itself. */
export type StreamSettings = z.output<typeof streamFields>

export const streamOptions = streamFields
  .superRefine((stream, context) => {
    // What options mean together can be told only where each is right by itself.
    if (context.issues.length > 0) return
    for (const { path, message } of streamProblems(stream)) {
      context.addIssue({ code: 'custom', path: [...path], message, input: stream })
    }
  })
  .describe('One endpoint that yields records, loaded into one table')

const defaultOptions = streamFields
  .omit({ path: true, table: true })
  .partial()
  .describe(
    "Options for every stream that has none of its own; null in a stream takes one away. `query`, `headers` and `body` are merged key by key, the stream's own first; anything else is replaced whole",
  )

const streamName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: (issue) => badName(issue.input, 'a stream') })

const httpUrl = z.url({
  protocol: /^https?$/,
  error: (issue) => `${JSON.stringify(issue.input)} is no URL: write one with http or https`,
})

/** A source's options, each by itself. */
export const restFields = z
  .strictObject({
    type: z.literal('rest').describe('An HTTP API'),
    baseUrl: address.describe('What paths are resolved against, as in "https://acme.example.com/api/v2"'),
    auth: sourceAuthOptions
      .prefault({ type: 'none' })
      .describe('How the source proves who it is. Default: not at all'),
    tls: tlsOptions
      .optional()
      .describe('Mutual TLS, or a server whose certificate is its own. Default: neither'),
    proxy: proxyOption.optional(),
    headers: headers.optional().describe('Headers of every request'),
    query: query.optional(),
    ...quotaOptions.shape,
    maxConcurrent: z
      .int()
      .min(1)
      .default(10)
      .describe(
        'Requests under way at once with one credential, those that wait for a quota not counted; more wait, first come, first served. At most: fewer where the API slows under them, or refuses so many at once. Default 10',
      ),
    afterRefusal: duration
      .optional()
      .describe(
        'A penalty that the API imposes: after a refusal (429) everybody waits so long, or longer where it asks for that, as in "30s" at Airtable. Default: what the API asks for',
      ),
    allowedOrigins: z
      .array(httpUrl)
      .default([])
      .describe(
        'Further origins of the same API, as in "https://files.example.com": they get its credential, too. A next link or a redirect to any other is refused. Default none',
      ),
    retry: retryOptions.prefault({}).describe('How often, and how patiently, a failed request is repeated'),
    responses: reactionsOptions,
    breaker: breakerOptions.prefault({}).describe('When an API that is down is left alone, and for how long'),
    timeouts: timeoutOptions.prefault({}).describe('How long each part of a request may take'),
    limits: bodyLimits.prefault({}).describe('How large a response may be'),
    check: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Path that `sluice check` asks, which needs the credential. Default: the first stream's first request",
      ),
    defaults: defaultOptions.optional(),
    streams: z
      .record(streamName, streamOptions)
      .refine((streams) => Object.keys(streams).length > 0, { error: 'a source needs at least one stream' })
      .superRefine((streams, context) => {
        for (const { path, message } of parentProblemsOf(streams)) {
          context.addIssue({ code: 'custom', path: [...path], message, input: streams })
        }
      })
      .describe('What is read, by name'),
  })
  .describe('An HTTP API')

export const restOptions = restFields
  .superRefine((source, context) => {
    if (context.issues.length > 0) return
    for (const { path, message } of [...overwrittenByAuth(source), ...sourceQuotaProblems(source)])
      context.addIssue({ code: 'custom', path: [...path], message, input: source })
  })
  .describe('An HTTP API')

/** The table of a stream: the one that it names, or its source and itself, as in desk_tickets. */
export function tableOf(source: string, stream: string, settings: Pick<StreamSettings, 'table'>): string {
  return settings.table ?? `${source}_${stream}`
}

/** The tables of the lists that are split off from a stream's records. */
export function splitTablesOf(
  table: string,
  { transform = [] }: Pick<StreamSettings, 'transform'>,
): string[] {
  return transform.flatMap(({ split = {} }) =>
    Object.entries(split).map(([path, list]) => splitTable(path, list.table, table)),
  )
}

type WrittenStream = z.input<typeof streamOptions>
type OrNull<T> = { readonly [Key in keyof T]: T[Key] | null }

/** A stream as it is written: null takes a default of the source away. */
export type StreamInput = Pick<WrittenStream, 'path'> &
  OrNull<Omit<WrittenStream, 'path' | 'headers'>> & {
    readonly headers?: OrNull<NonNullable<WrittenStream['headers']>> | null
  }

export type RestOptions = Omit<z.input<typeof restOptions>, 'streams'> & {
  readonly streams: Readonly<Record<string, StreamInput>>
}

/** The source as it is written becomes one whose streams each say all that holds for them. */
export const mergeDefaults = z.transform((written: RestOptions, context) => {
  // A mistake in the defaults is one mistake, and not one of each stream.
  const { error } = defaultOptions.optional().safeParse(written?.defaults)
  for (const issue of error?.issues ?? [])
    context.issues.push({ ...issue, path: ['defaults', ...issue.path] } as z.core.$ZodRawIssue)
  return withDefaults<unknown>(written) as z.input<typeof restOptions>
})
export type RestSettings = z.output<typeof restFields>
