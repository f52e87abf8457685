/** Time. The only clock in the product; a fake one runs a simulated day in milliseconds. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** One request as it goes on the wire. Header names are lower case. */
export interface HttpRequest {
  readonly method: string
  /** Absolute, with its query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Limits of this request's parts, in milliseconds. Without them the transport's own hold. */
  readonly timeouts?: { readonly connect: number; readonly headers: number; readonly body: number }
  /** What the connection shows and trusts. Requests share connections where this is the same object. */
  readonly tls?: TlsIdentity
  /** What it goes through; `none`: it is sent directly. Without it the transport's own rule holds. */
  readonly proxy?: HttpProxy | 'none'
}

/** An HTTP proxy. */
export interface HttpProxy {
  /** As in `http://proxy.example.com:3128`. */
  readonly origin: string
  /** Its `proxy-authorization`. */
  readonly authorization?: string
}

/** The client's side of TLS, in PEM. */
export interface TlsIdentity {
  /** The client's certificate, and those between it and its authority. */
  readonly cert?: string
  /** Its private key, not encrypted. */
  readonly key?: string
  /** Authorities to trust beside the well-known ones. */
  readonly ca?: string
  /** What the server's certificate is checked against, in place of the host. */
  readonly serverName?: string
}

/** Header names are lower case; a header that came on several lines is an array. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export interface HttpResponse {
  readonly status: number
  readonly headers: HttpHeaders
  /** The body's bytes as they were sent (still compressed). Iterate it once, to the end, or call `discard`. */
  readonly body: AsyncIterable<Uint8Array>
  /** Gives the connection back without reading the rest. */
  discard(): Promise<void>
}

/** Sends one request and resolves when the headers have arrived. Rejects with a `TransportError` or `TimeoutError`. Follows no redirect. */
export type Transport = (request: HttpRequest, signal?: AbortSignal) => Promise<HttpResponse>

/** What the outside world is, handed in once: nothing else reads the clock, draws a number or opens a socket. */
export interface Runtime {
  readonly transport: Transport
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
}
