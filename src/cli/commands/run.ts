import { systemClock } from '../../http/system-runtime.ts'
import { ReportBuilder } from '../../observe/report.ts'
import { formatSummary } from '../../observe/summary.ts'
import { run } from '../../run.ts'
import { exitCodes } from '../exit-code.ts'
import { interruption } from '../interruption.ts'
import { loadNamedOrDefault } from '../pipeline-file.ts'
import { runView } from '../run-view.ts'
import { paletteFor } from '../terminal.ts'

export interface RunCommandOptions {
  readonly only?: readonly string[]
  readonly since?: string
  readonly until?: string
  readonly fullRefresh?: boolean
  readonly json?: boolean
  readonly patience?: string
}

/** How wide the summary is where there is no terminal, in characters: logs and mails cut or wrap what is wider. */
const pipedWidth = 100

/** `sluice run`: progress on stderr; the summary, or with --json the report, on stdout. */
export async function runCommand(file: string | undefined, options: RunCommandOptions): Promise<number> {
  const { pipeline, directory } = await loadNamedOrDefault(file)
  const report = new ReportBuilder()
  const view = runView(report, systemClock, process.stderr)
  const interrupted = interruption(view.stopping)
  try {
    const { json, ...selection } = options
    const result = await run(pipeline, {
      ...selection,
      directory,
      lookup: (variable) => process.env[variable],
      signal: interrupted.signal,
      report,
      onEvent: view.onEvent,
    })
    view.close()
    const text = json
      ? JSON.stringify(result, null, 2)
      : formatSummary(result, paletteFor(process.stdout), process.stdout.columns ?? pipedWidth).join('\n')
    process.stdout.write(`${text}\n`)
    return exitCodes[result.outcome]
  } finally {
    view.close()
    interrupted.dispose()
  }
}
