// Plays a pipeline against a server of chance, and looks at all that comes of it.
import { isDeepStrictEqual } from 'node:util'
import { memoryTokenStore } from '../../src/auth/token-store.ts'
import { assemblePipeline } from '../../src/config/assemble.ts'
import { definePipeline, type Pipeline, type PipelineInput } from '../../src/config/pipeline.ts'
import { planPipeline } from '../../src/engine/plan.ts'
import { previewStream } from '../../src/engine/preview.ts'
import { isSluiceError } from '../../src/errors.ts'
import { logLine } from '../../src/observe/log-line.ts'
import type { RunReport } from '../../src/observe/report.ts'
import { formatSummary } from '../../src/observe/summary.ts'
import type { SluiceEvent } from '../../src/ports/events.ts'
import { run } from '../../src/run.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { type MemoryDestination, memoryDestination } from '../../src/testing/memory-destination.ts'
import type { Chance } from './chance.ts'
import { Finding, must, type Show } from './kind.ts'
import { errorText, leakIn, plainText, type SecretForms } from './leaks.ts'
import { type FuzzServer, fuzzServer } from './server.ts'
import type { DrawnPipeline } from './valid-pipeline.ts'

/** A run that has asked so often is stopped. */
const mostRequests = 1500
/** What is under way may end, and no more. */
const requestsAfterStop = 200

export interface PlayOptions {
  readonly chance: Chance
  readonly show: Show
  readonly secrets?: readonly SecretForms[]
  /** Plans and previews, too. */
  readonly looks?: boolean
}

/** Codes that no server may bring about. */
const impossible = new Set([
  'INTERNAL',
  'CHECKPOINT_CONFLICT',
  'DESTINATION_FAILED',
  'DESTINATION_BUSY',
  'STREAM_BUSY',
  'LOAD_REVERT',
  'DESTINATION_UNSUPPORTED',
  'TABLE_GONE',
])

export async function play(drawn: DrawnPipeline, options: PlayOptions): Promise<string> {
  const { chance, show, secrets = [] } = options
  show('pipeline', drawn)
  const pipeline = definePipeline(drawn as unknown as PipelineInput)
  const clock = fakeClock({ auto: true })
  const destination = memoryDestination()
  const server = fuzzServer({
    chance,
    clock,
    format: pipeline.sources['api']!.streams['items']!.format.type,
    secrets,
  })
  const leaks = leakWatch(secrets)
  const surroundings = {
    runtime: { transport: server.transport, clock, random: chance.random },
    lookup(variable: string) {
      const planted = secrets.find((secret) => secret.variable === variable)?.value
      return planted ?? (variable === 'BASE' ? 'https://api.test' : `value-of-${variable}`)
    },
    directory: '/nonexistent',
    tokenStore: memoryTokenStore(),
    destination,
    onEvent(event: SluiceEvent) {
      leaks.look(`event ${event.type}`, plainText(event))
      leaks.look(`log line of ${event.type}`, logLine(event) ?? '')
    },
  }
  const outcomes: string[] = []
  try {
    if (options.looks) await look(pipeline, surroundings, server, leaks, chance)
    for (let left = chance.oneOf([1, 1, 2]); left > 0; left--) {
      const outcome = await runOnce(pipeline, surroundings, server, leaks, chance, show)
      outcomes.push(outcome)
      checkState(pipeline, destination, leaks)
    }
  } finally {
    clock.stop()
    show('requests', server.requests.map(({ method, url }) => `${method} ${url}`).slice(-20))
  }
  return outcomes[0]!
}

type Surroundings = Parameters<typeof run>[1] & object

