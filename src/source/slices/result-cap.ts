// Lists that end at so many results although there are more: search at 1,000 or 10,000.
import { SluiceError } from '../../errors.ts'
import { compilePath } from '../../pagination/path.ts'
import { excerpt, scalarText } from '../../pagination/response-value.ts'
import type { Value } from '../../ports/json.ts'
import type { Instant } from '../incremental/time-format.ts'

/** R5: a window that can't be made shorter still has as many results as the API gives at most. */
export class ResultCapError extends SluiceError {
  readonly code = 'PAGINATION_STUCK'
  readonly recovery = 'stop-stream'
  readonly stream: string
  constructor(stream: string, cap: number, since: Instant, until: Instant) {
    super(
      `${stream}: from ${since} to ${until} there are ${cap} results or more, at which the API stops, and the formats of \`slices.from\` and \`slices.to\` can say no shorter time; reading on would skip records. Use a finer \`format\`, or cut the stream by something else first, as in \`slices: [{ by: list, … }, { by: time, … }]\``,
    )
    this.stream = stream
  }
}

/**
 * How many results a page says that its list has; 0 where it says nothing of them. `seen`: the records that were read of the list, this
 * page's included. A place that holds no count of them all is told once: windows are then cut by the records that come, which an API
 * that stops before its cap never gives enough of.
 */
export function resultCount(
  total: string | undefined,
  warn: (message: string) => void = () => {},
): (body: Value | undefined, seen: number) => number {
  if (total === undefined) return () => 0
  const read = compilePath(total)
  let told = false
  const tell = (problem: string) => {
    if (told) return
    told = true
    warn(
      `\`slices.total: ${total}\` ${problem}: windows are cut by the records that come alone. Name the place of the number of all results, or leave \`total\` out`,
    )
  }
  return (body, seen) => {
    const value = read(body)
    const text = scalarText(value)
    if (text === undefined || !/^\s*\d+\s*$/.test(text)) {
      // An empty list may leave it out.
      if (seen === 0) return 0
      tell(
        value === undefined || value === null
          ? 'leads to nothing'
          : `holds ${excerpt(value)}, which is no count`,
      )
      return 0
    }
    const count = Number(text)
    if (count < seen) tell(`holds ${count}, and ${seen} records were read`)
    return count
  }
}
