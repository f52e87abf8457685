// A list of an API, page by page, for a loop of your own: a client and a paginator, without a pipeline.
import type { Client } from '../../http/client.ts'
import { formatOf } from '../../http/decode/format-options.ts'
import { defaultBodyLimits } from '../../http/decode/limits.ts'
import { systemClock } from '../../http/system-runtime.ts'
import type { Paginator } from '../../pagination/paginator.ts'
import { PositionGuard } from '../../pagination/position-guard.ts'
import type { Json, JsonRecord } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { Quota } from '../../quota/quota.ts'
import { pageFetcher } from './fetch-page.ts'
import { RepetitionGuard } from './repeated-page.ts'

export interface ListPagesOptions<P extends Json> {
  /** Path of the records in the body. Default: the body itself is the list. */
  readonly records?: string
  /** Whether the records may be absent or null where there are none (R2). Default false. */
  readonly optionalRecords?: boolean
  /** The position to go on from, as an earlier page gave it in `next`. Default: the first page. */
  readonly from?: P
  /** Names the list in events. Default: its path. */
  readonly stream?: string
  /** Quotas of this list's endpoint, beside the client's. */
  readonly quotas?: readonly Quota[]
  readonly signal?: AbortSignal
}

export interface ListPage<P extends Json> {
  readonly records: readonly JsonRecord[]
  /** The position of the next page: keep it, and go on from it later. `undefined` after the last page. */
  readonly next: P | undefined
}

/**
 * Reads a list page by page, as a pipeline's stream does: the next page is asked for when you ask for it.
 * @throws PaginationLoopError for a page that repeats (R1), SelectorEmptyError and ApiErrorBodyError where there are no records (R2),
 *   and whatever the client and the paginator throw
 */
export async function* listPages<P extends Json>(
  client: Client,
  paginator: Paginator<P>,
  request: Pick<RequestSpec, 'url'> & Partial<RequestSpec>,
  options: ListPagesOptions<P> = {},
): AsyncGenerator<ListPage<P>, void> {
  const { records, optionalRecords = false, stream = request.url, quotas = [] } = options
  const base: RequestSpec = { method: 'GET', query: {}, headers: {}, ...request }
  const fetcher = pageFetcher({
    client,
    stream,
    quotas,
    format: formatOf('json'),
    records,
    optionalRecords,
    key: [],
    unwrap: undefined,
    limits: defaultBodyLimits,
    clock: systemClock,
  })
  const signal = options.signal ?? new AbortController().signal
  let position = options.from
  const guard = new PositionGuard(position)
  const repetition = new RepetitionGuard()
  do {
    const page = await fetcher.fetch(paginator.request(base, position), noParts, signal)
    repetition.take(page, position)
    position = paginator.next(page.view, position)
    guard.follow(position, page.view, page.body)
    yield { records: page.records, next: position }
  } while (position !== undefined)
}

/** A JSON document comes whole. */
const noParts = { begin() {}, async part() {} }
