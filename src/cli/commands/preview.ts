import { assemblePipeline } from '../../config/assemble.ts'
import { previewStream } from '../../engine/preview.ts'
import { selectStreams } from '../../engine/run.ts'
import { ConfigError } from '../../errors.ts'
import { encodeJson } from '../../records/encode-json.ts'
import { exitCodes } from '../exit-code.ts'
import { interruption } from '../interruption.ts'
import { loadNamedOrDefault } from '../pipeline-file.ts'
import { paletteFor } from '../terminal.ts'

/** `sluice preview STREAM`: the first request and some records, one JSON object a line. Loads nothing. */
export async function previewCommand(
  name: string,
  file: string | undefined,
  options: { readonly limit: number },
): Promise<number> {
  const { pipeline, directory } = await loadNamedOrDefault(file)
  const interrupted = interruption()
  await using assembled = await assemblePipeline(pipeline, {
    directory,
    lookup: (variable) => process.env[variable],
  })
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
  process.stderr.write(`${palette.faint(`${preview.request.method} ${preview.request.url}`)}\n`)
  for (const record of preview.records) process.stdout.write(`${encodeJson(record)}\n`)
  if (preview.records.length === 0) process.stderr.write('no records\n')
  return exitCodes.done
}
