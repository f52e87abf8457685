import { pausedIn } from '../../engine/plan.ts'
import { selectStreams } from '../../engine/run.ts'
import { ofSlices } from '../../engine/starting-point.ts'
import { formatTable } from '../../observe/table.ts'
import type { Checkpoint } from '../../ports/destination.ts'
import { exitCodes } from '../exit-code.ts'
import { shortJson, shortPosition } from '../format-progress.ts'
import { openPipeline } from '../open-pipeline.ts'

/** Of a stream that is cut into many slices, the newest tell where it stands. */
const shownSlices = 8

/** `sluice state`: every checkpoint of the pipeline, as it stands in the destination. */
export async function stateCommand(
  file: string | undefined,
  options: { readonly json?: boolean },
): Promise<number> {
  await using assembled = await openPipeline(file, { needs: 'nothing' })
  await using session = await assembled.parts.destination.open(assembled.pipeline.name, { readOnly: true })
  const checkpoints = ofSlices(await session.readCheckpoints())
  const paused = pausedIn((await session.lastRun?.())?.report ?? null)
  const withPause = (checkpoint: Checkpoint) => ({
    ...checkpoint,
    pausedUntil: paused.get(checkpoint.stream) ?? null,
  })
  const pauses = Array.from(
    paused,
    ([stream, until]) => `${stream} is paused until ${until}, for want of quota`,
  )
  process.stdout.write(
    `${options.json ? JSON.stringify(checkpoints.map(withPause), null, 2) : [formatCheckpoints(checkpoints), ...pauses].join('\n')}\n`,
  )
  return exitCodes.done
}

/** `sluice state reset STREAM`: the next run reads the stream from its beginning; its rows stay. */
export async function resetCommand(name: string, file: string | undefined): Promise<number> {
  await using assembled = await openPipeline(file, { needs: 'nothing' })
  const streams = selectStreams(assembled.parts, [name])
  await using session = await assembled.parts.destination.open(assembled.pipeline.name)
  for (const stream of streams) {
    const count = await session.resetStream(stream.name, stream.table, stream)
    process.stdout.write(
      `${stream.name}: ${count === 0 ? 'there is no checkpoint' : 'its checkpoints are forgotten'}; the next run reads it from its beginning\n`,
    )
  }
  return exitCodes.done
}

function formatCheckpoints(checkpoints: readonly Checkpoint[]): string {
  if (checkpoints.length === 0) return 'no checkpoints yet: nothing has been loaded'
  const streams = [...new Set(checkpoints.map(({ stream }) => stream))]
  const rows = streams.flatMap((stream) => {
    const own = checkpoints.filter((checkpoint) => checkpoint.stream === stream)
    const hidden = Math.max(0, own.length - shownSlices)
    const more = [stream, `… ${hidden} earlier`, '', '--json shows all', '', '']
    return [...(hidden > 0 ? [more] : []), ...own.slice(hidden).map(cells)]
  })
  return formatTable(
    [
      { title: 'stream', align: 'left' },
      { title: 'slice', align: 'left' },
      { title: 'loaded up to', align: 'left' },
      { title: 'position', align: 'left' },
      { title: 'commits', align: 'left' },
      { title: 'last commit', align: 'left' },
    ],
    rows,
  ).join('\n')
}

function cells(checkpoint: Checkpoint): string[] {
  const { position, highWater } = checkpoint
  return [
    checkpoint.stream,
    checkpoint.slice,
    highWater === null ? '–' : shortJson(highWater),
    position === null ? 'read to its end' : `goes on at ${shortPosition(position)}`,
    `${checkpoint.version}${checkpoint.staged ? ' (replacement not published yet)' : ''}`,
    new Date(checkpoint.updatedAt).toISOString(),
  ]
}
