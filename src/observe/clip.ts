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

/** The first items of a list, and how many there are beyond. */
export function clipList(items: readonly string[], shown: number): string {
  // One more takes no more room than to say that there is one more.
  if (items.length <= shown + 1) return items.join(', ')
  return `${items.slice(0, shown).join(', ')} and ${items.length - shown} more`
}
