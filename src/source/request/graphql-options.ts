import { z } from 'zod'
import type { Json } from '../../ports/json.ts'
import { bodyValue } from './request-options.ts'

/** A GraphQL query in place of a body. */
export const graphqlOptions = z
  .strictObject({
    query: z
      .string()
      .min(1)
      .describe('The query, as it is sent: nothing in it is a placeholder. Values go into `variables`'),
    variables: z
      .record(z.string(), bodyValue.meta({ title: 'request body' }))
      .optional()
      .describe("The query's variables; placeholders keep the type of their value. Default: none"),
    operation: z
      .string()
      .min(1)
      .optional()
      .describe('The operation to run, where `query` holds several (`operationName`). Default: the only one'),
    partial: z
      .enum(['fail', 'keep'])
      .default('fail')
      .describe(
        'What to do with a reply that holds data and errors: fail stops the stream, keep loads what there is. Default fail',
      ),
  })
  .describe('A GraphQL query, sent as POST with a JSON body')

export type GraphqlSettings = z.output<typeof graphqlOptions>

/** The body of a query's request. */
export function graphqlBody({ query, operation }: GraphqlSettings, variables: Json | undefined): Json {
  return {
    query,
    ...(variables !== undefined && { variables }),
    ...(operation !== undefined && { operationName: operation }),
  }
}
