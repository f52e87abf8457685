const newline = 10
const carriageReturn = 13

/** UTF-8 text without its byte order mark and without its first `count` lines, which end in LF, CR LF or CR. */
export async function* withoutMarkAndLines(
  text: AsyncIterable<Uint8Array>,
  count: number,
): AsyncGenerator<Uint8Array> {
  let lines = count
  let first = true
  /** The line that was left out last ended in CR: an LF belongs to it. */
  let afterReturn = false
  for await (const chunk of text) {
    let at = 0
    // The first chunk holds the whole mark: a charset is told by three bytes.
    if (first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) at = 3
    first = false
    while (at < chunk.length && (lines > 0 || afterReturn)) {
      const byte = chunk[at]
      if (afterReturn) {
        afterReturn = false
        if (byte === newline) {
          at++
          continue
        }
        if (lines === 0) break
      }
      if (byte === newline || byte === carriageReturn) {
        lines--
        afterReturn = byte === carriageReturn
      }
      at++
    }
    if (at < chunk.length) yield at === 0 ? chunk : chunk.subarray(at)
  }
}
