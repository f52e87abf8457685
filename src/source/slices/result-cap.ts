// Lists that end at so many results although there are more: search at 1,000 or 10,000.
import { SluiceError } from '../../errors.ts'
import { compilePath } from '../../pagination/path.ts'
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

/** How many results a page says that its list has; 0 where it says nothing of them. */
export function resultCount(total: string | undefined): (body: Value | undefined) => number {
  if (total === undefined) return () => 0
  const read = compilePath(total)
  return (body) => {
    const value = read(body)
    const count = typeof value === 'object' ? Number.NaN : Number(value)
    return Number.isFinite(count) ? count : 0
  }
}
