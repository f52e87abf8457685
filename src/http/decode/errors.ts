import { SluiceError } from '../../errors.ts'

/** The body arrived whole and is not what it should be: asking again would bring the same. */
export class BodyUnreadableError extends SluiceError {
  readonly code = 'BODY_UNREADABLE'
  readonly recovery = 'stop-stream'
  readonly url: string
  /** What of the body the message quotes. */
  readonly excerpt: string
  constructor(url: string, problem: string, excerpt: string, options?: ErrorOptions) {
    super(`${url} ${problem}`, options)
    this.url = url
    this.excerpt = excerpt
  }
}

const excerptLength = 100

/** The first characters of a text, as a quoted string on one line. */
export function excerptOf(text: string, from = 0): string {
  const cut = text.slice(from, from + excerptLength)
  return JSON.stringify(from + excerptLength < text.length ? `${cut}…` : cut)
}

/** True where a body begins like a web page. */
export function looksLikeHtml(text: string): boolean {
  return /^\s*<(?:!doctype|html|head|body|title|script|!--|h1|p\b|div)/i.test(text)
}

/** An HTML answer. It is not retried: a login page or a wrong address answers the same again. */
export function htmlError(
  url: string,
  contentType: string,
  text: string,
  expected = 'JSON',
): BodyUnreadableError {
  const excerpt = excerptOf(text)
  return new BodyUnreadableError(
    url,
    `answered HTML, not ${expected} (content-type: ${contentType || 'none'}): ${excerpt}. Likely causes: a login page because the credential is not accepted, a wrong base URL or path, or a proxy's own page`,
    excerpt,
  )
}
