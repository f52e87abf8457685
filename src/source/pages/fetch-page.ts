import type { Client } from '../../http/client.ts'
import { isStreamed } from '../../http/decode/format-options.ts'
import type { Account } from '../../http/layer.ts'
import type { Attach } from '../../http/secret-parts.ts'
import type { PageHead } from '../../pagination/paginator.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { Clock } from '../../ports/runtime.ts'
import type { Quota } from '../../quota/quota.ts'
import type { TemplateValues } from '../../template/request-template.ts'
import { earlyEndOf } from '../reactions/judge-success.ts'
import { describeValues } from '../reactions/message.ts'
import type { Reactions } from '../reactions/reactions.ts'
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

export interface PageFetcherOptions extends ResponseOptions {
  readonly client: Client
  /** Quotas of the stream's endpoint alone. */
  readonly quotas: readonly Quota[]
  /** Puts the secrets among headers and query parameters on each attempt (S1). */
  readonly attach?: Attach
  /** The account that asks, where it is not the client's own. */
  readonly account?: Account
  readonly clock: Clock
  /** What the config says of responses. */
  readonly reactions?: Reactions | undefined
  /** The placeholders of the request, which messages name with their values. */
  readonly placeholders?: readonly string[]
}

export function pageFetcher(options: PageFetcherOptions): PageFetcher {
  const { client, stream, quotas, attach, account, clock } = options
  const read = responseReader(options)
  return {
    streams: isStreamed(options.format),
    async fetch(request, parts, signal, { onHead, values = {} } = {}) {
      const react = options.reactions?.forRequest(values)
      const about = describeValues(options.placeholders ?? [], values)
      const judge = { clock, react, about, method: request.method }
      try {
        return await client.request(
          request,
          (response, url, charge) => {
            onHead?.({ url, status: response.status, headers: response.headers })
            return read(response, url, parts, { ...judge, onBody: (body) => charge({ body }) })
          },
          {
            signal,
            stream,
            quotas,
            values,
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
        const view = { url, status, headers: {}, body: undefined, records: [] }
        return { view, records: [], bytes: 0, end }
      }
    },
  }
}
