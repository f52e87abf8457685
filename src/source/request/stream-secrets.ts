// The secrets that a stream's requests carry (S1): its source's, its own, and those inside texts.
import type { Redactor } from '../../http/redact.ts'
import {
  type Attach,
  attachMarked,
  attachSecrets,
  type SecretParts,
  secretsBeside,
} from '../../http/secret-parts.ts'
import type { SecretLookup } from '../../options/secret.ts'
import type { StreamRequest } from './stream-request.ts'

export interface StreamSecrets {
  /** The headers and parameters that are secret, of which nothing but the names is shown. */
  readonly secret: SecretParts
  /** Puts all of them on an attempt; `undefined` where there is none. */
  readonly attach: Attach | undefined
}

/** A stream's own secrets take the place of those of its source that have the same names. `place` names it in messages: `desk.streams.tickets`. */
export function streamSecrets(
  { own, marked }: StreamRequest,
  ofSource: { readonly name: string; readonly secret: SecretParts },
  place: string,
  lookup: SecretLookup,
  redactor: Redactor,
): StreamSecrets {
  const inherited = secretsBeside(ofSource.secret, own)
  const context = { lookup, onSecret: (value: string) => redactor.add(value), source: place }
  const each = [
    attachSecrets(inherited, { ...context, source: ofSource.name }),
    attachSecrets(own.secret, context),
    attachMarked(marked, context),
  ].filter((one) => one !== undefined)
  return {
    secret: {
      headers: { ...inherited.headers, ...own.secret.headers },
      query: { ...inherited.query, ...own.secret.query },
    },
    attach:
      each.length === 0
        ? undefined
        : (request) => each.reduce((attached, attach) => attach(attached), request),
  }
}
