import type { Answer } from '../../http/answer.ts'
import { HttpStatusError } from '../../http/errors.ts'
import { retryAfterMs } from '../../http/retry-after.ts'
import { graphqlVerdict } from '../request/graphql-errors.ts'
import { ApiErrorBodyError } from './select.ts'

/**
 * R2: what went wrong with a GraphQL query comes under status 200.
 * @param partial what to do with data beside errors
 * @throws HttpStatusError that is waited out like a 429, where the API wants fewer requests; else ApiErrorBodyError
 */
export function refuseGraphqlErrors(
  { url, status, headers, body }: Answer,
  partial: 'fail' | 'keep',
  now: number,
): void {
  const verdict = graphqlVerdict(body ?? null)
  if (verdict.kind === 'ok' || (verdict.kind === 'partial' && partial === 'keep')) return
  const { message } = verdict
  if (verdict.kind === 'throttled') {
    throw new HttpStatusError({
      method: 'POST',
      url,
      status,
      detail: message,
      excerpt: message,
      kind: 'throttled',
      retryAfterMs: retryAfterMs(headers, now) ?? verdict.waitMs,
    })
  }
  const remedy =
    verdict.kind === 'partial'
      ? '. It holds data, too: to load that and leave out what is missing, set `graphql.partial: keep`'
      : ''
  throw new ApiErrorBodyError(url, status, message + remedy)
}
