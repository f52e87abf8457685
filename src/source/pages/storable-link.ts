import type { Client } from '../../http/client.ts'
import type { Redactor } from '../../http/redact.ts'
import { withQuery } from '../../http/request-url.ts'
import { PaginationInvalidError } from '../../pagination/paginator.ts'

/**
 * What of a next link may be stored as a position: without the secrets that are put on each request anew (S1).
 * @param secretNames query parameters that are secrets
 * @throws PaginationInvalidError (when called) where a secret stands elsewhere; OriginRefusedError for another origin (R3)
 */
export function storableLink(
  client: Client,
  redactor: Redactor,
  secretNames: readonly string[],
): (link: string) => string {
  const without = Object.fromEntries(secretNames.map((name) => [name, []]))
  return (link) => {
    const url = withQuery(redactor.withoutSecrets(link), without)
    if (redactor.holdsSecret(url)) {
      throw new PaginationInvalidError(
        redactor.url(url),
        "this next link holds the source's credential elsewhere than in a query parameter of its own, so that it can't be stored without it; use another paginator than one that follows links",
      )
    }
    // A link that may not be followed is no position either, or each later run would begin with it.
    client.resolve({ method: 'GET', url, query: {}, headers: {} })
    return url
  }
}
