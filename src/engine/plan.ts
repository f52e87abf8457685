import { ConfigError } from '../errors.ts'
import type { Destination } from '../ports/destination.ts'
import type { Progress, ReadScope, RequestPreview } from '../ports/source.ts'
import { type PipelineParts, selectStreams } from './run.ts'
import { type StartingPoint, startingPoint } from './starting-point.ts'

export interface PlannedSlice {
  readonly key: string
  readonly progress: Progress | null
  readonly request: RequestPreview
}

export interface PlannedStream {
  readonly stream: string
  readonly table: string
  readonly write: string
  /** Where reading starts: at the beginning, from a checkpoint, or inside a replacement that an earlier run began. */
  readonly from: 'start' | 'checkpoint' | 'interrupted replacement'
  /** The first slices; `moreSlices` counts the others. */
  readonly slices: readonly PlannedSlice[]
  readonly moreSlices: number
  /** Why a run can't read this stream as it was asked to: a backfill that its API has no filter for. */
  readonly refused: string | null
}

const shownSlices = 3

/** What a run would read, from which position, with which requests. Asks the destination, never the API. */
export async function planPipeline(
  parts: PipelineParts,
  options: {
    readonly only?: readonly string[]
    readonly scope?: ReadScope
    readonly fullRefresh?: boolean
  } = {},
): Promise<readonly PlannedStream[]> {
  const streams = selectStreams(parts, options.only)
  const checkpoints = await readAllCheckpoints(parts.destination, parts.name)
  const planned: PlannedStream[] = []
  for (const stream of streams) {
    const own = checkpoints.filter((checkpoint) => checkpoint.stream === stream.name)
    const start = startingPoint(stream, own, {
      scope: options.scope ?? {},
      fullRefresh: options.fullRefresh ?? false,
    })
    const slices: PlannedSlice[] = []
    let count = 0
    let refused: string | null = null
    try {
      for await (const slice of stream.slices(start.committed, options.scope ?? {})) {
        // In a replacement that goes on, a slice that was read to its end is in the new table already.
        if (start.replacement === 'continued' && slice.progress?.position === null) continue
        if (count++ < shownSlices)
          slices.push({ key: slice.key, progress: slice.progress, request: stream.preview(slice) })
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      refused = error.message
    }
    planned.push({
      stream: stream.name,
      table: stream.table,
      write:
        start.replacement === 'new' && stream.write !== 'replace'
          ? `${stream.write}, replaced anew`
          : stream.write,
      from: origin(start),
      slices,
      moreSlices: count - slices.length,
      refused,
    })
  }
  return planned
}

function origin(start: StartingPoint): PlannedStream['from'] {
  if (start.replacement === 'continued') return 'interrupted replacement'
  return start.committed.size > 0 ? 'checkpoint' : 'start'
}

async function readAllCheckpoints(destination: Destination, pipeline: string) {
  await using session = await destination.open(pipeline, { readOnly: true })
  return await session.readCheckpoints()
}
