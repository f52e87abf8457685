import { ConfigError } from '../errors.ts'
import type { ReadScope, Stream } from '../ports/source.ts'
import { startingPoint } from './starting-point.ts'

/**
 * Refuses a backfill before anything is asked, where a selected stream can't be read in part or would be doubled by it.
 * @throws ConfigError that says of each such stream why, and which others could be chosen
 */
export async function refuseImpossibleBackfill(streams: readonly Stream[], scope: ReadScope): Promise<void> {
  if (scope.since === undefined && scope.until === undefined) return
  const refusals: ConfigError[] = []
  const able: string[] = []
  for (const stream of streams) {
    try {
      startingPoint(stream, [], { scope, fullRefresh: false })
      // What can't be asked for is refused with the first slice, or before it.
      const slices = stream.slices(new Map(), scope)
      // Slices that the API would have to be asked for are not looked at.
      if (stream.slicing === undefined) for await (const _ of slices) break
      able.push(stream.name)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      refusals.push(error)
    }
  }
  const [first, ...others] = refusals
  if (first === undefined) return
  const also = others.map(({ message }) => `\n  also ${message}`).join('')
  const choice = able.length === 0 ? '' : `\nThe others can be: --only ${able.join(',')}`
  throw new ConfigError('', `${first.message}${also}${choice}`, { cause: first })
}
