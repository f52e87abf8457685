// Relay connections of GraphQL: the reply says whether the list goes on, and by which cursor. The specification: GraphQL Cursor
// Connections. A connection is a list in `nodes`, or in `edges`, each of which has a `node`.
import { z } from 'zod'
import { LongDecimal, type Value } from '../ports/json.ts'
import { type PageView, PaginationInvalidError, PaginationLoopError, type Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'
import { compilePath, joinPaths, parsePath, path } from './path.ts'
import { checkPosition } from './position.ts'
import { requestWriter } from './request-value.ts'
import { excerpt } from './response-value.ts'

const variable = path.refine((text) => parsePath(text)?.every((step) => typeof step === 'string') !== false, {
  error: 'a variable is named by keys only, as in "after" or "page.after"',
})

export const relayOptions = z
  .strictObject({
    type: z.literal('relay').describe('A connection of GraphQL, with `pageInfo`'),
    connection: path.describe(
      'Path of the connection below `data`, as in "repository.issues". Without `records` its nodes are the records',
    ),
    variable: variable
      .default('after')
      .describe(
        'The variable of the query that takes the cursor; "page.after" is a field of the variable `page`. Default "after"',
      ),
    size: z
      .strictObject({
        variable: variable
          .default('first')
          .describe('The variable of the query that takes the page size. Default "first"'),
        value: z
          .int()
          .min(1)
          .describe(
            "Records to ask for per page, from 1 up to the API's maximum. The maximum needs the fewest requests",
          ),
      })
      .optional()
      .describe('Page size to ask for. Default: none is sent, and the query says it'),
  })
  .describe('Relay: a connection of GraphQL, whose `pageInfo` leads to the next page')

export type RelayOptions = z.input<typeof relayOptions>

/** Options of a GraphQL connection, for a stream's `paginate`. */
export function relay(options: Omit<RelayOptions, 'type'>): RelayOptions {
  return { type: 'relay', ...options }
}

/** A paginator of a connection. Its position is the end cursor of the page before. */
export function relayPaginator(input: RelayOptions): Paginator<string> {
  const options = parseOptions(relayOptions, input)
  const { connection, size } = options
  const put = requestWriter({ body: joinPaths('variables', options.variable) })
  const putSize = size && requestWriter({ body: joinPaths('variables', size.variable) })
  const read = compilePath(joinPaths('data', connection))
  return {
    request(base, position) {
      const sized = putSize?.(base, size!.value) ?? base
      if (position === undefined) return sized
      checkPosition(base, position, 'relay', 'text')
      return put(sized, position)
    },
    next(page, position) {
      const found = read(page.body)
      // Nothing there is nothing to page through; whether that may be is for the records to say (R2).
      if (found === undefined || found === null) return undefined
      const { hasNextPage, endCursor } = pageInfoOf(page, found, connection)
      if (!hasNextPage) return undefined
      if (typeof endCursor !== 'string' || endCursor === '') {
        // R1: without a cursor the next request would be the first one again.
        throw new PaginationInvalidError(
          page.url,
          `${connection}.pageInfo says that there is a next page, but its endCursor is ${describe(endCursor)}: ask for it in the query, "pageInfo { hasNextPage endCursor }"`,
        )
      }
      if (endCursor === position) {
        throw new PaginationLoopError(
          page.url,
          `${connection}.pageInfo.endCursor is ${excerpt(endCursor)}, which led to this very page; does the query pass $${options.variable} to the connection?`,
        )
      }
      return endCursor
    },
  }
}

function pageInfoOf(
  page: PageView,
  found: Value,
  connection: string,
): { readonly hasNextPage: boolean; readonly endCursor: Value | undefined } {
  const info = isFields(found) ? found['pageInfo'] : undefined
  const hasNextPage = isFields(info) ? info['hasNextPage'] : undefined
  if (!isFields(info) || typeof hasNextPage !== 'boolean') {
    throw new PaginationInvalidError(
      page.url,
      `${connection}.pageInfo.hasNextPage is ${describe(hasNextPage)}: ask for it in the query, "pageInfo { hasNextPage endCursor }", and check \`connection\``,
    )
  }
  return { hasNextPage, endCursor: info['endCursor'] }
}

function isFields(value: Value | undefined): value is { readonly [key: string]: Value } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LongDecimal)
  )
}

function describe(value: Value | undefined): string {
  if (value === undefined) return 'not there'
  if (value === null) return 'null'
  return typeof value === 'object' ? 'an object' : excerpt(String(value))
}
