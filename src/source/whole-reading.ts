import type { Progress, Stream } from '../ports/source.ts'
import type { StreamSettings } from './rest-options.ts'
import { Pass } from './slices/pass.ts'
import { hasWindows } from './slices/slices-rules.ts'

/** Whether each run reads the stream, or each of its partitions, from the beginning to the end. */
export function isReadWhole({
  incremental,
  slices,
}: Pick<StreamSettings, 'incremental' | 'slices'>): boolean {
  return incremental === undefined && !hasWindows(slices)
}

/** Of a stream that is read whole, what a run goes on from: one that was cut short, in a list or between two partitions. */
export function wholeReading(settings: StreamSettings): Pick<Stream, 'isUnderWay'> {
  return isReadWhole(settings) ? { isUnderWay } : {}
}

function isUnderWay(committed: ReadonlyMap<string, Progress>): boolean {
  const pass = new Pass(committed)
  for (const progress of committed.values())
    if (progress.position !== null || pass.isDone(progress)) return true
  return false
}
