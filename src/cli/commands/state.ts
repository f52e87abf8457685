import { assemblePipeline } from '../../config/assemble.ts'
import { selectStreams } from '../../engine/run.ts'
import { formatTable } from '../../observe/table.ts'
import type { Checkpoint } from '../../ports/destination.ts'
import { exitCodes } from '../exit-code.ts'
import { loadNamedOrDefault } from '../pipeline-file.ts'

/** `sluice state`: every checkpoint of the pipeline, as it stands in the destination. */
export async function stateCommand(
  file: string | undefined,
  options: { readonly json?: boolean },
): Promise<number> {
  const { pipeline, directory } = await loadNamedOrDefault(file)
  await using assembled = await assemblePipeline(pipeline, {
    directory,
    lookup: (variable) => process.env[variable],
  })
  await using session = await assembled.parts.destination.open(pipeline.name, { readOnly: true })
  const checkpoints = await session.readCheckpoints()
  process.stdout.write(
    `${options.json ? JSON.stringify(checkpoints, null, 2) : formatCheckpoints(checkpoints)}\n`,
  )
  return exitCodes.done
}

/** `sluice state reset STREAM`: the next run reads the stream from its beginning; its rows stay. */
export async function resetCommand(name: string, file: string | undefined): Promise<number> {
  const { pipeline, directory } = await loadNamedOrDefault(file)
  await using assembled = await assemblePipeline(pipeline, {
    directory,
    lookup: (variable) => process.env[variable],
  })
  const streams = selectStreams(assembled.parts, [name])
  await using session = await assembled.parts.destination.open(pipeline.name)
  for (const stream of streams) {
    const count = await session.resetStream(stream.name, stream.table)
    process.stdout.write(
      `${stream.name}: ${count} ${count === 1 ? 'checkpoint' : 'checkpoints'} forgotten; the next run reads it from its beginning\n`,
    )
  }
  return exitCodes.done
}

function formatCheckpoints(checkpoints: readonly Checkpoint[]): string {
  if (checkpoints.length === 0) return 'no checkpoints yet: nothing has been loaded'
  const rows = checkpoints.map((checkpoint) => [
    checkpoint.stream,
    checkpoint.slice,
    checkpoint.highWater === null ? '–' : text(checkpoint.highWater),
    checkpoint.position === null ? 'read to its end' : `in the middle: ${text(checkpoint.position)}`,
    `${checkpoint.version}${checkpoint.staged ? ' (replacement not published yet)' : ''}`,
    new Date(checkpoint.updatedAt).toISOString(),
  ])
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

function text(value: unknown): string {
  const json = typeof value === 'string' ? value : JSON.stringify(value)
  return json.length > 60 ? `${json.slice(0, 57)}...` : json
}
