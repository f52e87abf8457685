import { ConfigError } from '../../errors.ts'
import { markedText, type PlainParts, type SecretParts, splitSecrets } from '../../http/secret-parts.ts'
import type { Json } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import { type RequestTemplate, requestTemplate } from '../../template/request-template.ts'
import type { StreamSettings } from '../rest-options.ts'
import { graphqlBody } from './graphql-options.ts'
import { type MarkedVariables, markMixed, markSecrets } from './marked-secrets.ts'
import { methodOf } from './request-options.ts'

/** A stream's request, apart into what may be shown and what may not (S1). */
export interface StreamRequest {
  readonly own: { readonly path: string; readonly plain: PlainParts; readonly secret: SecretParts }
  /** The secrets inside texts. */
  readonly marked: MarkedVariables
  readonly template: RequestTemplate
}

/** @param query the source's parameters, as they are sent: no text in them is a placeholder */
export function streamRequest(settings: StreamSettings, query: RequestSpec['query']): StreamRequest {
  const marked: MarkedVariables = new Map()
  const path = markSecrets(settings.path, ['path'], marked)
  const { plain, secret } = splitSecrets({
    headers: markMixed(settings.headers, ['headers'], marked),
    query: markMixed(settings.query, ['query'], marked),
  })
  const request: RequestSpec = {
    method: methodOf(settings),
    url: path,
    query: plain.query,
    headers: plain.headers,
    // Reading changes nothing at the API, whatever the method: a POST is a search.
    safe: true,
  }
  const body = templatedBody(settings, marked)
  const written = body === undefined ? request : { ...request, body }
  const template = requestTemplate(written)
  const marks = countMarks(written, marked)
  return {
    own: { path, plain, secret },
    marked,
    template: {
      placeholders: template.placeholders,
      fill(values) {
        const whole = template.fill(values)
        if (countMarks(whole, marked) > marks) refuseForgedMark(marked)
        const { query: verbatim, ...filled } = whole
        const withQuery = { ...filled, query: { ...query, ...verbatim } }
        return settings.graphql === undefined
          ? withQuery
          : { ...withQuery, body: graphqlBody(settings.graphql, withQuery.body) }
      },
    },
  }
}

/** How many marks of the secrets a request holds. */
function countMarks(request: RequestSpec, marked: MarkedVariables): number {
  if (marked.size === 0) return 0
  const text = JSON.stringify(request)
  return [...marked.values()].reduce((sum, { secret }) => sum + text.split(markedText(secret)).length - 1, 0)
}

/** S1: whoever can write a record must not get a secret into a request by a text that looks like its mark. */
function refuseForgedMark(marked: MarkedVariables): never {
  const names = [...marked.keys()].map((name) => `***${name}***`).join(' or ')
  throw new ConfigError(
    '',
    `a value that a placeholder stands for holds ${names}, which stands for a secret in this request: the request is not made`,
  )
}

/** What of the body may hold placeholders and secrets: of a GraphQL query, its variables alone. */
function templatedBody({ body, graphql }: StreamSettings, marked: MarkedVariables): Json | undefined {
  const [value, path] = graphql ? [graphql.variables, ['graphql', 'variables']] : [body, ['body']]
  return value === undefined ? undefined : (markSecrets(value, path, marked) as Json)
}
