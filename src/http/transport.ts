import { rootCertificates } from 'node:tls'
import { type buildConnector, Client, type Dispatcher, Pool } from 'undici'
import { z } from 'zod'
import { duration } from '../options/duration.ts'
import type { HttpProxy, HttpRequest, HttpResponse, TlsIdentity, Transport } from '../ports/runtime.ts'
import { BodyTruncatedError, TimeoutError, TransportError } from './errors.ts'
import { ProxyFailure, proxyDispatcher, proxyStatusError } from './proxy-dispatcher.ts'

/** The parts of one request that may not take longer than their limit. */
export const timeoutOptions = z.strictObject({
  connect: duration.prefault('10s').describe('Longest wait for a connection, TLS included. Default: 10s.'),
  headers: duration
    .prefault('60s')
    .describe('Longest wait for the response headers, once the request is sent. Default: 60s.'),
  body: duration.prefault('60s').describe('Longest pause between two parts of the body. Default: 60s.'),
})
/** Milliseconds. */
export type Timeouts = z.output<typeof timeoutOptions>
export const defaultTimeouts: Timeouts = timeoutOptions.parse({})

export interface UndiciTransportOptions {
  /** Connections per origin. HTTP/2 carries many requests on each. Default: 10. */
  readonly connections?: number
  /** Uses HTTP/2 where the server offers it (ALPN). Default: true. */
  readonly allowH2?: boolean
  /** Milliseconds, for requests that bring none of their own. Default: those of `timeoutOptions`. */
  readonly timeouts?: Partial<Timeouts>
  /** How long an idle connection is kept, in milliseconds, where the server does not say. Default: 4,000. */
  readonly keepAliveMs?: number
  /** Certificates to trust beside the system's, in PEM: for a server whose certificate is its own. */
  readonly ca?: string | readonly string[]
  /** The proxy for a request that names none itself. Default: all are sent directly; `systemRuntime` asks the environment. */
  readonly proxyFor?: (url: URL) => HttpProxy | undefined
}

/** A transport that holds connections. */
export interface ClosableTransport extends Transport, AsyncDisposable {
  /** Lets what is under way end, then closes every connection. */
  close(): Promise<void>
}

/** Sends requests over pools of kept-alive connections, one pool an origin. Follows no redirect and inflates nothing. */
export function undiciTransport(options: UndiciTransportOptions = {}): ClosableTransport {
  const defaults = { ...defaultTimeouts, ...options.timeouts }
  const pools = new Map<string, Dispatcher>()
  const identities = new Map<TlsIdentity | undefined, number>()
  let closed = false

  function poolFor(
    origin: string,
    connectMs: number,
    tls: TlsIdentity | undefined,
    proxy: HttpProxy | undefined,
  ): Dispatcher {
    const identity = identities.get(tls) ?? identities.size
    identities.set(tls, identity)
    // The connect timeout and a certificate belong to a connection, so requests that differ in them don't share one.
    const key = `${origin} ${connectMs} ${identity} ${proxy?.origin} ${proxy?.authorization}`
    let pool = pools.get(key)
    if (pool === undefined) {
      const allowH2 = options.allowH2 ?? true
      const pooled = {
        connections: options.connections ?? 10,
        allowH2,
        factory: multiplexed,
        keepAliveTimeout: options.keepAliveMs ?? 4000,
      }
      const connect = { timeout: connectMs, ...tlsOf(tls, options.ca) }
      pool =
        proxy === undefined
          ? new Pool(origin, { ...pooled, connect })
          : proxyDispatcher(proxy, origin, {
              pooled,
              connectMs,
              toOrigin: { ...connect, allowH2 },
              // Whoever is trusted for the API is trusted for the proxy; the certificate of the source is the API's to see.
              toProxy: {
                timeout: connectMs,
                ...tlsOf(tls?.ca === undefined ? {} : { ca: tls.ca }, options.ca),
              },
            })
      pools.set(key, pool)
    }
    return pool
  }

  async function send(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
    signal?.throwIfAborted()
    const url = new URL(request.url)
    const timeouts = request.timeouts ?? defaults
    const named = nameOf(url)
    if (closed)
      throw new TransportError(named, 'CLOSED', 'the transport is closed', {
        sent: false,
        recovery: 'stop-run',
      })
    const proxy = request.proxy === 'none' ? undefined : (request.proxy ?? options.proxyFor?.(url))
    try {
      const response = await poolFor(url.origin, timeouts.connect, request.tls, proxy).request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method as 'GET',
        headers: request.headers as Record<string, string>,
        body: request.body ?? null,
        headersTimeout: timeouts.headers,
        bodyTimeout: timeouts.body,
        ...(signal === undefined ? {} : { signal }),
      })
      const body = response.body
      // The proxy itself, which reads requests without TLS; an API has no reason to answer so.
      if (proxy !== undefined && url.protocol === 'http:' && response.statusCode === 407) {
        await body.dump({ limit: 65_536 }).catch(() => {})
        throw proxyStatusError(named, proxy, 407)
      }
      return {
        status: response.statusCode,
        headers: response.headers,
        body: readBody(body, named, timeouts, signal),
        async discard() {
          // `dump` reads a small rest, which keeps the connection, and breaks a long one off.
          if (!body.closed) await body.dump({ limit: 65_536 }).catch(() => {})
        },
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (error instanceof TransportError) throw error
      throw translate(error, named, timeouts)
    }
  }

  async function close(): Promise<void> {
    closed = true
    await Promise.all([...pools.values()].map((pool) => pool.close()))
  }
  return Object.assign(send, { close, [Symbol.asyncDispose]: close })
}

