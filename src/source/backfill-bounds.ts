import { ConfigError } from '../errors.ts'
import type { ReadScope } from '../ports/source.ts'
import { compareInstants, type Instant, toInstant } from './incremental/time-format.ts'
import type { Bounds } from './progression.ts'

/** @throws ConfigError where a bound is no time, or the part that they bound is empty */
export function boundsOfScope(stream: string, scope: ReadScope): Bounds {
  const since = boundOf(stream, '--since', scope.since)
  const until = boundOf(stream, '--until', scope.until)
  if (since !== undefined && until !== undefined && compareInstants(since, until) >= 0) {
    throw new ConfigError(
      stream,
      `there is nothing from ${since} (--since) to ${until} (--until): the first is not before the second`,
    )
  }
  return { ...(since !== undefined && { since }), ...(until !== undefined && { until }) }
}

function boundOf(stream: string, flag: string, text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined
  const instant = toInstant(text)
  if (instant !== undefined && !/^-?\d+(\.\d+)?$/.test(text)) return instant
  throw new ConfigError(
    stream,
    `${flag} ${JSON.stringify(text)} is no time: write an ISO date or time, as in "2024-01-31" or "2024-01-31T09:30:00Z"`,
  )
}
