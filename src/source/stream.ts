import type { Client } from '../http/client.ts'
import type { BodyLimits } from '../http/decode/limits.ts'
import { createRedactor, type Redactor } from '../http/redact.ts'
import type { SecretParts } from '../http/secret-parts.ts'
import type { SecretLookup } from '../options/secret.ts'
import type { EventSink } from '../ports/events.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { Clock } from '../ports/runtime.ts'
import type { Slice, Stream } from '../ports/source.ts'
import { boundsOfScope } from './backfill-bounds.ts'
import { pagesAtOnce, slicesAtOnce } from './concurrency-options.ts'
import type { ExpiryOptions } from './expired-position.ts'
import { jobClient } from './job/job-client.ts'
import { jobReader } from './job/job-reader.ts'
import { announceDoubt } from './pages/announce-doubt.ts'
import { pageFetcher } from './pages/fetch-page.ts'
import { placeKeeper } from './pages/keep-place.ts'
import { type CountMismatch, CountMismatchError, listCount } from './pages/list-count.ts'
import { endCheck, flagCheck } from './pages/list-end.ts'
import { probeRequest, refuseJobProbe } from './probe-stream.ts'
import { type StreamProgression, storedPosition } from './progression.ts'
import { progressionOf, withoutMark } from './progression-of.ts'
import type { ReactionSettings } from './reactions/reaction-options.ts'
import { compileReactions } from './reactions/reactions.ts'
import { recordChanges } from './record-changes.ts'
import type { EndpointQuota } from './request/endpoint-quota.ts'
import { previewRequest } from './request/preview-request.ts'
import { type AccountOf, ownQuota, sendingOf } from './request/sending.ts'
import { streamRequest } from './request/stream-request.ts'
import { streamSecrets } from './request/stream-secrets.ts'
import { compileSides } from './response/sides.ts'
import { type StreamSettings, tableOf } from './rest-options.ts'
import type { ParentStream } from './slices/parent-partitions.ts'
import { describeSlicing, partitioningOf, slicedStream } from './slices/sliced-stream.ts'
import { streamPaginator } from './stream-paginator.ts'
import { changedPages, listRecords, pageReader, partReader, sliceReader } from './stream-reading.ts'
import { writeMode } from './write-mode.ts'

/** One endpoint of a REST API. */
export interface RestStream extends Stream, ParentStream {
  /** Asks for the stream's first page and throws it away: for `sluice check`. */
  probe(signal: AbortSignal): Promise<void>
}

export interface RestStreamDependencies {
  readonly client: Client
  readonly clock: Clock
  readonly limits: BodyLimits
  /** Keeps the source's credential out of errors, plans and positions (S1). Default: one that knows no secret. */
  readonly redactor?: Redactor
  /** Query parameters of every request of the source; the stream's own take the place of those of the same name. */
  readonly query?: RequestSpec['query']
  /** Secret headers and parameters of every request of the source, likewise. */
  readonly secret?: SecretParts
  /** Finds the secrets among headers and query parameters. Default: none is found. */
  readonly lookup?: SecretLookup
  /** What the source says of responses: asked after what the stream says. */
  readonly responses?: readonly ReactionSettings[]
  /** Default: the stream's quotas are its own. */
  readonly endpointQuota?: EndpointQuota
  /** The account of a stream with a credential of its own. */
  readonly accountOf?: AccountOf
  readonly onEvent?: EventSink | undefined
  /** The source's streams by name, for those whose slices are the records of others. Asked when the slices are. */
  readonly parents?: (name: string) => ParentStream
}

/**
 * Builds a stream from its validated options: what it asks with, what it is cut into, how it is read; then the stream itself, which is
 * those parts under the names that the engine knows.
 */
