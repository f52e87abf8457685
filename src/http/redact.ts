/** Replaces secrets by `***` in whatever leaves the client (S1). */
export interface Redactor {
  /** Makes values known as secrets: those of the config at the start, tokens as they come. */
  add(...secrets: readonly string[]): void
  /** The text without any known secret, in any of the forms that it travels in. */
  text(text: string): string
  /** The URL without known secrets, passwords and parameters that hold credentials by their name. */
  url(url: string): string
  /**
   * The URL without its user and without parameters that are a known secret: what may be stored. Whoever asks it is signed
   * afresh, so that nothing is missing. Everything else stays as it is written.
   */
  withoutSecrets(url: string): string
  /** Whether the text holds a secret that is long enough not to be a word by chance, in any of the forms that it travels in. */
  holdsSecret(text: string): boolean
  /** Redacts an error in place: its message, stack, text fields and causes. Gives the same error back. */
  error<E>(error: E): E
}

/** Query parameters that hold a credential, whatever their value. Page tokens and cursors are none. */
const sensitive: ReadonlySet<string> = new Set(
  `access_token accesstoken api_key apikey api-key api_secret app_key appkey application_key auth auth_token authorization
   bearer client_secret code credential hmac id_token jwt key password passwd private_token pwd refresh_token secret session_id
   sessionid sig signature subscription-key token x-amz-credential x-amz-security-token x-amz-signature x-api-key
   x-goog-credential x-goog-signature`.split(/\s+/),
)

/** Below this length a value is taken for a placeholder (some APIs want the password `X`): replacing it would garble every text. */
const shortestSecret = 4
/** From this length on, what equals a secret is that secret, wherever it stands. */
const shortestTellingSecret = 12
/** A regular expression can't be of any length: a longer form is looked for by itself. */
const longestInPattern = 1000
/**
 * Tokens that live for seconds pile up in a long run, and an old one is worth nothing. The first secrets are kept for good: a
 * source's own are known before its first token, since they buy it. A source that asks by many credentials in turn has as many secrets.
 */
const keptForGood = 128
const newestKept = 16

export function createRedactor(secrets: Iterable<string> = []): Redactor {
  /** Each secret with the forms that it travels in. */
  const known = new Map<string, readonly string[]>()
  /** Built when it is needed, since secrets often come several at once. */
  let pattern: RegExp | undefined
  /** What is too long for the pattern, the longest first. */
  let long: readonly string[] = []

  function add(...more: readonly string[]): void {
    for (const secret of more) {
      if (secret.length < shortestSecret || known.has(secret)) continue
      known.set(secret, formsOf(secret))
      pattern = undefined
    }
    if (known.size <= keptForGood + newestKept) return
    const rotating = [...known.keys()].slice(keptForGood, -newestKept)
    for (const old of rotating) known.delete(old)
  }

  function build(): RegExp {
    const all = [...new Set([...known.values()].flat())].sort((a, b) => b.length - a.length)
    long = all.filter((form) => form.length > longestInPattern)
    const forms = all.slice(long.length)
    // A pattern of nothing would match everywhere.
    if (forms.length === 0) return /(?!)/g
    return new RegExp(forms.map(escapeRegExp).join('|'), 'g')
  }

  function text(value: string): string {
    let plain = value
    if (known.size > 0) {
      pattern ??= build()
      for (const form of long) plain = plain.replaceAll(form, '***')
      plain = plain.replace(pattern, '***')
    }
    // A capital, digit or `=` tells a credential from prose such as "Bearer token". The look-ahead is bounded, or a text of many such words
    // would take quadratic time.
    return plain.replace(
      /\b([Bb]asic|[Bb]earer)(\s+|%20|\+)(?=[a-z+/._~-]{0,100}[A-Z0-9=])[A-Za-z0-9+/=._~-]{4,}/g,
      '$1$2***',
    )
  }

  function url(value: string): string {
    let shown = value.includes('@') ? value.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, '$1***@') : value
    const start = shown.indexOf('?')
    if (start >= 0)
      shown =
        shown.slice(0, start) +
        shown
          .slice(start)
          .replace(/([?&])([^=&#]+)=([^&#]+)/g, (whole, mark: string, name: string) =>
            sensitive.has(decoded(name).toLowerCase()) ? `${mark}${name}=***` : whole,
          )
    return text(shown)
  }

  function withoutSecrets(value: string): string {
    const bare = value.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, '$1')
    const start = bare.indexOf('?')
    if (start < 0 || known.size === 0) return bare
    const parts = bare.slice(start + 1).split('&')
    const kept = parts.filter((part) => !isSecretParameter(part))
    if (kept.length === parts.length) return bare
    return kept.length === 0 ? bare.slice(0, start) : `${bare.slice(0, start)}?${kept.join('&')}`
  }

  function holdsSecret(value: string): boolean {
    for (const [secret, forms] of known) {
      if (secret.length >= shortestTellingSecret && forms.some((form) => value.includes(form))) return true
    }
    return false
  }

  /** A short secret may be any word or number: then the parameter's name has to say that it holds one. */
  function isSecretParameter(part: string): boolean {
    const [name = '', given = ''] = part.split('=', 2)
    return (
      text(given) === '***' &&
      (given.length >= shortestTellingSecret || sensitive.has(decoded(name).toLowerCase()))
    )
  }

  function error<E>(thrown: E): E {
    let current: unknown = thrown
    // A chain of causes is short; the bound guards against a ring.
    for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
      const fields = current as unknown as Record<string, unknown>
      for (const name of [...Object.keys(current), 'message', 'stack']) {
        const value = fields[name]
        if (typeof value !== 'string') continue
        const clean = name === 'url' ? url(value) : text(value)
        if (clean !== value) Reflect.set(current, name, clean)
      }
      current = current.cause
    }
    return thrown
  }

  add(...secrets)
  return { add, text, url, withoutSecrets, holdsSecret, error }
}

/** A secret as it is, in URLs, in forms, in JSON, and in base64 at each of the three places where a Basic credential may begin it. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const base64 = [0, 1, 2].flatMap((lead) => {
    // Only the characters that depend on the secret alone: its neighbours leak into the first and last ones.
    const encoded = Buffer.concat([Buffer.alloc(lead), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const whole = encoded.slice(lead === 0 ? 0 : lead + 1, Math.floor(((lead + bytes.length) * 8) / 6))
    return whole.length < 6 ? [] : [whole, whole.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const json = JSON.stringify(secret).slice(1, -1)
  // toString of UTF-8 bytes makes lone surrogates encodable.
  const encoded = encodeURIComponent(bytes.toString())
  return [
    secret,
    encoded,
    encoded.replaceAll('%20', '+'),
    json,
    // As in the text of a JSON document that quotes another.
    JSON.stringify(json).slice(1, -1),
    ...base64,
  ].filter((form) => form.length >= shortestSecret)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
