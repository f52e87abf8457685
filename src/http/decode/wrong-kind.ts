// What came instead of what was expected: the message names both, and the option to change.

import { BodyUnreadableError, excerptOf, htmlError, looksLikeHtml } from './errors.ts'
import type { ResponseFormat } from './format-options.ts'

type Kind = ResponseFormat['type'] | 'html' | 'pdf' | 'image'

const names: Record<Kind, string> = {
  json: 'JSON',
  jsonl: 'JSON Lines',
  csv: 'CSV',
  xml: 'XML',
  html: 'HTML',
  pdf: 'a PDF file',
  image: 'an image',
}

/**
 * The error for a body that is of another kind than expected, as far as its beginning and its `content-type` tell; `undefined` where
 * it is not. Asked where a body could not be read, or where its kind must be told before.
 */
export function wrongKind(
  expected: ResponseFormat['type'],
  url: string,
  contentType: string,
  text: string,
): BodyUnreadableError | undefined {
  const came = kindOf(text, contentType)
  if (came === undefined || came === expected) return undefined
  if (came === 'html') return htmlError(url, contentType, text, names[expected])
  const excerpt = excerptOf(text)
  const remedy =
    came === 'pdf' || came === 'image'
      ? 'Check the path'
      : `If that is what the endpoint answers, set \`format: ${came}\`; else check the path, or ask for ${names[expected]} with an \`accept\` header`
  return new BodyUnreadableError(
    url,
    `answered ${names[came]}, not ${names[expected]} (content-type: ${contentType || 'none'}): ${excerpt}. ${remedy}`,
    excerpt,
  )
}

function kindOf(text: string, contentType: string): Kind | undefined {
  if (looksLikeHtml(text)) return 'html'
  const start = text.trimStart()
  if (start.startsWith('%PDF-')) return 'pdf'
  if (/^(\ufffdPNG|GIF8|\ufffd\ufffd\ufffd\ufffd..JFIF)/.test(start)) return 'image'
  if (/^<(\?xml|[A-Za-z_][\w.:-]*[\s/>])/.test(start)) return 'xml'
  if (/^(\{\s*"|\{\s*\}|\[\s*[[{"\]])/.test(start)) {
    // Two objects, one below the other. White space is matched in one way only, since there may be much of it.
    return /^\{[^\n]*\}[^\S\n]*\n\s*\{/.test(start) ? 'jsonl' : 'json'
  }
  if (/\b(text\/csv|application\/csv)\b/i.test(contentType)) return 'csv'
  return undefined
}
