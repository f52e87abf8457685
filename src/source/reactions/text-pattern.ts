/** How a text is matched; gives what it found: the first group, else all of the match. */
export type TextPattern = (text: string) => string | undefined

/** A text, which is to be equal, or a regular expression between slashes. `undefined` where that is none. */
export function parsePattern(text: string): TextPattern | undefined {
  const expression = /^\/(.+)\/([a-z]*)$/s.exec(text)
  if (expression === null) return (value) => (value === text ? value : undefined)
  const [, source = '', flags = ''] = expression
  if (!/^[imsu]*$/.test(flags)) return undefined
  let compiled: RegExp
  try {
    compiled = new RegExp(source, flags)
  } catch {
    return undefined
  }
  return (value) => {
    const match = compiled.exec(value)
    return match === null ? undefined : (match[1] ?? match[0])
  }
}
