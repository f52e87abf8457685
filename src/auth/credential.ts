import { ConfigError } from '../errors.ts'
import { revealSecret, type Secret } from '../options/secret.ts'
import type { AuthContext } from './authenticator.ts'

/**
 * Looks a credential up, once, at its first use.
 * @param option its path below the source, for messages: `auth.token`
 * @throws SecretMissingError, and ConfigError for a value that no header can carry
 */
export function lateCredential(
  value: Secret | string,
  option: string,
  context: Pick<AuthContext, 'lookup' | 'onSecret' | 'source'>,
): () => string {
  let revealed: string | undefined
  return () => {
    if (revealed !== undefined) return revealed
    const found = revealSecret(value, context.lookup)
    context.onSecret(found)
    if (/[\0-\x1f\x7f]/.test(found)) {
      throw new ConfigError(
        `sources.${context.source}.${option}`,
        `the value${variablesOf(value)} holds a line break or another control character, which a credential cannot: remove it (a file's last line break is a common cause)`,
      )
    }
    revealed = found
    return found
  }
}

function variablesOf(value: Secret | string): string {
  return typeof value === 'string' ? '' : ` of ${value.variables.join(', ')}`
}

/** A header can carry one character per byte; the rest of Unicode cannot be sent. */
export function checkHeaderText(text: string, option: string, source: string): void {
  if (/[^\t\x20-\x7e\x80-\xff]/.test(text)) {
    throw new ConfigError(
      `sources.${source}.${option}`,
      'the value holds a character that an HTTP header cannot carry: check that the right secret was set',
    )
  }
}
