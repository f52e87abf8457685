import { ConfigError } from '../errors.ts'
import type { Client } from '../http/client.ts'
import type { BodyLimits } from '../http/decode/limits.ts'
import type { Account } from '../http/layer.ts'
import { createRedactor, type Redactor } from '../http/redact.ts'
import {
  type Attach,
  attachMarked,
  attachSecrets,
  type SecretParts,
  secretsBeside,
} from '../http/secret-parts.ts'
import type { SecretLookup } from '../options/secret.ts'
import { createPaginator } from '../pagination/options.ts'
import type { PageView, Paginator } from '../pagination/paginator.ts'
import type { EventSink } from '../ports/events.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { Clock } from '../ports/runtime.ts'
import type { ReadOptions, Slice, SourcePage, Stream, WriteMode } from '../ports/source.ts'
import { createQuota } from '../quota/options.ts'
import { boundsOfScope } from './backfill-bounds.ts'
import { pagesAtOnce, slicesAtOnce } from './concurrency-options.ts'
import { deletionMarker } from './deletion.ts'
import { readDespiteExpiry } from './expired-position.ts'
import { jobClient } from './job/job-client.ts'
import { jobReader } from './job/job-reader.ts'
import { announceDetection } from './pages/announce-detection.ts'
import { type PageFetcher, type PartSink, pageFetcher } from './pages/fetch-page.ts'
import { endCheck } from './pages/list-end.ts'
import { readSlice } from './pages/read-slice.ts'
import { storableLink } from './pages/storable-link.ts'
import { type SliceReading, type StreamProgression, storedPosition } from './progression.ts'
import { progressionOf, withoutMark } from './progression-of.ts'
import type { ReactionSettings } from './reactions/reaction-options.ts'
import { compileReactions } from './reactions/reactions.ts'
import type { EndpointQuota } from './request/endpoint-quota.ts'
import { previewRequest } from './request/preview-request.ts'
import { methodOf } from './request/request-options.ts'
import { streamRequest } from './request/stream-request.ts'
import { compileSides } from './response/sides.ts'
import { type StreamSettings, tableOf } from './rest-options.ts'
import type { ParentStream } from './slices/parent-partitions.ts'
import { pull } from './slices/pull.ts'
import { readParts } from './slices/read-parts.ts'
import { describeSlicing, partitioningOf, slicedStream } from './slices/sliced-stream.ts'
import { compileTransform } from './transform/transform.ts'

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

/** An account of the API, by what a stream says of its credential. `place` names the stream in messages. */
export type AccountOf = (
  auth: NonNullable<StreamSettings['auth']>,
  place: string,
) => { readonly account: Account; readonly endpointQuota: EndpointQuota }

const noSecrets: SecretParts = { headers: {}, query: {} }

