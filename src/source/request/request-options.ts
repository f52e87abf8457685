// What a stream's request is made of, as options.
import { z } from 'zod'
import type { QueryTree } from '../../http/request-query.ts'
import { isSecret, parseSecret, type Secret, textOrSecret } from '../../options/secret.ts'

const queryScalar = z.union([z.number(), z.boolean(), textOrSecret])

const queryTree: z.ZodType<QueryTree, QueryTree> = z.lazy(() =>
  z.union([
    queryScalar,
    z.null(),
    z.array(z.union([queryScalar, z.null()])),
    z.record(z.string(), queryTree),
  ]),
)

/** Query parameters. */
export const query = z
  .record(z.string(), queryTree.meta({ title: 'query value' }))
  .describe(
    'Query parameters of every request. A list repeats its name, an object makes bracketed names (`page: { size: 10 }` is `page[size]=10`), and null takes a parameter of a wider place away',
  )

export const headers = z.record(z.string().toLowerCase(), textOrSecret)

/** A JSON value, any text of which may be a secret or have one inside. Other references are left alone: a body may be in a language that has such itself. */
export type BodyValue =
  | null
  | boolean
  | number
  | string
  | Secret
  | readonly BodyValue[]
  | { readonly [key: string]: BodyValue }

export const bodyValue: z.ZodType<BodyValue, BodyValue> = z.lazy(() =>
  z.union([
    z.null(),
    z.boolean(),
    z.number(),
    z.string().transform(parseSecret),
    z.custom<Secret>(isSecret),
    z.array(bodyValue),
    z.record(z.string(), bodyValue),
  ]),
)

/** RFC 9110: any token. CONNECT, TRACE and HEAD can't yield records. */
export const method = z
  .string()
  .regex(/^[\w!#$%&'*+.^`|~-]+$/, {
    error: (issue) => `${JSON.stringify(issue.input)} is no HTTP method: write one word, as in GET or POST`,
  })
  .transform((text) => text.toUpperCase())
  .refine((text) => !['CONNECT', 'TRACE', 'HEAD'].includes(text), {
    error: (issue) => `${String(issue.input)} has no body to read records from: use GET or POST`,
  })

/** The method of a stream's requests. */
export function methodOf(stream: {
  readonly method?: string | undefined
  readonly body?: unknown
  readonly graphql?: unknown
}): string {
  return stream.method ?? (stream.body === undefined && stream.graphql === undefined ? 'GET' : 'POST')
}

/** The options of a stream whose texts may hold placeholders. */
export function requestOptionsOf(stream: {
  readonly path: unknown
  readonly query?: unknown
  readonly headers?: unknown
  readonly body?: unknown
  readonly graphql?: { readonly variables?: unknown } | undefined
}): Readonly<Record<string, unknown>> {
  const { path, query, headers, body, graphql } = stream
  return { path, query, headers, body, ...(graphql && { graphql: { variables: graphql.variables } }) }
}
