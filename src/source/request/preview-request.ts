// A request as it is shown: what `plan` and `preview` print.
import type { Client } from '../../http/client.ts'
import type { Redactor } from '../../http/redact.ts'
import { encodeBody } from '../../http/request-body.ts'
import { withQuery } from '../../http/request-url.ts'
import type { SecretParts } from '../../http/secret-parts.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { RequestPreview } from '../../ports/source.ts'

/** Headers that carry a credential, by their name. */
const sensitiveHeader = /authorization|cookie|token|secret|api-?key/

/** @param secret what is put on each attempt, and shown by its name alone (S1) */
export function previewRequest(
  client: Client,
  redactor: Redactor,
  request: RequestSpec,
  secret: SecretParts,
): RequestPreview {
  const hidden = (names: object) => Object.fromEntries(Object.keys(names).map((name) => [name, '***']))
  const shown = Object.entries(request.headers).map(([name, value]) => [
    name,
    sensitiveHeader.test(name) ? '***' : redactor.text(value),
  ])
  return {
    method: request.method,
    url: withQuery(redactor.url(client.resolve(request)), hidden(secret.query)),
    headers: { ...Object.fromEntries(shown), ...hidden(secret.headers) },
    ...(request.body !== undefined && {
      body: redactor.text(encodeBody(request.body, request.headers['content-type']).text),
    }),
  }
}