async function runOnce(
  pipeline: Pipeline,
  surroundings: Surroundings,
  server: FuzzServer,
  leaks: LeakWatch,
  chance: Chance,
  show: Show,
): Promise<string> {
  server.forget()
  const stop = new AbortController()
  const stopAt = server.requests.length + (chance.happens(0.1) ? chance.between(1, 10) : mostRequests)
  server.onRequest = (count) => {
    if (count === stopAt) stop.abort()
    if (count > stopAt + requestsAfterStop)
      throw new Finding(`it was stopped and asks on: ${count - stopAt} requests since`)
  }
  let report: RunReport
  try {
    report = await run(pipeline, { ...surroundings, signal: stop.signal, fullRefresh: chance.happens(0.1) })
  } catch (error) {
    checkError(error, leaks)
    return `refused ${(error as { code: string }).code}`
  }
  show('report', report)
  leaks.look('report', plainText(report))
  leaks.look('summary', formatSummary(report).join('\n'))
  must(
    ['done', 'failed', 'interrupted', 'paused'].includes(report.outcome),
    () => `the run's outcome is ${report.outcome}`,
  )
  for (const { error, stream } of report.streams) {
    if (error === null) continue
    must(error.message.trim() !== '', () => `${stream} failed without a message`)
    must(
      !impossible.has(error.code),
      () => `${stream} failed with ${error.code}: ${error.message.slice(0, 500)}`,
    )
  }
  if (stop.signal.aborted && server.requests.length >= mostRequests) {
    must(
      mayBeLong(pipeline),
      () => `it went on for ${server.requests.length} requests against a server that does not change`,
    )
    return 'long'
  }
  return report.streams.find(({ stream }) => stream === 'api.items')?.error?.code ?? report.outcome
}

/** Slices may be many, and so may looks at a job. */
function mayBeLong(pipeline: Pipeline): boolean {
  return Object.values(pipeline.sources['api']!.streams).some(
    ({ slices, job, incremental }) => slices !== undefined || job !== undefined || incremental?.by === 'time',
  )
}

function checkError(error: unknown, leaks: LeakWatch): void {
  if (error instanceof Finding) throw error
  must(
    isSluiceError(error),
    () => `it threw no error of its own: ${error instanceof Error ? error.stack : String(error)}`,
  )
  must(error.message.trim() !== '', () => `${error.code} without a message`)
  must(!impossible.has(error.code), () => `${error.code}: ${error.stack}`)
  leaks.look(`error ${error.code}`, errorText(error))
}

async function look(
  pipeline: Pipeline,
  surroundings: Surroundings,
  server: FuzzServer,
  leaks: LeakWatch,
  chance: Chance,
): Promise<void> {
  try {
    await using assembled = await assemblePipeline(pipeline, surroundings)
    leaks.look('plan', plainText(await planPipeline(assembled.parts)))
    const stop = new AbortController()
    const stopAt = server.requests.length + chance.oneOf([5, 100])
    server.onRequest = (count) => {
      if (count === stopAt) stop.abort()
    }
    const stream = assembled.parts.sources[0]!.streams[0]!
    const { request } = await previewStream(stream, 5, stop.signal)
    leaks.look('preview', plainText(request))
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return
    checkError(error, leaks)
  }
}

/** What is in the destination: C1 to C6 as far as one writer can see them. */
function checkState(pipeline: Pipeline, destination: MemoryDestination, leaks: LeakWatch): void {
  for (const [name, { checkpoints, runs, rejects, loads }] of destination.store.pipelines) {
    must(name === pipeline.name, () => `there is a pipeline ${name}`)
    for (const checkpoint of checkpoints.values()) {
      const again: unknown = JSON.parse(JSON.stringify(checkpoint))
      must(
        isDeepStrictEqual(again, JSON.parse(JSON.stringify(again))) && isJson(checkpoint),
        () => `a checkpoint is no JSON: ${JSON.stringify(checkpoint)}`,
      )
      leaks.look('checkpoint', plainText(checkpoint))
    }
    leaks.look('run', plainText([...runs.values()]))
    leaks.look('load', plainText([...loads.values()]))
    leaks.look('reject', plainText([...rejects.values()].map(({ record: _, ...rest }) => rest)))
  }
  for (const [stream, { key, table = `api_${stream}` }] of Object.entries(pipeline.sources['api']!.streams)) {
    const found = destination.store.tables.get(table)
    if (key === undefined || found === undefined) continue
    const columns = key.map((field) => found.schema.columns.findIndex((column) => column.field === field))
    if (columns.includes(-1)) continue
    const keys = found.rows.map(({ values }) => JSON.stringify(columns.map((at) => String(values[at]))))
    must(new Set(keys).size === keys.length, () => `${table} holds a key twice`)
  }
}

function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (value === undefined || typeof value === 'string' || typeof value === 'boolean' || value === null)
    return true
  if (typeof value !== 'object') return false
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return false
  return Object.values(value).every(isJson)
}

interface LeakWatch {
  look(where: string, text: string): void
}

function leakWatch(secrets: readonly SecretForms[]): LeakWatch {
  return {
    look(where, text) {
      const leak = secrets.length === 0 ? undefined : leakIn(text, secrets)
      if (leak !== undefined) throw new Finding(`a secret in the ${where}: ${leak}`)
    },
  }
}
