import { selectStreams } from '../../engine/run.ts'
import { ConfigError } from '../../errors.ts'
import { formatCounted } from '../../observe/format.ts'
import { type VerifyReport, verifyStream } from '../../verify/verify-stream.ts'
import { exitCodes } from '../exit-code.ts'
import { formatVerifyReport } from '../format-verify-report.ts'
import { interruption } from '../interruption.ts'
import { openPipeline } from '../open-pipeline.ts'

/** `sluice verify STREAM`: reads a stream anew and tells how its table differs from it. Changes nothing; exit code 1 where it differs. */
export async function verifyCommand(
  name: string,
  file: string | undefined,
  options: { readonly json?: boolean },
): Promise<number> {
  await using assembled = await openPipeline(file, { only: [name], needs: 'secrets' })
  const streams = selectStreams(assembled.parts, [name])
  if (streams.length !== 1) {
    throw new ConfigError(
      '',
      `${name} is a source of ${streams.length} streams; name one: ${streams.map((stream) => stream.name).join(', ')}`,
    )
  }
  const { destination } = assembled.parts
  await using session = await destination.open(assembled.pipeline.name, { readOnly: true })
  const interrupted = interruption()
  const report = await verifyStream(streams[0]!, destination, session, {
    signal: interrupted.signal,
    onRecords: (records) => {
      if (process.stderr.isTTY) process.stderr.write(`\rread ${formatCounted(records, 'record')}`)
    },
  })
  interrupted.dispose()
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : formatVerifyReport(report)}\n`)
  return isSame(report) ? exitCodes.done : exitCodes.failed
}

function isSame({ missing, extra, different, doubled }: VerifyReport): boolean {
  return [missing, extra, different, doubled].every(({ rows }) => rows === 0)
}