/** Options of a connection. Node takes `ca` in place of the authorities that it knows, so they are named again. */
function tlsOf(tls: TlsIdentity = {}, trusted: UndiciTransportOptions['ca'] = []): object {
  const { cert, key, ca, serverName } = tls
  const own = [trusted, ca ?? []].flat()
  return {
    ...(own.length > 0 && { ca: [...rootCertificates, ...own] }),
    ...(cert !== undefined && { cert, key }),
    ...(serverName !== undefined && { servername: serverName }),
  }
}

/** Streams on one HTTP/2 connection: what RFC 9113 §6.5.2 advises servers to allow at least. A server that allows fewer is heeded. */
const streamsPerConnection = 100

/** undici sends one request at a time on a connection unless told otherwise: right for HTTP/1.1, a waste of HTTP/2. */
function multiplexed(origin: URL, given: object): Client {
  const options = given as Client.Options & { connect: buildConnector.connector }
  const client = new Client(origin, {
    ...options,
    connect(target, callback) {
      options.connect(target, (...outcome) => {
        const socket = outcome[1]
        if (socket)
          client.pipelining =
            'alpnProtocol' in socket && socket.alpnProtocol === 'h2' ? streamsPerConnection : 1
        callback(...outcome)
      })
    },
  })
  return client
}

async function* readBody(
  body: AsyncIterable<Uint8Array>,
  url: string,
  timeouts: Timeouts,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0
  const chunks = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      let step: IteratorResult<Uint8Array>
      try {
        step = await chunks.next()
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        if (codeOf(error) === 'UND_ERR_BODY_TIMEOUT')
          throw new TimeoutError(url, 'body', timeouts.body, { cause: error })
        throw new BodyTruncatedError(url, `${received} bytes arrived, then ${describe(error)}`, {
          cause: error,
        })
      }
      if (step.done) return
      received += step.value.byteLength
      yield step.value
    }
  } finally {
    await chunks.return?.()
  }
}

/** Causes that no repeat heals: the server's certificate, and requests that can't be put on the wire. */
const lasting =
  /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|UNABLE_TO_|ERR_SSL_|UND_ERR_INVALID_ARG$|UND_ERR_NOT_SUPPORTED$|UND_ERR_REQ_CONTENT_LENGTH_MISMATCH$)/
/** Causes that arise before a connection exists. */
const unsent =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|EHOSTDOWN|EADDRNOTAVAIL|CERT_.*|ERR_TLS_CERT_.*|.*SELF_SIGNED_CERT.*|UNABLE_TO_.*|UND_ERR_INVALID_ARG)$/

function translate(error: unknown, url: string, timeouts: Timeouts): Error {
  if (error instanceof ProxyFailure) return translateProxy(error, url, timeouts)
  const code = codeOf(error)
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return new TimeoutError(url, 'connect', timeouts.connect, { cause: error })
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return new TimeoutError(url, 'headers', timeouts.headers, { cause: error })
  const connecting =
    error instanceof Error && 'syscall' in error && /^(connect|getaddrinfo)/.test(String(error.syscall))
  return new TransportError(url, code, describe(error), {
    sent: !(connecting || unsent.test(code)),
    recovery: lasting.test(code) ? 'fix-config' : 'retry',
    cause: error,
  })
}

/** No tunnel to the API came to be: the API has seen nothing of the request. */
function translateProxy({ proxy, status, cause }: ProxyFailure, url: string, timeouts: Timeouts): Error {
  if (status !== undefined) return proxyStatusError(url, proxy, status)
  const code = codeOf(cause)
  if (/^UND_ERR_(CONNECT|HEADERS)_TIMEOUT$/.test(code))
    return new TimeoutError(`${url} by the proxy ${proxy.origin}`, 'connect', timeouts.connect, { cause })
  return new TransportError(url, code, `by the proxy ${proxy.origin}: ${describe(cause)}`, {
    sent: false,
    recovery: lasting.test(code) ? 'fix-config' : 'retry',
    cause,
  })
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN'
  if ('code' in error && typeof error.code === 'string') {
    // undici wraps what happened to the socket in an error of its own; several addresses fail as one AggregateError.
    const inner = error.cause
    if (error.code.startsWith('UND_ERR_SOCKET') && inner instanceof Error && 'code' in inner)
      return String(inner.code)
    return error.code
  }
  return error.name
}

/** Alerts by which a server says that a client's certificate is missing or not good enough (RFC 8446 §6.2, RFC 5246 §7.2). */
const certificateAlert =
  /^ERR_SSL_[\w/]*ALERT_(CERTIFICATE_\w+|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)$/

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (certificateAlert.test(codeOf(error)))
    return 'the server refused the TLS handshake: it asks for a client certificate, or does not take the one that it was shown; see `tls` of the source'
  if (error.message !== '') return error.message
  if (error instanceof AggregateError) return error.errors.map((one: unknown) => describe(one)).join('; ')
  return codeOf(error)
}

/** The URL without its query, which may hold a credential (S1). */
function nameOf(url: URL): string {
  return url.origin + url.pathname
}
