import type { Client } from '../../http/client.ts'
import { isStreamed } from '../../http/decode/format-options.ts'
import type { Attach } from '../../http/secret-parts.ts'
import type { PageHead } from '../../pagination/paginator.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { Quota } from '../../quota/quota.ts'
import {
  type FetchedPage,
  type PartSink,
  type ResponseOptions,
  responseReader,
} from '../response/read-response.ts'

export type { FetchedPage, PartSink } from '../response/read-response.ts'

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

export interface PageFetcherOptions extends ResponseOptions {
  readonly client: Client
  /** Quotas of the stream's endpoint alone. */
  readonly quotas: readonly Quota[]
  /** Puts the secrets among headers and query parameters on each attempt (S1). */
  readonly attach?: Attach
}

export function pageFetcher(options: PageFetcherOptions): PageFetcher {
  const { client, stream, quotas, attach } = options
  const read = responseReader(options)
  return {
    streams: isStreamed(options.format),
    fetch: (request, parts, signal, onHead) =>
      client.request(
        request,
        (response, url) => {
          onHead?.({ url, status: response.status, headers: response.headers })
          return read(response, url, parts)
        },
        { signal, stream, quotas, ...(attach && { attach }) },
      ),
  }
}
