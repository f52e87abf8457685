import { z } from 'zod'
import { authOptions } from '../auth/options.ts'
import { breakerOptions } from '../http/breaker.ts'
import { responseFormat } from '../http/decode/format-options.ts'
import { bodyLimits } from '../http/decode/limits.ts'
import { retryOptions } from '../http/retry.ts'
import { tlsOptions } from '../http/tls.ts'
import { timeoutOptions } from '../http/transport.ts'
import { condition } from '../options/condition.ts'
import { badName } from '../options/name.ts'
import { address, textOrSecret } from '../options/secret.ts'
import { paginatorOptions } from '../pagination/options.ts'
import { quotaEntry, quotaOptions } from '../quota/options.ts'
import { concurrencyOptions } from './concurrency-options.ts'
import { incrementalOptions } from './incremental/incremental-options.ts'
import { jobOptions } from './job/job-options.ts'
import { reactionsOptions } from './reactions/reaction-options.ts'
import { include, recordSelector, recordsAs } from './response/records-options.ts'
import { sidesOptions } from './response/sides.ts'
import { slicesOptions } from './slices/slices-options.ts'
import { streamProblems } from './stream-rules.ts'
import { splitTable } from './transform/split.ts'
import { transformOptions } from './transform/transform-options.ts'

const queryScalar = z.union([z.number(), z.boolean(), textOrSecret])

const query = z
  .record(z.string(), z.union([queryScalar, z.array(queryScalar)]))
  .describe('Query parameters of every request; a list repeats its name')

const headers = z.record(z.string().toLowerCase(), textOrSecret)

const fieldName = z.string().min(1, { error: "a field's name can't be empty" })

const tableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} can't name a table: use letters, digits and _, at most 63, and no digit first`,
})

const streamFields = z.strictObject({
  path: z
    .string()
    .min(1, { error: 'a stream needs the path that it is read from, as in "tickets"' })
    .describe('Path below `baseUrl`, or an absolute URL. It may have a query'),
  method: z.enum(['GET', 'POST']).default('GET').describe('GET, or POST for a search. Default GET'),
  query: query.optional(),
  headers: headers.optional().describe("Headers of this stream's requests, beside the source's"),
  quotas: z
    .array(quotaEntry)
    .prefault([])
    .describe(
      "Limits of this stream's endpoint, beside the source's: all streams with the same method and path share them. Default: none",
    ),
  body: z
    .json()
    .optional()
    .describe(
      'Body of every request, with `method: POST`: sent as JSON, or as a form where the content type says so',
    ),
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
  incremental: incrementalOptions.optional(),
  slices: slicesOptions.optional(),
  responses: reactionsOptions,
  job: jobOptions.optional(),
  transform: transformOptions.optional(),
  deleted: condition
    .optional()
    .describe(
      'With `write: merge`: the condition by which a record says that it is gone at the API, as in "@.status == \'deleted\'": its row is removed. It sees the record after `transform`. Default: no record does',
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
      'Required with `write: merge`, `version`, `incremental: { by: time }`, `slices`, `paginate: { type: time }` and the formats `jsonl` and `csv`, which read records again. The field that tells one record from another, or several that do so together: top-level names, after `unwrap`',
    ),
  version: fieldName
    .optional()
    .describe(
      'The field by which one version of a record is newer than another. Default: the one read last is',
    ),
  write: z
    .enum(['append', 'merge', 'replace', 'delete', 'reconcile'])
    .optional()
    .describe(
      'append: records are added, those whose key is there are left out. merge: records replace those with their key. replace: a whole new table is swapped in at the end. delete: each record names a row that is gone, of the table of another stream. reconcile: the records name all rows that there are; when all were read, the others are removed from it. Default: merge with a `key`; without one append if `incremental`, else replace',
    ),
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
})

/** A stream's options, each by itself. */
export type StreamSettings = z.output<typeof streamFields>

export const streamOptions = streamFields
  .superRefine((stream, context) => {
    for (const { path, message } of streamProblems(stream)) {
      context.addIssue({ code: 'custom', path: [...path], message, input: stream })
    }
  })
  .describe('One endpoint that yields records, loaded into one table')

const streamName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: (issue) => badName(issue.input, 'a stream') })

const httpUrl = z.url({
  protocol: /^https?$/,
  error: (issue) => `${JSON.stringify(issue.input)} is no URL: write one with http or https`,
})

export const restOptions = z
  .strictObject({
    type: z.literal('rest').describe('An HTTP API'),
    baseUrl: address.describe('What paths are resolved against, as in "https://acme.example.com/api/v2"'),
    auth: authOptions
      .prefault({ type: 'none' })
      .describe('How the source proves who it is. Default: not at all'),
    tls: tlsOptions
      .optional()
      .describe('Mutual TLS, or a server whose certificate is its own. Default: neither'),
    headers: headers.optional().describe('Headers of every request'),
    query: query.optional(),
    ...quotaOptions.shape,
    maxConcurrent: z
      .int()
      .min(1)
      .default(10)
      .describe(
        'Requests under way at once, those that wait for a quota not counted; more wait, first come, first served. Default 10',
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
    streams: z
      .record(streamName, streamOptions)
      .refine((streams) => Object.keys(streams).length > 0, { error: 'a source needs at least one stream' })
      .describe('What is read, by name'),
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

export type RestOptions = z.input<typeof restOptions>
export type RestSettings = z.output<typeof restOptions>
