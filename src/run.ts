// From a pipeline to a report: what `sluice run` calls, and what a program that embeds Sluice calls.
import { type AssembleOptions, assemblePipeline } from './config/assemble.ts'
import type { Pipeline } from './config/pipeline.ts'
import { requireSecrets } from './config/secrets.ts'
import { withSources } from './config/select-sources.ts'
import { systemLookup } from './config/system-lookup.ts'
import { refuseImpossibleBackfill } from './engine/backfill.ts'
import { closeAfter } from './engine/closing.ts'
import { runPipeline, runProblem, selectStreams } from './engine/run.ts'
import { ReportBuilder, type RunReport } from './observe/report.ts'
import type { EventSink } from './ports/events.ts'
import type { Runtime } from './ports/runtime.ts'
import type { ReadScope } from './ports/source.ts'

export interface RunPipelineOptions extends AssembleOptions, ReadScope {
  /** Streams (`desk.tickets`) or whole sources (`desk`). Default: all. */
  readonly only?: readonly string[]
  /** Reads everything anew and swaps the new tables in at the end. Default false. */
  readonly fullRefresh?: boolean
  /** Aborted: what was read completely is committed, and the run ends as `interrupted`. */
  readonly signal?: AbortSignal
  /** Sums the events up; give your own to look at the figures while the run goes on. */
  readonly report?: ReportBuilder
}

/**
 * Runs a pipeline once. A stream that fails does not stop the others and does not reject: it stands in the report. So does what went
 * wrong at the run's end: a report that could not be stored makes the run failed.
 * @throws ConfigError, SecretMissingError where the pipeline can't be run as it is written, or a stream can't be read in part
 * @throws DestinationBusyError, DestinationError where the destination can't be opened
 */
export async function run(pipeline: Pipeline, options: RunPipelineOptions = {}): Promise<RunReport> {
  const report = options.report ?? new ReportBuilder()
  const onEvent: EventSink = (event) => {
    report.add(event)
    options.onEvent?.(event)
  }
  const selected = withSources(pipeline, options.only)
  const { sources, destination } = selected
  requireSecrets(
    { sources, ...(options.destination === undefined && { destination }) },
    options.lookup ?? systemLookup,
  )
  const scope = {
    ...(options.since !== undefined && { since: options.since }),
    ...(options.until !== undefined && { until: options.until }),
  }
  const assembled = await assemblePipeline(selected, { ...options, onEvent })
  const { parts, runtime } = assembled
  await closeAfter(
    assembled,
    async () => {
      await refuseImpossibleBackfill(selectStreams(parts, options.only), scope)
      return runPipeline(parts, {
        runId: newRunId(runtime),
        clock: runtime.clock,
        onEvent,
        signal: options.signal ?? new AbortController().signal,
        scope,
        fullRefresh: options.fullRefresh ?? false,
        ...(options.only !== undefined && { only: options.only }),
        report: () => report.build(),
      })
    },
    (error) => onEvent(runProblem('not-closed', error, runtime.clock)),
  )
  return report.build()
}

/** As in `20260131T090000123Z-4f1c09be77a2`: in the order of the runs, and as unique as 48 random bits are within one millisecond. */
function newRunId({ clock, random }: Runtime): string {
  const time = new Date(clock.now()).toISOString().replace(/[-:.]/g, '')
  const chance = Math.floor(random() * 2 ** 48).toString(16)
  return `${time}-${chance.padStart(12, '0')}`
}
