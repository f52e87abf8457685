// The client's chain, outermost first:
//   retry ( breaker ( quota ( auth ( transport ) ) ) )
// Each attempt waits for quota and is signed afresh; an open breaker spends no quota.
import type { RequestSpec } from '../ports/request.ts'
import type { HttpRequest, HttpResponse } from '../ports/runtime.ts'

/** One request on its way through the chain. */
export interface Call {
  readonly request: HttpRequest
  readonly signal: AbortSignal | undefined
  /** Names the stream in events. */
  readonly stream: string | undefined
  /** From 1; counts the attempts of the retry layer. */
  readonly attempt: number
}

/** A layer's inside: takes a call, gives the response or throws. */
export type Send = (call: Call) => Promise<HttpResponse>

/** One layer of the chain. */
export type Layer = (next: Send) => Send

export interface ClientRequestOptions {
  readonly signal?: AbortSignal
  /** Names the stream in events. */
  readonly stream?: string
}

/** Asks one API, within its quotas. */
export interface Client extends AsyncDisposable {
  /** The absolute URL of a request, query included: what `request` will ask. */
  resolve(spec: RequestSpec): string
  /**
   * Sends a request and reads its response. `consume` is a part of the attempt: where it fails with an error whose recovery is
   * `retry` (a truncated body), the whole attempt is repeated, and `consume` is called again with a fresh response.
   * Responses of 400 and above, and redirects, never reach it: they are errors.
   */
  request<T>(
    spec: RequestSpec,
    consume: (response: HttpResponse, url: string) => Promise<T>,
    options?: ClientRequestOptions,
  ): Promise<T>
}
