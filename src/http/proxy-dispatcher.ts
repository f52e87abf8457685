// Requests through an HTTP proxy, by undici's ProxyAgent: a tunnel (CONNECT) to where TLS is spoken, absolute addresses (RFC 9112 §3.2.2)
// elsewhere, which proxies let through that tunnel to port 443 alone.
import { buildConnector, type Dispatcher, Pool, ProxyAgent } from 'undici'
import type { HttpProxy } from '../ports/runtime.ts'
import { TransportError } from './errors.ts'

/** What went wrong before the proxy gave a connection to the API. */
export class ProxyFailure extends Error {
  readonly proxy: HttpProxy
  /** What the proxy answered in place of opening a tunnel. */
  readonly status: number | undefined
  override readonly cause: Error
  constructor(proxy: HttpProxy, cause: Error) {
    super(cause.message, { cause })
    this.cause = cause
    this.proxy = proxy
    // undici keeps the status in its message alone.
    const status = /^Proxy response \((\d+)\)/.exec(cause.message)?.[1]
    this.status = status === undefined ? undefined : Number(status)
  }
}

export interface ProxyDispatcherOptions {
  /** Of the pool of connections to an API. */
  readonly pooled: Pool.Options
  /** Longest wait for the tunnel, in milliseconds. */
  readonly connectMs: number
  readonly toOrigin: buildConnector.BuildOptions
  readonly toProxy: buildConnector.BuildOptions
}

/** Connections through the proxy to one origin. */
export function proxyDispatcher(
  proxy: HttpProxy,
  origin: string,
  options: ProxyDispatcherOptions,
): Dispatcher {
  return origin.startsWith('https:') ? tunnels(proxy, options) : forwarded(proxy, options)
}

function tunnels(
  proxy: HttpProxy,
  { pooled, connectMs, toOrigin, toProxy }: ProxyDispatcherOptions,
): Dispatcher {
  return new ProxyAgent({
    uri: proxy.origin,
    ...(proxy.authorization !== undefined && { token: proxy.authorization }),
    requestTls: toOrigin,
    proxyTls: toProxy,
    // What it waits for is the tunnel, which is a part of connecting.
    clientFactory: (origin, given) => new Pool(origin, { ...given, headersTimeout: connectMs }),
    factory: (origin, given) => {
      const { connect } = given as { connect: buildConnector.connector }
      return new Pool(origin, { ...pooled, connect: telling(proxy, connect) })
    },
  })
}

/** undici's own way of doing this keeps a connection occupied that was answered by 407. */
function forwarded(proxy: HttpProxy, { pooled, toProxy }: ProxyDispatcherOptions): Dispatcher {
  const { origin, authorization } = proxy
  const connect = telling(proxy, buildConnector({ ...toProxy, allowH2: false }))
  const toAddress: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (request, handler) => {
    const target = new URL(String(request.origin))
    const headers = {
      ...(request.headers as Record<string, string>),
      host: target.host,
      ...(authorization !== undefined && { 'proxy-authorization': authorization }),
    }
    return dispatch({ ...request, origin, path: target.origin + request.path, headers }, handler)
  }
  return new Pool(origin, { ...pooled, allowH2: false, connect }).compose(toAddress)
}

/** The same connections, whose failures are told from those of requests. */
function telling(proxy: HttpProxy, connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) =>
    connect(target, (...[error, socket]) => {
      if (error === null) callback(null, socket!)
      else callback(new ProxyFailure(proxy, error), null)
    })
}

/** What the proxy says in place of passing a request on. */
export function proxyStatusError(url: string, proxy: HttpProxy, status: number): TransportError {
  return new TransportError(url, `PROXY_${status}`, problemOf(proxy, status), {
    sent: false,
    recovery: status >= 500 || status === 429 ? 'retry' : 'fix-config',
  })
}

function problemOf({ origin, authorization }: HttpProxy, status: number): string {
  if (status !== 407) return `the proxy ${origin} answered ${status} in place of connecting to the API`
  return authorization === undefined
    ? `the proxy ${origin} wants a credential (407): put it into its address, as in "http://\${env:PROXY_USER}:\${env:PROXY_PASSWORD}@${new URL(origin).host}", in \`proxy\` of the source or in the variable that names it`
    : `the proxy ${origin} refuses the credential that its address holds (407): correct it in \`proxy\` of the source, or in the variable that names it`
}
