import { createHash } from 'node:crypto'
import { isSecret, type SecretLookup } from '../options/secret.ts'
import type { SourceAuth } from './rotate.ts'

type Credential = SourceAuth

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
  const values = reveal([...knownBy(auth), ...further], lookup)
  return createHash('sha256').update(JSON.stringify(values)).digest('hex')
}

function knownBy(auth: Credential): readonly unknown[] {
  switch (auth.type) {
    case 'none':
      return []
    case 'rotate':
      return auth.credentials.map(knownBy)
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
    case 'session': {
      const { url, query, headers, body = null, auth: own } = auth.login
      return [url, query, headers, body, own === undefined ? null : knownBy(own)]
    }
    case 'hmac':
      return [auth.keyId ?? auth.key]
    case 'aws_sigv4':
      return [auth.accessKeyId]
    case 'custom':
      return [numberOf(auth.sign)]
    // The same key may sign for several accounts, which the claims tell apart.
    case 'jwt':
      return [auth.key, auth.keyId ?? null, auth.issuer ?? null, auth.subject ?? null]
  }
}

/** Functions are one credential where they are one function. */
const numbers = new WeakMap<object, number>()
let known = 0

function numberOf(sign: object): number {
  const number = numbers.get(sign) ?? ++known
  numbers.set(sign, number)
  return number
}

function reveal(value: unknown, lookup: SecretLookup): unknown {
  if (isSecret(value)) {
    const unset = value.variables.some((variable) => !lookup(variable))
    return unset ? { variables: value.variables } : value.reveal(lookup)
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => reveal(item, lookup))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner, lookup)]))
}
