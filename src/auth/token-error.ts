import { SluiceError } from '../errors.ts'

/** The authorization server says no, and will again until the credential or the options change. */
export class TokenRefusedError extends SluiceError {
  readonly code = 'TOKEN_REFUSED'
  readonly recovery = 'fix-config'
  readonly status: number
  /** The server's own word, as in `invalid_grant`; absent where its reply could not be understood. */
  readonly error: string | undefined
  constructor(message: string, status: number, error?: string) {
    super(message)
    this.status = status
    this.error = error
  }
}

/** The authorization server could not be reached, or was not able to answer, as often as it was asked. */
export class TokenUnavailableError extends SluiceError {
  readonly code = 'RETRIES_EXHAUSTED'
  readonly recovery = 'stop-stream'
}

/** A credential that a user grants in a browser, and that nobody has granted, or that has ended. */
export class LoginRequiredError extends SluiceError {
  readonly code = 'LOGIN_REQUIRED'
  readonly recovery = 'fix-config'
}

/** A token could not be read from its store, or not be kept there. */
export class TokenStoreError extends SluiceError {
  readonly code = 'TOKEN_STORE_FAILED'
  readonly recovery = 'fix-config'
}

/** Text of the server that is safe to quote: without secrets (S1) and control characters, and short. */
export function quotable(text: string, secrets: Iterable<string>, length = 300): string {
  let safe = text
  // The longest first: a secret may hold another one.
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    for (const form of sentForms(secret)) {
      if (form !== '') safe = safe.replaceAll(form, '***')
    }
  }
  safe = safe.replace(/[\0-\x1f\x7f]+/g, ' ').trim()
  return safe.length > length ? `${safe.slice(0, length)}…` : safe
}

/** A secret as itself, in a URL, in a form and in JSON. */
function sentForms(secret: string): readonly string[] {
  const form = new URLSearchParams({ s: secret }).toString().slice(2)
  // Through bytes: half a character, which JSON may hold, has no encoding.
  return [
    secret,
    encodeURIComponent(Buffer.from(secret).toString()),
    form,
    JSON.stringify(secret).slice(1, -1),
  ]
}
