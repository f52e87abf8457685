import { matcher } from './regular-expression.ts'

/** How a text is matched; gives what it found: the first group, else all of the match. */
export type TextPattern = (text: string) => string | undefined

/** Of a longer text its beginning is looked at, in characters. */
export const mostText = 16_384

/**
 * A text, which is to be equal, or a regular expression between slashes, matched in linear time.
 * @throws PatternError where that is none
 */
export function parsePattern(text: string): TextPattern {
  const expression = /^\/(.+)\/([a-z]*)$/s.exec(text)
  if (expression === null) return (value) => (value === text ? value : undefined)
  const [, source = '', flags = ''] = expression
  const match = matcher(source, flags)
  return (value) => {
    const found = match(value.length > mostText ? value.slice(0, mostText) : value)
    return found === undefined ? undefined : (found.group ?? found.all)
  }
}
