import { XMLParser, XMLValidator } from 'fast-xml-parser'
import type { Value } from '../../ports/json.ts'
import type { HttpResponse } from '../../ports/runtime.ts'
import { BodyTruncatedError } from '../errors.ts'
import { firstHeader } from '../headers.ts'
import { emptyBody, type ReadDocumentOptions, readDocument } from './document.ts'
import { BodyUnreadableError, excerptOf } from './errors.ts'
import type { JsonBody } from './json.ts'
import { wrongKind } from './wrong-kind.ts'

export interface ReadXmlOptions extends ReadDocumentOptions {
  /** strip: names are without their prefix. Default keep. */
  readonly namespaces?: 'keep' | 'strip'
}

/** The field of an element that holds its text, where it has attributes or children, too. */
export const xmlText = '#text'

/** Elements inside one another, at most: a document of an API has a few. */
const maxDepth = 200

/**
 * Reads an XML document whole, as JSON-like values: an element with text alone is text, one with attributes or children is an object
 * (`@name` an attribute, `#text` its own text), elements of one name below each other are a list. All values are text, so that "007"
 * keeps its zeros (R4); white space around them is left out.
 *
 * A document type is refused: it can define entities that grow without end, or lead to other files.
 *
 * @throws BodyTruncatedError a document that ends early
 * @throws BodyUnreadableError a document that is not well-formed, has a document type, or is no XML
 */
export async function readXml(response: HttpResponse, options: ReadXmlOptions): Promise<JsonBody> {
  const { url, namespaces = 'keep', ...rest } = options
  const { text, bytes } = await readDocument(response, { url, charsetInside: declaredInside, ...rest })
  refuseOthers(text, response, url)
  const problem = XMLValidator.validate(text)
  if (problem !== true) throw malformed(problem.err, text, url)
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    textNodeName: xmlText,
    parseTagValue: false,
    parseAttributeValue: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
    // Numeric references, as in &#233;, are decoded with this only.
    htmlEntities: true,
    removeNSPrefix: namespaces === 'strip',
    maxNestedTags: maxDepth,
  })
  try {
    const value = parser.parse(text) as Value
    return { value, bytes, byteLength: bytes.length }
  } catch (cause) {
    throw unreadable(url, (cause as Error).message, text, { cause })
  }
}

/** The charset of `<?xml version="1.0" encoding="…"?>`: RFC 7303 puts it behind the one of `content-type`. */
function declaredInside(head: Buffer): string | undefined {
  return /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']/
    .exec(head.toString('latin1'))?.[1]
    ?.toLowerCase()
}

function refuseOthers(text: string, response: HttpResponse, url: string): void {
  if (text.trim() === '') throw emptyBody(response, url, 'XML')
  const contentType = firstHeader(response.headers, 'content-type') ?? ''
  const other = wrongKind('xml', url, contentType, text)
  if (other !== undefined) throw other
  if (!text.trimStart().startsWith('<')) throw unreadable(url, 'it begins with no tag', text)
  const at = documentTypeAt(text)
  if (at !== undefined) {
    throw new BodyUnreadableError(
      url,
      `answered XML with a document type, which is not read, since it can define entities that grow without end: ${excerptOf(text, at)}. Ask for another format`,
      excerptOf(text, at),
    )
  }
}

/**
 * Where a document type is declared; `undefined` where none is. It belongs before the first element, but the library takes one anywhere.
 * Inside a comment, a CDATA section or an instruction these are characters like others.
 */
function documentTypeAt(text: string): number | undefined {
  const marks = /<!--|<!\[CDATA\[|<\?|<!doctype/gi
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    const end = endOf[mark[0].toUpperCase()]
    if (end === undefined) return mark.index
    const found = text.indexOf(end, marks.lastIndex)
    if (found < 0) return undefined
    marks.lastIndex = found + end.length
  }
  return undefined
}

const endOf: Readonly<Record<string, string>> = { '<!--': '-->', '<![CDATA[': ']]>', '<?': '?>' }

function malformed(problem: { msg: string; line: number; col?: number }, text: string, url: string): Error {
  const { msg, line, col } = problem
  const where = `line ${line}${col === undefined ? '' : `, column ${col}`}`
  if (endsEarly(msg, text)) {
    return new BodyTruncatedError(
      url,
      `its XML ends in the middle (${msg.replace(/\.$/, '')}, ${where}): ${excerptOf(text, Math.max(0, text.length - 60))}`,
    )
  }
  return unreadable(url, `${msg.replace(/\.$/, '')}, ${where}`, text)
}

/** Tags that are open at the end, or a tag or comment that is cut. */
function endsEarly(message: string, text: string): boolean {
  if (message.startsWith('Extra text')) return false
  if (/^Unclosed tag|Start tag expected/.test(message)) return true
  const last = text.trimEnd()
  return !last.endsWith('>') || last.lastIndexOf('<') > last.lastIndexOf('>')
}

function unreadable(url: string, problem: string, text: string, options?: ErrorOptions): BodyUnreadableError {
  const excerpt = excerptOf(text)
  return new BodyUnreadableError(
    url,
    `answered invalid XML: ${problem}. It begins with ${excerpt}`,
    excerpt,
    options,
  )
}
