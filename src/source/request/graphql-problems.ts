import { parsePath } from '../../pagination/path.ts'
import type { StreamSettings } from '../rest-options.ts'
import type { StreamProblem } from '../stream-rules.ts'

/** What can't work with a GraphQL query. */
export function* graphqlProblems(stream: StreamSettings): Iterable<StreamProblem> {
  const { graphql, paginate } = stream
  if (graphql === undefined) {
    if (paginate?.type === 'relay' && stream.body === undefined) {
      yield {
        path: ['paginate'],
        message: 'a connection is of a GraphQL query: add `graphql: { query: … }`',
      }
    }
    return
  }
  if (stream.body !== undefined) {
    yield {
      path: ['body'],
      message:
        '`graphql` makes the body of the request: leave out `body`, or write the query into it yourself',
    }
  }
  if (stream.method !== undefined && stream.method !== 'POST') {
    yield { path: ['method'], message: '`graphql` is sent as POST: leave out `method`' }
  }
  if (stream.format.type !== 'json' || stream.format.stream) {
    yield { path: ['format'], message: 'a reply to `graphql` is one JSON document: leave out `format`' }
  }
  if (paginate?.type !== 'relay') return
  const variable = parsePath(paginate.variable)?.[0]
  if (!new RegExp(String.raw`\$${variable}\b`).test(graphql.query)) {
    yield {
      path: ['graphql', 'query'],
      message: `the query takes no variable $${variable}, by which \`paginate\` asks for the next page: declare it, as in "query ($${variable}: String)", and pass it to the connection, as in "after: $${variable}"`,
    }
  }
  for (const field of ['hasNextPage', 'endCursor']) {
    if (graphql.query.includes(field)) continue
    yield {
      path: ['graphql', 'query'],
      message: `the query does not ask for ${field}, which says where the next page begins: add "pageInfo { hasNextPage endCursor }" to the connection`,
    }
  }
}
