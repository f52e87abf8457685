import { ConfigError } from '../errors.ts'
import type { Checkpoint, Destination } from '../ports/destination.ts'
import type { Json } from '../ports/json.ts'
import type { Progress, ReadScope, RequestPreview, Stream } from '../ports/source.ts'
import { inability } from './abilities.ts'
import { type PipelineParts, selectStreams } from './run.ts'
import { type StartingPoint, startingPoint } from './starting-point.ts'

export interface PlannedSlice {
  readonly key: string
  readonly progress: Progress | null
  readonly request: RequestPreview
}

/** What a stream took of its API. */
export interface LastReading {
  /** Attempts, repeats included. */
  readonly requests: number
  /** Median time from sending a request to its response's head, in milliseconds. */
  readonly latencyMs: number | null
  /** What its list was taken for, where that had to be found out. */
  readonly pagination: string | null
  /** What the limits came to that it asked within, together with the other streams of each. */
  readonly quotas: readonly LastUse[]
}

/** What a limit came to in the last run, as its report tells. */
export interface LastUse {
  readonly quota: string
  readonly kind: string
  readonly streams: readonly string[]
  /** In the limit's unit. */
  readonly used: number
  readonly requests: number
  /** Tenants, resources or credentials. */
  readonly parts: number
  readonly waitedSeconds: number
}

export interface PlannedStream {
  readonly stream: string
  readonly table: string
  readonly write: string
  /** Where reading starts: at the beginning, from a checkpoint, or inside a replacement that an earlier run began; nowhere where it is refused. */
  readonly from: 'start' | 'checkpoint' | 'interrupted replacement' | null
  /** The first slices; `moreSlices` counts the others. */
  readonly slices: readonly PlannedSlice[]
  readonly moreSlices: number
  /** What the stream took in the pipeline's last run, where that was done with it. */
  readonly lastRun: LastReading | null
  /** ISO time until which the last run left the stream paused, for want of quota; `null` where it did not. A run from then on goes on with it. */
  readonly pausedUntil: string | null
  /** In words, where the slices are not known without asking the API: then none is listed. */
  readonly slicing: string | null
  /** In words, where a run loads once more what the last one loaded: each adds to the table, or to its files. */
  readonly again: string | null
  /** Why a run can't read this stream as it was asked to: a backfill that its API or its table can't take. */
  readonly refused: string | null
}

const shownSlices = 3

/** What a run would read, from which position, with which requests. Asks the destination, never the API. */
export async function planPipeline(
  parts: PipelineParts,
  options: {
    readonly only?: readonly string[]
    readonly scope?: ReadScope
    readonly fullRefresh?: boolean
  } = {},
): Promise<readonly PlannedStream[]> {
  const streams = selectStreams(parts, options.only)
  const { checkpoints, lastReadings, paused } = await readState(parts.destination, parts.name)
  const scope = options.scope ?? {}
  const fullRefresh = options.fullRefresh ?? false
  const planned: PlannedStream[] = []
  for (const stream of streams) {
    const own = checkpoints.filter((checkpoint) => checkpoint.stream === stream.name)
    const unable = inability(stream, parts.destination)
    const plan = await (unable === undefined
      ? planStream(stream, own, { scope, fullRefresh })
      : Promise.reject(unable)
    ).catch((error: unknown) => {
      if (!(error instanceof ConfigError)) throw error
      return refusedPlan(stream, error)
    })
    planned.push({
      ...plan,
      lastRun: lastReadings.get(stream.name) ?? null,
      pausedUntil: paused.get(stream.name) ?? null,
      again:
        plan.refused !== null || plan.from === 'interrupted replacement' || fullRefresh
          ? null
          : addedAgain(stream, parts.destination),
    })
  }
  return planned
}

/** @throws ConfigError where the stream can't be read as it is asked to */
async function planStream(
  stream: Stream,
  checkpoints: readonly Checkpoint[],
  options: { readonly scope: ReadScope; readonly fullRefresh: boolean },
): Promise<PlannedStream> {
  const start = startingPoint(stream, checkpoints, options)
  const slices: PlannedSlice[] = []
  let count = 0
  const found = stream.slices(start.committed, options.scope)
  for await (const slice of stream.slicing === undefined ? found : []) {
    if (slice.closing) continue
    // In a replacement that goes on, a slice that was read to its end is in the new table already.
    if (start.replacement === 'continued' && slice.progress?.position === null) continue
    if (count++ < shownSlices)
      slices.push({ key: slice.key, progress: slice.progress, request: stream.preview(slice) })
  }
  const anew = start.replacement === 'new' && stream.write !== 'replace' && stream.write !== 'reconcile'
  return {
    stream: stream.name,
    table: stream.table,
    write: anew ? `${stream.write}, replaced anew` : stream.write,
    from: origin(start, stream),
    slices,
    moreSlices: count - slices.length,
    slicing: stream.slicing ?? null,
    lastRun: null,
    pausedUntil: null,
    again: null,
    refused: null,
  }
}

