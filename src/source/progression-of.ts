import type { Paginator } from '../pagination/paginator.ts'
import type { Clock } from '../ports/runtime.ts'
import { idIncremental } from './incremental/id-incremental.ts'
import { positionIncremental } from './incremental/position-incremental.ts'
import { timeIncremental } from './incremental/time-incremental.ts'
import type { Progression } from './progression.ts'
import type { StreamSettings } from './rest-options.ts'
import { timeSlices } from './slices/time-slices.ts'
import { wholeList } from './whole.ts'

/** How far a slice of the stream has been read, and what it goes on from. `placeholders`: those of the stream's request. */
export function progressionOf(
  stream: string,
  settings: StreamSettings,
  paginator: Paginator,
  clock: Clock,
  placeholders: ReadonlySet<string>,
  /** Told of what may not be meant. Default: nobody is. */
  warn?: (message: string) => void,
): Progression {
  const { incremental, slices } = settings
  const windows = slices?.at(-1)
  if (windows?.by === 'time') return timeSlices(stream, windows, clock, warn)
  switch (incremental?.by) {
    case undefined:
      return wholeList(stream)
    case 'time':
      return timeIncremental(stream, incremental, clock, placeholders)
    case 'id':
      return idIncremental(stream, incremental, placeholders)
    case 'position':
      return positionIncremental(stream, incremental, paginator, clock)
  }
}

/**
 * Without what leaves records out: a parent that has not changed has children that have. A position is kept, since an API that gives
 * changes from a position on has no other list.
 */
export function withoutMark({ incremental, ...settings }: StreamSettings): StreamSettings {
  return incremental?.by === 'position' ? { ...settings, incremental } : settings
}
