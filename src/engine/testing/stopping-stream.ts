import type { Stream } from '../../ports/source.ts'
import { type ListStreamOptions, listStream, records } from './list-stream.ts'

/** A stream whose slices are left before their end, after what they hold. */
export function stoppingStream(options: ListStreamOptions, stops: (slice: string) => boolean): Stream {
  const stream = listStream(options)
  return {
    ...stream,
    async read(slice, reading) {
      if (!stops(slice.key)) return stream.read(slice, reading)
      await reading.emit({
        records: records(1, 2),
        bytes: 10,
        progress: { position: 1, highWater: null },
      })
      reading.onStop?.('the API said 451')
    },
  }
}
