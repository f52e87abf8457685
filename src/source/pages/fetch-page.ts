import type { Answer } from '../../http/answer.ts'
import type { Client } from '../../http/client.ts'
import { errorBodyMessage } from '../../http/decode/error-body.ts'
import { BodyUnreadableError } from '../../http/decode/errors.ts'
import { readJson } from '../../http/decode/json.ts'
import { readJsonLines } from '../../http/decode/json-lines.ts'
import type { BodyLimits } from '../../http/decode/limits.ts'
import { HttpStatusError } from '../../http/errors.ts'
import type { Account } from '../../http/layer.ts'
import { retryAfterMs } from '../../http/retry-after.ts'
import type { Attach } from '../../http/secret-parts.ts'
import type { PageHead, PageView } from '../../pagination/paginator.ts'
import type { JsonRecord, Value } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { Clock, HttpResponse } from '../../ports/runtime.ts'
import type { Quota } from '../../quota/quota.ts'
import {
  type EarlyEnd,
  earlyEndOf,
  type JudgeContext,
  judgeErrorBody,
  judgeSuccess,
} from '../reactions/judge-success.ts'
import { describeValues } from '../reactions/message.ts'
import type { Reactions } from '../reactions/reactions.ts'
import { graphqlVerdict } from '../request/graphql-errors.ts'
import type { TemplateValues } from '../request/request-template.ts'
import { ApiErrorBodyError, selectRecords, unwrapRecord } from '../response/select.ts'
import { selectConnection } from '../response/select-connection.ts'

/** A page as it came. */
export interface FetchedPage {
  readonly view: PageView
  /** The records that were not handed on as parts, after `unwrap`. */
  readonly records: readonly JsonRecord[]
  /** Size of those records as they were sent, decompressed, in bytes. */
  readonly bytes: number
  /** The body, to tell a page that repeats (R1). Absent where it was streamed. */
  readonly body?: Buffer
  /** The slice ends here, before its list has, since the config says so of what was answered. */
  readonly end?: EarlyEnd
}

/** Takes the parts of a streamed body. */
export interface PartSink {
  /** The body is read from its start: at first, and again after it broke off. */
  begin(): void
  /** Resolves when there is room for the next part. */
  part(records: readonly JsonRecord[], bytes: number): Promise<void>
}

/** Reads the pages of one stream. */
export interface PageFetcher {
  /** Whether a body is handed on in parts while it arrives, so that no page may be asked for ahead of it. */
  readonly streams: boolean
  fetch(
    request: RequestSpec,
    parts: PartSink,
    signal: AbortSignal,
    context?: FetchContext,
  ): Promise<FetchedPage>
}

export interface FetchContext {
  /**
   * Told of a success as soon as its head is there; again where the body broke off and the page is asked for once more. It must not
   * wait: the request holds its place among those under way until its body has come.
   */
  readonly onHead?: (head: PageHead) => void
  /** What the request's placeholders were filled with. */
  readonly values?: TemplateValues | undefined
}

export interface PageFetcherOptions {
  readonly client: Client
  /** For events and messages: `desk.tickets`. */
  readonly stream: string
  /** Quotas of the stream's endpoint alone. */
  readonly quotas: readonly Quota[]
  /** Puts the secrets among headers and query parameters on each attempt (S1). */
  readonly attach?: Attach
  readonly format: 'json' | 'jsonl'
  /** Path of the records in a body; '' is the body itself. */
  readonly records: string
  readonly optionalRecords: boolean
  /** The fields of a record's key; a line that has none of them may be an error body (R2). */
  readonly key: readonly string[]
  readonly unwrap: string | undefined
  /** A GraphQL connection whose nodes are the records, by its path below `data`, in place of `records`. */
  readonly connection?: string | undefined
  /** Whether the replies are GraphQL's, and what to do with data beside errors. */
  readonly graphql?: { readonly partial: 'fail' | 'keep'; readonly now: () => number } | undefined
  /** The account that asks, where it is not the client's own. */
  readonly account?: Account
  readonly limits: BodyLimits
  readonly clock: Clock
  /** What the config says of responses. */
  readonly reactions?: Reactions | undefined
  /** The placeholders of the request, which messages name with their values. */
  readonly placeholders?: readonly string[]
}

/** Parts of a streamed body are about this large: a page of a common size. */
const partBytes = 1 << 20

