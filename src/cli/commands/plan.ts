import { assemblePipeline } from '../../config/assemble.ts'
import { type PlannedSlice, type PlannedStream, planPipeline } from '../../engine/plan.ts'
import { formatCount } from '../../observe/format.ts'
import { exitCodes } from '../exit-code.ts'
import { loadNamedOrDefault } from '../pipeline-file.ts'
import { paletteFor } from '../terminal.ts'

export interface PlanCommandOptions {
  readonly only?: readonly string[]
  readonly since?: string
  readonly until?: string
  readonly fullRefresh?: boolean
  readonly json?: boolean
}

/** `sluice plan`: what a run would read, from which position, with which requests. Sends nothing to the API. */
export async function planCommand(file: string | undefined, options: PlanCommandOptions): Promise<number> {
  const { pipeline, directory } = await loadNamedOrDefault(file)
  await using assembled = await assemblePipeline(pipeline, {
    directory,
    lookup: (variable) => process.env[variable],
  })
  const { since, until, only, fullRefresh } = options
  const planned = await planPipeline(assembled.parts, {
    scope: { ...(since !== undefined && { since }), ...(until !== undefined && { until }) },
    ...(only !== undefined && { only }),
    ...(fullRefresh !== undefined && { fullRefresh }),
  })
  const text = options.json ? JSON.stringify(planned, null, 2) : planned.flatMap(formatStream).join('\n')
  process.stdout.write(`${text}\n`)
  return exitCodes.done
}

function formatStream(planned: PlannedStream): string[] {
  const palette = paletteFor(process.stdout)
  const head = `${palette.strong(planned.stream)} → ${planned.table} (${planned.write}), from ${planned.from}`
  const more =
    planned.moreSlices > 0 ? [palette.faint(`  … and ${formatCount(planned.moreSlices)} more slices`)] : []
  return [head, ...planned.slices.flatMap(formatSlice), ...more, '']
}

function formatSlice({ key, progress, request }: PlannedSlice): string[] {
  const mark = progress?.highWater == null ? '' : `, loaded up to ${JSON.stringify(progress.highWater)}`
  const position = progress?.position == null ? '' : `, goes on at ${JSON.stringify(progress.position)}`
  const body = request.body === undefined ? [] : [`    ${request.body}`]
  return [`  slice ${key}${mark}${position}`, `    ${request.method} ${request.url}`, ...body]
}
