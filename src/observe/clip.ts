/** The text in at most `width` characters: cut at its end, where an ellipsis says so. */
export function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}

/** The text in at most `width` characters: cut in its middle, since both ends of a name tell it from others. */
export function clipMiddle(text: string, width: number): string {
  if (text.length <= width) return text
  const kept = Math.max(0, width - 1)
  const head = Math.ceil(kept / 2)
  return `${text.slice(0, head)}…${text.slice(text.length - (kept - head))}`
}

/** Fewest characters that a name is cut to. */
const shortestName = 8
/** The share of a line's width that names may take before they are cut. */
const nameShare = 0.3

/** How wide the names of streams are shown, within lines of `width` characters: alike in the progress and in the summary. */
export function nameWidth(names: readonly string[], width: number): number {
  const longest = Math.max(0, ...names.map((name) => name.length))
  return Math.min(longest, Math.max(shortestName, Math.floor(width * nameShare)))
}

/** What is said of a stream, without the stream's name before it: for places that name it already. */
export function withoutName(stream: string, text: string): string {
  return text.startsWith(`${stream}: `) ? text.slice(stream.length + 2) : text
}

/** The first items of a list, and how many there are beyond. */
export function clipList(items: readonly string[], shown: number): string {
  // One more takes no more room than to say that there is one more.
  if (items.length <= shown + 1) return items.join(', ')
  return `${items.slice(0, shown).join(', ')} and ${items.length - shown} more`
}