export function pageFetcher(options: PageFetcherOptions): PageFetcher {
  const { client, stream, key, quotas, attach, unwrap, limits, account, connection, graphql } = options
  const select = { path: options.records, optional: options.optionalRecords }
  const unwrapAll = (records: readonly JsonRecord[]) =>
    unwrap === undefined ? records : records.map((record) => unwrapRecord(record, unwrap))

  async function readDocument(
    response: HttpResponse,
    url: string,
    method: string,
    judge: JudgeContext,
  ): Promise<FetchedPage> {
    const { status, headers } = response
    const answerOf = (body: Answer['body'], text: () => string): Answer => ({
      method,
      url,
      status,
      headers,
      body,
      text,
    })
    if (status === 204) {
      judgeSuccess(
        answerOf(undefined, () => ''),
        judge,
      )
      // There is no body, so there are no records.
      await response.discard()
      return { view: { url, status, headers, body: undefined, records: [] }, records: [], bytes: 0 }
    }
    const { value, bytes, byteLength } = await readJson(response, {
      url,
      maxPageSize: limits.maxPageSize,
    }).catch((error: unknown) => {
      // What is no JSON may still be what the config speaks of, and an answer that isn't ready yet may have no body.
      const isUnreadable = error instanceof BodyUnreadableError
      if (isUnreadable || status === 202)
        judgeSuccess(
          answerOf(undefined, () => (isUnreadable ? error.excerpt : '')),
          judge,
        )
      throw error
    })
    const answer = answerOf(value, () => bytes.toString())
    judgeSuccess(answer, judge)
    if (graphql !== undefined) refuseGraphqlErrors(value, graphql, response, url)
    let records: JsonRecord[]
    try {
      records =
        connection === undefined
          ? selectRecords(value, select, { url, status })
          : selectConnection(value, { connection, optional: select.optional }, url)
    } catch (error) {
      throw error instanceof ApiErrorBodyError ? judgeErrorBody(error, answer, judge) : error
    }
    const view: PageView = { url, status, headers, body: value, records }
    return { view, records: unwrapAll(records), bytes: byteLength, body: bytes }
  }

  async function readLines(
    response: HttpResponse,
    url: string,
    method: string,
    judge: JudgeContext,
    parts: PartSink,
  ): Promise<FetchedPage> {
    const { status, headers } = response
    const answerOf = (body: Answer['body']): Answer => ({
      method,
      url,
      status,
      headers,
      body,
      text: () => '',
    })
    // The body is not read for it: an export may be long.
    judgeSuccess(answerOf(undefined), judge)
    parts.begin()
    let first = true
    await readJsonLines(response, {
      url,
      maxLineSize: limits.maxLineSize,
      batchBytes: partBytes,
      onRecords: (records, bytes) => {
        const unwrapped = unwrapAll(records)
        if (first && records.length === 1) {
          const answer = answerOf(records[0]!)
          judgeSuccess(answer, judge)
          try {
            refuseErrorLine(records[0]!, unwrapped[0]!, key, url)
          } catch (error) {
            throw judgeErrorBody(error, answer, judge)
          }
        }
        first = false
        return parts.part(unwrapped, bytes)
      },
    })
    const view: PageView = {
      url,
      status: response.status,
      headers: response.headers,
      body: undefined,
      records: [],
    }
    return { view, records: [], bytes: 0 }
  }

  const streams = options.format === 'jsonl'
  return {
    streams,
    async fetch(request, parts, signal, { onHead, values = {} } = {}) {
      const react = options.reactions?.forRequest(values)
      const about = describeValues(options.placeholders ?? [], values)
      const judge: JudgeContext = { clock: options.clock, react, about }
      const { method } = request
      try {
        return await client.request(
          request,
          (response, url) => {
            onHead?.({ url, status: response.status, headers: response.headers })
            return streams
              ? readLines(response, url, method, judge, parts)
              : readDocument(response, url, method, judge)
          },
          {
            signal,
            stream,
            quotas,
            ...(account && { account }),
            ...(attach && { attach }),
            ...(react && { react }),
            ...(about !== undefined && { about }),
          },
        )
      } catch (error) {
        const end = earlyEndOf(error)
        if (end === undefined) throw error
        const { url, status } = end.error
        return {
          view: { url, status, headers: {}, body: undefined, records: [] },
          records: [],
          bytes: 0,
          end,
        }
      }
    },
  }
}

/**
 * R2: what went wrong with a GraphQL query comes under status 200.
 * @throws HttpStatusError that is waited out like a 429, where the API wants fewer requests; else ApiErrorBodyError
 */
function refuseGraphqlErrors(
  body: Value,
  { partial, now }: NonNullable<PageFetcherOptions['graphql']>,
  { status, headers }: HttpResponse,
  url: string,
): void {
  const verdict = graphqlVerdict(body)
  if (verdict.kind === 'ok' || (verdict.kind === 'partial' && partial === 'keep')) return
  const { message } = verdict
  if (verdict.kind === 'throttled') {
    const facts = {
      method: 'POST',
      url,
      status,
      detail: message,
      excerpt: message,
      kind: 'throttled' as const,
    }
    throw new HttpStatusError({ ...facts, retryAfterMs: retryAfterMs(headers, now()) ?? verdict.waitMs })
  }
  const remedy =
    verdict.kind === 'partial'
      ? '. It holds data, too: to load that and leave out what is missing, set `graphql.partial: keep`'
      : ''
  throw new ApiErrorBodyError(url, status, message + remedy)
}

/** R2: an export that is refused under status 200 is one line, and no record of the stream. */
function refuseErrorLine(line: JsonRecord, record: JsonRecord, key: readonly string[], url: string): void {
  if (key.some((field) => Object.hasOwn(record, field))) return
  const message = errorBodyMessage(line)
  if (message !== undefined) throw new ApiErrorBodyError(url, 200, message)
}