export function createRestStream(
  source: string,
  name: string,
  settings: StreamSettings,
  dependencies: RestStreamDependencies,
): RestStream {
  const { client, clock, limits, query = {}, secret: ofSource = noSecrets, onEvent } = dependencies
  const { redactor = createRedactor(), lookup = () => undefined } = dependencies
  const fullName = `${source}.${name}`
  const place = `${source}.streams.${name}`
  const table = tableOf(source, name, settings)
  const key = settings.key ?? []

  // What it asks with.
  const request = streamRequest(settings, query)
  const { template } = request
  const { secret, attach } = streamSecrets(
    request,
    { name: source, secret: ofSource },
    place,
    lookup,
    redactor,
  )
  const asOther = settings.auth && dependencies.accountOf?.(settings.auth, place)
  const { endpointQuota = ownQuota(clock) } = dependencies
  const sending = sendingOf(settings, request.own.path, asOther, endpointQuota, attach)
  const reactions = compileReactions([...settings.responses, ...(dependencies.responses ?? [])], clock)
  const { paginator, describe } = streamPaginator(
    fullName,
    settings,
    client,
    redactor,
    secret,
    clock,
    onEvent,
  )
  const sides = settings.sides && compileSides(settings.sides, table)
  const fetcher = pageFetcher({
    client,
    stream: fullName,
    format: settings.format,
    records: settings.records,
    optionalRecords: settings.optionalRecords,
    recordsAs: settings.recordsAs,
    include: settings.include,
    sides,
    key,
    unwrap: settings.unwrap,
    connection: connectionOf(settings),
    graphql: settings.graphql,
    limits,
    clock,
    reactions,
    placeholders: template.placeholders,
    ...sending,
  })

  // What it is cut into.
  const placeholders = new Set(template.placeholders)
  const partitioning = partitioningOf(fullName, settings.slices, template.placeholders, dependencies.parents)
  const warn = (message: string) =>
    onEvent?.({ type: 'stream.warning', at: clock.now(), stream: fullName, message })
  const slicedBy = (how: StreamSettings, tell?: typeof warn): StreamProgression => {
    const inner = progressionOf(fullName, how, paginator, clock, placeholders, tell)
    return slicedStream(fullName, partitioning, inner, how, tell)
  }
  const progression = slicedBy(settings, warn)
  /** How all records are listed, whatever was read before: for the streams whose slices they are. */
  const listing = slicedBy(withoutMark(settings))

  // How it is read.
  const onLastPage = announceDoubt(
    endCheck(settings.paginate),
    (doubt) => onEvent?.({ type: 'list.doubt', at: clock.now(), stream: fullName, ...doubt }),
    flagCheck(settings.paginate, settings.slices),
    warn,
  )
  const pages = pagesAtOnce(settings, paginator)
  const placeFrom = placeKeeper(fullName, settings, paginator, clock, onEvent)
  const count = settings.job
    ? undefined
    : listCount(settings.count, settings.paginate, settings.incremental !== undefined)
  const onMismatch = (mismatch: CountMismatch, slice: string) => {
    onEvent?.({ type: 'count.mismatch', at: clock.now(), stream: fullName, slice, ...mismatch })
    if (settings.count?.onMismatch === 'fail') throw new CountMismatchError(fullName, mismatch)
  }
  const asSent = pageReader({ paginator, fetcher, pages, onLastPage, placeFrom, count, onMismatch })
  const changes = recordChanges(fullName, table, settings, lookup, redactor)
  const readPages = changedPages(asSent, changes)
  const job =
    settings.job &&
    jobReader({
      settings: settings.job,
      stream: fullName,
      clock,
      jobs: jobClient(settings.job, {
        client,
        clock,
        stream: fullName,
        limits,
        query,
        attach,
        account: asOther?.account,
        reactions,
      }),
      progression,
      template,
      redactor,
      onEvent,
      readPages,
    })
  const expiry: ExpiryOptions = {
    stream: fullName,
    action: settings.incremental?.by === 'position' ? settings.incremental.expired : 'resync',
    hasKey: key.length > 0,
    clock,
    onEvent,
  }
  const readOnce = job?.read ?? partReader(progression, template, fetcher, readPages)
  // Slices are cut by what the API says, and filled into requests: nothing is left out, renamed or masked there.
  const listOnce = job?.read ?? partReader(listing, template, fetcher, asSent)

  function firstRequest(slice: Slice): RequestSpec {
    if (job) return job.firstRequest(slice)
    const reading = progression.begin(slice)
    const base = template.fill(reading.values ?? {})
    return paginator.request(reading.request(base, reading.start === undefined), reading.start)
  }

  const slicing = describeSlicing(source, settings.slices)
  return {
    name: fullName,
    table,
    ...((changes.sides || sides) && { sides: [...(sides?.tables ?? []), ...(changes.sides ?? [])] }),
    ...(changes.marksDeleted && { tombstones: true }),
    write: writeMode(settings),
    key,
    ...(settings.version !== undefined && { version: settings.version }),
    allowEmptyReplace: settings.allowEmptyReplace,
    onReject: settings.onReject,
    slicesAtOnce: slicesAtOnce(settings),
    ...(slicing !== undefined && { slicing }),

    slices: (committed, scope, signal = new AbortController().signal) =>
      progression.slices(committed, boundsOfScope(fullName, scope), signal),
    read: sliceReader(progression, readOnce, expiry, redactor),
    list: (signal) => listRecords(listing, sliceReader(listing, listOnce, expiry, redactor), signal),
    preview(slice) {
      const paging = describe(storedPosition(slice.progress)?.at)
      const shown = previewRequest(client, redactor, firstRequest(slice), secret)
      return paging === undefined ? shown : { ...shown, paging }
    },

    async probe(signal) {
      if (job) refuseJobProbe(fullName)
      const slice = await first(progression.slices(new Map(), {}, signal))
      // Where there is no parent, its list has shown that the credential works.
      if (partitioning !== undefined && (slice === undefined || slice.closing)) return
      const asked =
        slice === undefined ? paginator.request(template.fill({}), undefined) : firstRequest(slice)
      await probeRequest(asked, fullName, client, fetcher, sending, signal)
    },
  }
}

const noSecrets: SecretParts = { headers: {}, query: {} }

/** A GraphQL connection names its records itself. */
function connectionOf({ records, paginate }: StreamSettings): string | undefined {
  return records === undefined && paginate?.type === 'relay' ? paginate.connection : undefined
}

async function first<T>(items: Iterable<T> | AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item
  return undefined
}
