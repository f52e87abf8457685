// How long a run takes at the quotas, where it asks as often as the last one did.
import { accountKey } from '../config/account-key.ts'
import type { Pipeline } from '../config/pipeline.ts'
import type { PlannedStream } from '../engine/plan.ts'
import { formatCounted, formatSeconds } from '../observe/format.ts'
import type { SecretLookup } from '../options/secret.ts'
import type { QuotaEntry } from '../quota/declared/entry.ts'
import { type Estimate, leastTime } from '../quota/declared/estimate.ts'
import type { QuotaMemory } from '../quota/memory/quota-memory.ts'

/** What the streams of one credential at one API take together: they share its limits. */
export interface PlanTime {
  readonly sources: readonly string[]
  /** Those that the last run was done with. */
  readonly streams: readonly string[]
  /** If as many as in the last run. */
  readonly requests: number
  readonly leastSeconds: number
  /** The limit that takes longest; `null` where none makes them wait. */
  readonly bound: string | null
  /** A lower bound, or a guess: by costs that are only estimated, or by what an earlier run found. */
  readonly isGuess: boolean
  /** Limits that may bind, too, of which nothing can be computed. */
  readonly unknown: readonly string[]
}

type Read = PlannedStream & { readonly lastRun: NonNullable<PlannedStream['lastRun']> }
type Source = Pipeline['sources'][string]

/** Nothing of streams that were never read. */
export async function planTimes(
  pipeline: Pipeline,
  planned: readonly PlannedStream[],
  lookup: SecretLookup,
  memory: Pick<QuotaMemory, 'read'>,
): Promise<readonly PlanTime[]> {
  const accounts = new Map<string, Read[]>()
  for (const stream of planned) {
    const { lastRun } = stream
    if (lastRun === null) continue
    const { source, own } = settingsOf(pipeline, stream.stream)
    const key = accountKey(source, own?.auth ?? source.auth, lookup)
    accounts.set(key, [...(accounts.get(key) ?? []), { ...stream, lastRun }])
  }
  return Promise.all(
    Array.from(accounts, async ([key, streams]) => {
      const found = (await memory.read(key))?.ratePerSecond
      return planTime(pipeline, streams, found)
    }),
  )
}

function planTime(
  pipeline: Pipeline,
  streams: readonly Read[],
  foundPerSecond: number | undefined,
): PlanTime {
  const sources = [...new Set(streams.map(({ stream }) => nameOfSource(stream)))]
  const requests = streams.reduce((sum, { lastRun }) => sum + lastRun.requests, 0)
  const latencies = streams.flatMap(({ lastRun }) => lastRun.latencyMs ?? [])
  const latencyMs = latencies.length === 0 ? null : Math.min(...latencies)
  const { auth } = settingsOf(pipeline, streams[0]!.stream).source
  const credentials = auth.type === 'rotate' ? auth.credentials.length : 1
  const names = streams.map(({ stream }) => stream)
  const lastUse = (of: readonly Read[]) => (limit: string) =>
    of
      .flatMap(({ lastRun }) => lastRun.quotas)
      // What others took of it, who are not planned or were not done, is not to be told from what these did.
      .find(
        (use) =>
          use.quota === limit && use.kind === 'declared' && use.streams.every((one) => names.includes(one)),
      )
  const expected = { requests, latencyMs, credentials, lastUse: lastUse(streams) }
  const estimates = [
    leastTime(expected, limitsOf(sources.map((name) => pipeline.sources[name]!))),
    ...streams.map((stream) => {
      const quotas = settingsOf(pipeline, stream.stream).own?.quotas ?? []
      return leastTime({ ...stream.lastRun, credentials, lastUse: lastUse([stream]) }, quotas)
    }),
    foundTime(requests, foundPerSecond),
  ]
  const longest = estimates.reduce((a, b) => (b.leastMs > a.leastMs ? b : a))
  const reported = streams.flatMap(({ lastRun }) => lastRun.quotas.filter(({ kind }) => kind === 'reported'))
  const unknown = [...estimates.flatMap((one) => one.unknown), ...reported.map(({ quota }) => quota)]
  return {
    sources,
    streams: names,
    requests,
    leastSeconds: longest.leastMs / 1000,
    bound: longest.bound ?? null,
    isGuess: longest.isGuess === true,
    unknown: [...new Set(unknown)],
  }
}

/** What nobody tells, and an earlier run found. */
function foundTime(requests: number, perSecond: number | undefined): Estimate {
  if (perSecond === undefined) return { leastMs: 0, unknown: [] }
  const bound = `${Number(perSecond.toPrecision(3))} requests per second, as an earlier run found`
  return { leastMs: (requests / perSecond) * 1000, bound, isGuess: true, unknown: [] }
}

/** What several sources say of one account, each limit once. */
function limitsOf(sources: readonly Source[]): readonly QuotaEntry[] {
  const limits = new Map(
    sources.flatMap(({ quotas }) => quotas.map((entry) => [JSON.stringify(entry), entry])),
  )
  return [...limits.values()]
}

function settingsOf(pipeline: Pipeline, stream: string) {
  const name = nameOfSource(stream)
  const source = pipeline.sources[name]!
  return { source, own: source.streams[stream.slice(name.length + 1)] }
}

function nameOfSource(stream: string): string {
  return stream.slice(0, stream.indexOf('.'))
}

export function formatPlanTime({
  sources,
  requests,
  leastSeconds,
  bound,
  isGuess,
  unknown,
}: PlanTime): string {
  const time = formatSeconds(leastSeconds)
  const takes =
    bound === null
      ? ''
      : `, take ${isGuess ? `about ${time}` : `${time} or more`}, because of its quota: ${bound}`
  const others = unknown.length === 0 ? '' : `; may bind, too, and can't be computed: ${unknown.join(', ')}`
  return `${sources.join(', ')}: ${formatCounted(requests, 'request')}, if as many as in the last run${takes}${others}`
}
