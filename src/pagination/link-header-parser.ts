// The Link header (RFC 8288, appendix B): `<url>; rel="next"; title="a, b", <url2>; rel=last`.
// It is parsed, not split: URLs and quoted values hold commas and semicolons. Like the RFC's algorithm it takes what it can
// from a malformed field and leaves the rest.

/** One link of a Link header. */
export interface Link {
  /** As it was sent: it may be relative. */
  readonly target: string
  /** Lower-case relation types: `rel="Prev next"` has two. */
  readonly rels: readonly string[]
  /** The other parameters by lower-case name; of several of one name the first counts. */
  readonly params: Readonly<Record<string, string>>
}

const blanks = /[ \t]*/y
const separators = /[ \t,]*/y
const name = /[^ \t=;,"<>]+/y
const token = /[^;,]*/y

/** Parses a header that came on one or several lines. */
export function parseLinkHeader(field: string | readonly string[] | undefined): Link[] {
  if (field === undefined) return []
  return (typeof field === 'string' ? [field] : field).flatMap(parseLine)
}

function parseLine(text: string): Link[] {
  const links: Link[] = []
  let at = skip(separators, text, 0)
  while (text[at] === '<') {
    const close = text.indexOf('>', at)
    if (close < 0) return links
    const target = text.slice(at + 1, close).trim()
    const params: Record<string, string> = Object.create(null)
    at = parseParams(text, close + 1, params)
    const { rel = '', ...others } = params
    links.push({ target, rels: rel.toLowerCase().split(/\s+/).filter(Boolean), params: others })
    at = skip(separators, text, at)
  }
  return links
}

/** Reads `; name=value` until something else comes; returns where that is. */
function parseParams(text: string, start: number, params: Record<string, string>): number {
  let at = skip(blanks, text, start)
  while (text[at] === ';') {
    at = skip(blanks, text, at + 1)
    const key = text.slice(at, skip(name, text, at)).toLowerCase()
    at = skip(blanks, text, at + key.length)
    let value = ''
    if (text[at] === '=') {
      at = skip(blanks, text, at + 1)
      if (text[at] === '"') {
        ;({ value, at } = parseQuoted(text, at + 1))
      } else {
        const end = skip(token, text, at)
        value = text.slice(at, end).trimEnd()
        at = end
      }
    }
    if (key !== '' && !(key in params)) params[key] = value
    at = skip(blanks, text, at)
  }
  return at
}

/** Reads a quoted string from after its opening quote; without a closing one it ends with the line. */
function parseQuoted(text: string, start: number): { value: string; at: number } {
  let value = ''
  for (let at = start; at < text.length; at++) {
    if (text[at] === '"') return { value, at: at + 1 }
    if (text[at] === '\\' && at + 1 < text.length) at++
    value += text[at]
  }
  return { value, at: text.length }
}

/** Where a run of `pattern` that begins at `at` ends; `at` where there is none. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}