function refusedPlan({ name, table, write }: Stream, error: ConfigError): PlannedStream {
  return {
    stream: name,
    table,
    write,
    from: null,
    slices: [],
    moreSlices: 0,
    slicing: null,
    lastRun: null,
    pausedUntil: null,
    again: null,
    refused: error.message,
  }
}

function origin({ replacement, committed }: StartingPoint, stream: Stream): PlannedStream['from'] {
  if (replacement === 'continued') return 'interrupted replacement'
  const goesOn = committed.size > 0 && (stream.isUnderWay?.(committed) ?? true)
  return goesOn ? 'checkpoint' : 'start'
}

/** What becomes of the records that are known, where each run reads them again and none is told from them. */
function addedAgain(
  { write, key, isUnderWay }: Stream,
  { capabilities }: Destination,
): PlannedStream['again'] {
  if (write !== 'append' || isUnderWay === undefined) return null
  if (key.length === 0) return 'each run adds every record again, as a snapshot of the list'
  if (capabilities.merge) return null
  return 'each run writes every record again, and the files grow by the whole list; the view shows each key once'
}

async function readState(destination: Destination, pipeline: string) {
  await using session = await destination.open(pipeline, { readOnly: true })
  const checkpoints = await session.readCheckpoints()
  const run = (await session.lastRun?.()) ?? null
  const report = run?.report ?? null
  return { checkpoints, lastReadings: readingsOf(report), paused: pausedIn(report) }
}

/** What a run's report says of the streams that it was done with. A report may be of an older version, or of somebody's own. */
function readingsOf(report: Json): Map<string, LastReading> {
  const readings = new Map<string, LastReading>()
  for (const stream of listIn(report, 'streams')) {
    const name = fieldOf(stream, 'stream')
    const requests = fieldOf(stream, 'requests')
    const median = fieldOf(fieldOf(stream, 'latencyMs'), 'p50')
    if (fieldOf(stream, 'outcome') !== 'done' || typeof name !== 'string' || typeof requests !== 'number')
      continue
    const pagination = fieldOf(stream, 'pagination')
    readings.set(name, {
      requests,
      latencyMs: typeof median === 'number' ? median : null,
      pagination: typeof pagination === 'string' ? pagination : null,
      quotas: usesOf(report).filter(({ streams }) => streams.includes(name)),
    })
  }
  return readings
}

function usesOf(report: Json): readonly LastUse[] {
  return listIn(report, 'quotas').flatMap((use) => {
    const [quota, kind] = [fieldOf(use, 'quota'), fieldOf(use, 'kind')]
    const count = (name: string) => Number(fieldOf(use, name) ?? Number.NaN)
    const used = { used: count('used'), requests: count('requests'), parts: count('parts') }
    const waitedSeconds = count('waitedSeconds')
    if (typeof quota !== 'string' || typeof kind !== 'string') return []
    if (!Object.values({ ...used, waitedSeconds }).every(Number.isFinite)) return []
    const streams = listIn(use, 'streams').filter((name) => typeof name === 'string')
    return [{ quota, kind, streams, ...used, waitedSeconds }]
  })
}

/** Streams that a run left paused, and until when. */
export function pausedIn(report: Json): ReadonlyMap<string, string> {
  const paused = new Map<string, string>()
  for (const stream of listIn(report, 'streams')) {
    const [name, until] = [fieldOf(stream, 'stream'), fieldOf(stream, 'pausedUntil')]
    if (typeof name === 'string' && typeof until === 'string') paused.set(name, until)
  }
  return paused
}

function fieldOf(value: Json, name: string): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? ((value as { readonly [key: string]: Json })[name] ?? null)
    : null
}

function listIn(value: Json, name: string): readonly Json[] {
  const list = fieldOf(value, name)
  return Array.isArray(list) ? list : []
}
