import type { Client } from '../../http/client.ts'
import { errorBodyMessage } from '../../http/decode/error-body.ts'
import { readJson } from '../../http/decode/json.ts'
import { readJsonLines } from '../../http/decode/json-lines.ts'
import type { BodyLimits } from '../../http/decode/limits.ts'
import type { Attach } from '../../http/secret-parts.ts'
import type { PageHead, PageView } from '../../pagination/paginator.ts'
import type { JsonRecord } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { HttpResponse } from '../../ports/runtime.ts'
import type { Quota } from '../../quota/quota.ts'
import { ApiErrorBodyError, selectRecords, unwrapRecord } from '../response/select.ts'

/** A page as it came. */
export interface FetchedPage {
  readonly view: PageView
  /** The records that were not handed on as parts, after `unwrap`. */
  readonly records: readonly JsonRecord[]
  /** Size of those records as they were sent, decompressed, in bytes. */
  readonly bytes: number
  /** The body, to tell a page that repeats (R1). Absent where it was streamed. */
  readonly body?: Buffer
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
  /**
   * @param onHead told of a success as soon as its head is there; again where the body broke off and the page is asked for once more. It
   *   must not wait: the request holds its place among those under way until its body has come
   */
  fetch(
    request: RequestSpec,
    parts: PartSink,
    signal: AbortSignal,
    onHead?: (head: PageHead) => void,
  ): Promise<FetchedPage>
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
  readonly limits: BodyLimits
}

/** Parts of a streamed body are about this large: a page of a common size. */
const partBytes = 1 << 20

export function pageFetcher(options: PageFetcherOptions): PageFetcher {
  const { client, stream, key, quotas, attach, unwrap, limits } = options
  const select = { path: options.records, optional: options.optionalRecords }
  const unwrapAll = (records: readonly JsonRecord[]) =>
    unwrap === undefined ? records : records.map((record) => unwrapRecord(record, unwrap))

  async function readDocument(response: HttpResponse, url: string): Promise<FetchedPage> {
    const { value, bytes, byteLength } = await readJson(response, { url, maxPageSize: limits.maxPageSize })
    const records = selectRecords(value, select, { url, status: response.status })
    const view: PageView = { url, status: response.status, headers: response.headers, body: value, records }
    return { view, records: unwrapAll(records), bytes: byteLength, body: bytes }
  }

  async function readLines(response: HttpResponse, url: string, parts: PartSink): Promise<FetchedPage> {
    parts.begin()
    let first = true
    await readJsonLines(response, {
      url,
      maxLineSize: limits.maxLineSize,
      batchBytes: partBytes,
      onRecords: (records, bytes) => {
        const unwrapped = unwrapAll(records)
        if (first && records.length === 1) refuseErrorLine(records[0]!, unwrapped[0]!, key, url)
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
    fetch: (request, parts, signal, onHead) =>
      client.request(
        request,
        (response, url) => {
          onHead?.({ url, status: response.status, headers: response.headers })
          return streams ? readLines(response, url, parts) : readDocument(response, url)
        },
        { signal, stream, quotas, ...(attach && { attach }) },
      ),
  }
}

/** R2: an export that is refused under status 200 is one line, and no record of the stream. */
function refuseErrorLine(line: JsonRecord, record: JsonRecord, key: readonly string[], url: string): void {
  if (key.some((field) => Object.hasOwn(record, field))) return
  const message = errorBodyMessage(line)
  if (message !== undefined) throw new ApiErrorBodyError(url, 200, message)
}