/** Builds a stream from its validated options. */
export function createRestStream(
  source: string,
  name: string,
  settings: StreamSettings,
  dependencies: RestStreamDependencies,
): RestStream {
  const { client, clock, limits, query = {}, redactor = createRedactor(), onEvent } = dependencies
  const fullName = `${source}.${name}`
  const key = settings.key ?? []
  const { own, marked, template } = streamRequest(settings, query)
  const inherited = secretsBeside(dependencies.secret ?? noSecrets, own)
  const secret: SecretParts = {
    headers: { ...inherited.headers, ...own.secret.headers },
    query: { ...inherited.query, ...own.secret.query },
  }
  const attach = attachAll(inherited, own.secret)
  const kind = createPaginator(
    settings.paginate ?? { type: 'none' },
    storableLink(client, redactor, Object.keys(secret.query)),
  )
  const { paginator, describe } = announceDetection(settings.paginate, kind, (found) =>
    onEvent?.({
      type: 'pagination.detected',
      at: clock.now(),
      stream: fullName,
      kind: found.options.type,
      place: found.place ?? null,
      doubt: found.doubt ?? null,
    }),
  )
  const pages = pagesAtOnce(settings, paginator)
  const placeholders = new Set(template.placeholders)
  const partitioning = partitioningOf(fullName, settings.slices, template.placeholders, dependencies.parents)
  const progression = slicedBy(settings)
  const asOther = settings.auth && dependencies.accountOf?.(settings.auth, `${source}.streams.${name}`)
  const { endpointQuota = dependencies.endpointQuota ?? ownQuota(clock) } = asOther ?? {}
  const quotas = [endpointQuota(methodOf(settings), own.path, settings.quotas)]
  const asked = { quotas, ...(asOther && { account: asOther.account }), ...(attach && { attach }) }
  const reactions = compileReactions([...settings.responses, ...(dependencies.responses ?? [])], clock)
  const table = tableOf(source, name, settings)
  const sides = settings.sides && compileSides(settings.sides, table)
  const fetcher: PageFetcher = pageFetcher({
    client,
    stream: fullName,
    format: settings.format,
    records: settings.records ?? '',
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
    ...asked,
  })

  function attachAll(ofSource: SecretParts, ofStream: SecretParts): Attach | undefined {
    const { lookup = () => undefined } = dependencies
    const onSecret = (value: string) => redactor.add(value)
    const context = { lookup, onSecret, source: `${source}.streams.${name}` }
    const each = [
      attachSecrets(ofSource, { ...context, source }),
      attachSecrets(ofStream, context),
      attachMarked(marked, context),
    ].filter((one) => one !== undefined)
    if (each.length === 0) return undefined
    return (request) => each.reduce((attached, attach) => attach(attached), request)
  }

  const transform =
    settings.transform &&
    compileTransform(settings.transform, {
      name: fullName,
      table,
      key,
      lookup: dependencies.lookup ?? (() => undefined),
      onSecret: (value) => redactor.add(value),
    })

  const markDeleted = settings.deleted === undefined ? undefined : deletionMarker(settings.deleted)

  const check = endCheck(settings.paginate)
  let doubted = false
  /** Once a stream: its slices are asked in the same way. */
  function doubtEnd(page: PageView): void {
    const doubt = doubted || onEvent === undefined ? undefined : check(page)
    if (doubt === undefined) return
    doubted = true
    onEvent?.({ type: 'list.doubt', at: clock.now(), stream: fullName, ...doubt })
  }

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

  /** Reads the pages of a slice, or of a part of one. `adapt`: what a job does to the paginator. */
  async function readPages(
    reading: SliceReading,
    base: RequestSpec,
    options: ReadOptions,
    adapt: (paginator: Paginator) => Paginator = (same) => same,
    { isListed = false, from = fetcher }: { isListed?: boolean; from?: PageFetcher } = {},
  ): Promise<void> {
    const values = reading.values ?? {}
    const loaded = async (page: SourcePage) => {
      const transformed = transform?.apply(page, values) ?? page
      await options.emit(markDeleted?.(transformed) ?? transformed)
    }
    const requests = {
      paginator: adapt(upToTheMark(paginator, reading)),
      base,
      fetcher: from,
      pages,
      onOnlyPage: doubtEnd,
    }
    // Slices are cut by what the API says, and filled into requests: nothing is left out, renamed or masked there.
    await readSlice(reading, requests, { ...options, emit: isListed ? options.emit : loaded })
  }

  function firstRequest(slice: Slice): RequestSpec {
    if (job) return job.firstRequest(slice)
    const reading = progression.begin(slice)
    const base = template.fill(reading.values ?? {})
    return paginator.request(reading.request(base, reading.start === undefined), reading.start)
  }

  /** How all records are listed, whatever was read before: for the streams whose slices they are. */
  const listing = slicedBy(withoutMark(settings))

  function slicedBy(how: StreamSettings): StreamProgression {
    const isWhole = how.incremental === undefined && how.slices?.at(-1)?.by !== 'time'
    return slicedStream(
      fullName,
      partitioning,
      progressionOf(fullName, how, paginator, clock, placeholders),
      isWhole,
    )
  }

  async function readSlices(by: StreamProgression, slice: Slice, options: ReadOptions): Promise<void> {
    const read = () =>
      readDespiteExpiry(slice, options, expiry, async (from, reads) => {
        if (job) return await job.read(from, reads)
        await readParts(by.begin(from), fetcher, (part, fetching) => {
          const base = template.fill(part.values ?? {})
          return readPages(part, base, reads, undefined, { isListed: by === listing, from: fetching })
        })
      })
    const pass = by.passOf?.(slice)
    try {
      if (slice.closing !== true) return await (pass?.during(read) ?? read())
      const progress = await pass?.completed()
      if (progress !== undefined) await options.emit({ records: [], bytes: 0, progress })
    } catch (error) {
      // S1: a paginator quotes what the API sent, which may be the credential.
      throw redactor.error(error)
    }
  }

  const expiry = {
    stream: fullName,
    action: settings.incremental?.by === 'position' ? settings.incremental.expired : ('resync' as const),
    hasKey: key.length > 0,
    clock,
    onEvent,
  }
  const slicing = describeSlicing(source, settings.slices)
  return {
    name: fullName,
    table,
    ...((transform || sides) && { sides: [...(sides?.tables ?? []), ...(transform?.sides ?? [])] }),
    ...(markDeleted && { tombstones: true }),
    write: writeMode(settings),
    key,
    ...(settings.version !== undefined && { version: settings.version }),
    allowEmptyReplace: settings.allowEmptyReplace,
    onReject: settings.onReject,
    slicesAtOnce: slicesAtOnce(settings),
    ...(slicing !== undefined && { slicing }),

    slices: (committed, scope, signal = new AbortController().signal) =>
      progression.slices(committed, boundsOfScope(fullName, scope), signal),
    read: (slice, options) => readSlices(progression, slice, options),
    async *list(signal) {
      for await (const slice of listing.slices(new Map(), {}, signal)) {
        if (slice.closing) continue
        yield* pull<readonly JsonRecord[]>(
          (emit, within) =>
            readSlices(listing, slice, { signal: within, emit: ({ records }) => emit(records) }),
          signal,
        )
      }
    },
    preview(slice) {
      const paging = describe(storedPosition(slice.progress)?.at)
      const request = previewRequest(client, redactor, firstRequest(slice), secret)
      return paging === undefined ? request : { ...request, paging }
    },

    async probe(signal) {
      if (job) {
        throw new ConfigError(
          fullName,
          'its first request would create a job, which is no way to check a credential: name a path that does no harm in the `check` of the source, or list another stream first',
        )
      }
      const slice = await first(progression.slices(new Map(), {}, signal))
      // Where there is no parent, its list has shown that the credential works.
      if (partitioning !== undefined && (slice === undefined || slice.closing)) return
      const request =
        slice === undefined ? paginator.request(template.fill({}), undefined) : firstRequest(slice)
      // A document is read, since an API may refuse a credential in the body of a success; a streamed body may be long.
      if (fetcher.streams) {
        await client.request(request, (response) => response.discard(), {
          signal,
          stream: fullName,
          ...asked,
        })
      } else await fetcher.fetch(request, noParts, signal)
    },
  }
}

/** A list that is read from its newest record on ends where the reading has seen enough. No page behind it is asked for ahead. */
function upToTheMark(paginator: Paginator, { isEnough }: SliceReading): Paginator {
  if (isEnough === undefined) return paginator
  const { request, resume } = paginator
  return {
    request,
    next: (page, position) => (isEnough() ? undefined : paginator.next(page, position)),
    ...(resume && { resume }),
  }
}

/** A GraphQL connection names its records itself. */
function connectionOf({ records, paginate }: StreamSettings): string | undefined {
  return records === undefined && paginate?.type === 'relay' ? paginate.connection : undefined
}

function ownQuota(clock: Clock): EndpointQuota {
  return (_method, _path, quotas) => createQuota({ quotas: [...quotas], rateLimitHeaders: false }, clock)
}

async function first<T>(items: Iterable<T> | AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item
  return undefined
}

const noParts: PartSink = { begin() {}, async part() {} }

/** Without a key records can only be added; a list that is read whole each time would then be there once more with each run. */
function writeMode(settings: StreamSettings): WriteMode {
  if (settings.write !== undefined) return settings.write
  if (settings.key !== undefined) return 'merge'
  return settings.incremental === undefined ? 'replace' : 'append'
}
