import { systemLookup } from '../../config/system-lookup.ts'
import { type PlannedSlice, type PlannedStream, planPipeline } from '../../engine/plan.ts'
import { withoutName } from '../../observe/clip.ts'
import { formatCount } from '../../observe/format.ts'
import { exitCodes } from '../exit-code.ts'
import { shortJson, shortPosition } from '../format-progress.ts'
import { openPipeline } from '../open-pipeline.ts'
import { formatPlanTime, planTimes } from '../plan-time.ts'
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
  const { since, until, only, fullRefresh } = options
  await using assembled = await openPipeline(file, { only, needs: 'addresses' })
  const planned = await planPipeline(assembled.parts, {
    scope: { ...(since !== undefined && { since }), ...(until !== undefined && { until }) },
    ...(only !== undefined && { only }),
    ...(fullRefresh !== undefined && { fullRefresh }),
  })
  const times = await planTimes(assembled.pipeline, planned, systemLookup, assembled.quotaMemory)
  const withTime = (stream: PlannedStream) => ({
    ...stream,
    /** Of all streams that share its quotas. */
    estimate: times.find(({ streams }) => streams.includes(stream.stream)) ?? null,
  })
  const text = options.json
    ? JSON.stringify(planned.map(withTime), null, 2)
    : [...planned.flatMap(formatStream), ...times.map(formatPlanTime)].join('\n')
  process.stdout.write(`${text}\n`)
  return planned.some(({ refused }) => refused !== null) ? exitCodes.config : exitCodes.done
}

function formatStream(planned: PlannedStream): string[] {
  const palette = paletteFor(process.stdout)
  const from = { start: 'its beginning', checkpoint: 'its checkpoint' } as Partial<Record<string, string>>
  const name = `${palette.strong(planned.stream)} → ${planned.table} (${planned.write})`
  if (planned.from === null) {
    const why = withoutName(planned.stream, planned.refused ?? '')
    return [name, `  ${palette.bad('refused:')} ${why}`, '']
  }
  const paused =
    planned.pausedUntil === null ? '' : palette.warn(`, paused until ${planned.pausedUntil} by the last run`)
  const again = planned.again === null ? [] : [`  ${palette.warn(planned.again)}`]
  const head = [`${name}, from ${from[planned.from] ?? `an ${planned.from}`}${paused}`, ...again]
  const { slices, moreSlices, slicing, lastRun } = planned
  if (slicing !== null) return [...head, `  ${slicing}`, '']
  if (slices.length === 0) return [...head, palette.faint('  nothing to read: every slice is loaded'), '']
  const more =
    moreSlices === 0
      ? []
      : [palette.faint(`  … and ${formatCount(moreSlices)} more ${moreSlices === 1 ? 'slice' : 'slices'}`)]
  const found = lastRun?.pagination ?? null
  const detected = found === null ? [] : [palette.faint(`  the last run found its pagination: ${found}`)]
  return [...head, ...slices.flatMap(formatSlice), ...more, ...detected, '']
}

/** The one slice of a stream that is not cut into several needs no name. */
function formatSlice({ key, progress, request }: PlannedSlice): string[] {
  const facts = [
    ...(key === 'all' ? [] : [`slice ${key}`]),
    ...(progress?.highWater == null ? [] : [`loaded up to ${shortJson(progress.highWater)}`]),
    ...(progress?.position == null ? [] : [`goes on at ${shortPosition(progress.position)}`]),
  ]
  const body = request.body === undefined ? [] : [`    ${request.body}`]
  const paging = request.paging === undefined ? [] : [`    ${request.paging}`]
  return [
    ...(facts.length === 0 ? [] : [`  ${facts.join(', ')}`]),
    `    ${request.method} ${request.url}`,
    ...body,
    ...paging,
  ]
}
