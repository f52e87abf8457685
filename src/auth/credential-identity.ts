import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { isSecret, type Secret, type SecretLookup } from '../options/secret.ts'
import type { authOptions } from './options.ts'

type Credential = z.output<typeof authOptions>

/**
 * Tells whether two sources use one credential: equal where what an API knows the caller by is equal, whichever variables it
 * comes from. A hash, so that it tells no secret (S1). A variable that is not set stands for itself.
 * @param further secrets that are sent beside the credential, such as a key in a header of its own
 */
export function credentialIdentity(
  auth: Credential,
  further: readonly unknown[],
  lookup: SecretLookup,
): string {
  const values = [...knownBy(auth), ...further].map((value) =>
    isSecret(value) ? reveal(value, lookup) : value,
  )
  return createHash('sha256').update(JSON.stringify(values)).digest('hex')
}

function knownBy(auth: Credential): readonly unknown[] {
  switch (auth.type) {
    case 'none':
      return []
    case 'bearer':
      return [auth.token]
    case 'basic':
      return [auth.username, auth.password]
    case 'api_key':
      return [auth.key]
    // A client stays the same with another secret, and asks within the same limits for another scope.
    case 'oauth2':
      return [
        auth.tokenUrl ?? null,
        auth.clientId ?? null,
        auth.refreshToken ?? auth.serviceAccount ?? auth.username ?? null,
        auth.subject ?? auth.assertion?.subject ?? null,
        auth.assertion?.issuer ?? null,
        auth.audience ?? null,
        auth.params,
      ]
    // The same key may sign for several accounts, which the claims tell apart.
    case 'jwt':
      return [auth.key, auth.keyId ?? null, auth.issuer ?? null, auth.subject ?? null]
  }
}

function reveal(secret: Secret, lookup: SecretLookup): unknown {
  const unset = secret.variables.some((variable) => !lookup(variable))
  return unset ? { variables: secret.variables } : secret.reveal(lookup)
}
