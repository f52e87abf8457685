import { previewStream } from '../../engine/preview.ts'
import { selectStreams } from '../../engine/run.ts'
import { ConfigError } from '../../errors.ts'
import { encodeJson } from '../../records/encode-json.ts'
import { exitCodes } from '../exit-code.ts'
import { previewNote } from '../format-preview.ts'
import { formatRecord } from '../format-record.ts'
import { interruption } from '../interruption.ts'
import { openPipeline } from '../open-pipeline.ts'
import { paletteFor } from '../terminal.ts'

/**
 * `sluice preview STREAM`: the first request and some records: one JSON object a line, on a terminal one field a line. Loads
 * nothing.
 */
export async function previewCommand(
  name: string,
  file: string | undefined,
  options: { readonly limit: number },
): Promise<number> {
  await using assembled = await openPipeline(file, { only: [name], needs: 'secrets' })
  const interrupted = interruption()
  const streams = selectStreams(assembled.parts, [name])
  if (streams.length !== 1) {
    throw new ConfigError(
      '',
      `${name} is a source of ${streams.length} streams; name one: ${streams.map((stream) => stream.name).join(', ')}`,
    )
  }
  const preview = await previewStream(streams[0]!, options.limit, interrupted.signal)
  interrupted.dispose()
  const palette = paletteFor(process.stderr)
  const { request, records } = preview
  process.stderr.write(`${palette.faint(`${request.method} ${request.url}`)}\n`)
  if (request.body !== undefined) process.stderr.write(`${palette.faint(request.body)}\n`)
  if (request.paging !== undefined) process.stderr.write(`${palette.faint(request.paging)}\n`)
  const { isTTY, columns = 100 } = process.stdout
  for (const [index, record] of records.entries()) {
    const lines = isTTY
      ? ['', palette.strong(`record ${index + 1}`), ...formatRecord(record, columns)]
      : [encodeJson(record)]
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  process.stderr.write(previewNote(preview))
  return exitCodes.done
}
