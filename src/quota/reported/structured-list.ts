// A list of items with parameters, as Structured Fields write it (RFC 9651 §3.1), with what the earlier drafts of the RateLimit fields
// wrote beside it: an item may be a number (`50;w=1`), and a member may stand without an item (`limit=50`), as in a dictionary.

export interface ListMember {
  /** A string, a token or a number; `undefined` for a member such as `limit=50`, which is a parameter then. */
  readonly item: string | undefined
  readonly params: Readonly<Record<string, string>>
}

const whitespace = /[ \t]*/y
const itemPattern = /"((?:[^"\\]|\\["\\])*)"|(-?\d+(?:\.\d+)?)(?![\w*.])|([A-Za-z*][\w:/!#$%&'*+.^`|~-]*)/y
const keyPattern = /[a-z*][a-z0-9_.*-]*/y
const valuePattern =
  /"((?:[^"\\]|\\["\\])*)"|(-?\d+(?:\.\d+)?)(?![\w*.])|(:[A-Za-z0-9+/=]*:)|(\?[01])|([A-Za-z*][\w:/!#$%&'*+.^`|~-]*)/y

/** `undefined` where the field is malformed: it is to be ignored as a whole then (RFC 9651 §4.2). */
export function parseStructuredList(text: string): readonly ListMember[] | undefined {
  const members: ListMember[] = []
  let at = 0
  const skip = () => {
    whitespace.lastIndex = at
    at += whitespace.exec(text)![0].length
  }
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) return undefined
    at += match[0].length
    const quoted = match[0].startsWith('"')
    return quoted ? match[1]!.replaceAll(/\\(["\\])/g, '$1') : match[0]
  }
  skip()
  while (at < text.length) {
    const params: Record<string, string> = Object.create(null)
    const begin = at
    let item = take(itemPattern)
    if (item === undefined) return undefined
    if (text[at] === '=' && text[begin] !== '"') {
      at++
      const value = take(valuePattern)
      if (value === undefined) return undefined
      params[item] = value
      item = undefined
    }
    for (skip(); text[at] === ';'; skip()) {
      at++
      skip()
      const key = take(keyPattern)
      if (key === undefined) return undefined
      if (text[at] === '=') {
        at++
        const value = take(valuePattern)
        if (value === undefined) return undefined
        params[key] = value
      } else params[key] = '?1'
    }
    members.push({ item, params })
    if (at === text.length) return members
    if (text[at] !== ',') return undefined
    at++
    skip()
    if (at === text.length) return undefined
  }
  return members
}
