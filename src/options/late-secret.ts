// Secrets and identifiers that are looked up at their first use.
import { ConfigError } from '../errors.ts'
import { revealSecret, type Secret, type SecretLookup } from './secret.ts'

/** What it takes to look secrets up. */
export interface SecretContext {
  /** Finds the secrets, when a request first needs them. */
  readonly lookup: SecretLookup
  /** Told every secret value before it is first used, in each form in which it is sent, so that it can be redacted (S1). */
  readonly onSecret: (value: string) => void
  /** The source's name, for messages and events. */
  readonly source: string
}

/**
 * Looks a secret up, once, at its first use, whatever characters it has: a key in PEM has many lines.
 * @throws SecretMissingError
 */
export function lateSecret(
  value: Secret | string,
  context: Pick<SecretContext, 'lookup' | 'onSecret'>,
): () => string {
  let revealed: string | undefined
  return () => {
    if (revealed !== undefined) return revealed
    const found = revealSecret(value, context.lookup)
    context.onSecret(found)
    for (const part of partsOf(value, context.lookup)) if (part !== found) context.onSecret(part)
    revealed = found
    return found
  }
}

/** S1: what stands inside a longer text, as in `token ${env:KEY}`, may come back without the rest of it. */
function partsOf(value: Secret | string, lookup: SecretLookup): readonly string[] {
  return typeof value === 'string' ? [] : value.variables.map((variable) => lookup(variable) ?? '')
}

/**
 * Looks a credential up, once, at its first use.
 * @param option its path below the source, for messages: `auth.token`
 * @throws SecretMissingError, and ConfigError for a value that no header can carry
 */
export function lateCredential(value: Secret | string, option: string, context: SecretContext): () => string {
  const reveal = lateSecret(value, context)
  let checked = false
  return () => {
    const found = reveal()
    if (!checked && /[\0-\x1f\x7f]/.test(found)) {
      throw new ConfigError(
        `sources.${context.source}.${option}`,
        `the value${variablesOf(value)} holds a line break or another control character, which a credential cannot: remove it (a file's last line break is a common cause)`,
      )
    }
    checked = true
    return found
  }
}

/** Looks up what an API knows the caller by, such as a client id: it may come from a variable, and is no secret. */
export function lateIdentifier(
  value: Secret | string,
  option: string,
  context: Pick<SecretContext, 'lookup' | 'source'>,
): () => string {
  return lateCredential(value, option, { ...context, onSecret() {} })
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
