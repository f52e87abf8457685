import type { HttpHeaders } from '../ports/runtime.ts'
import { RedirectRefusedError } from './errors.ts'
import type { Layer } from './layer.ts'
import type { Origins } from './request-url.ts'

/** An attempt was answered with a redirect: for the redirect layer alone. */
export class RedirectReceived extends Error {
  readonly status: number
  readonly target: string
  constructor(status: number, target: string) {
    super(`redirected (${status})`)
    this.status = status
    this.target = target
  }
}

/** Where a response redirects to, absolute; `undefined` where it is no redirect. */
export function redirectTarget(status: number, headers: HttpHeaders, url: string): string | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined
  const location = headers['location']
  return typeof location === 'string' && URL.canParse(location, url) ? new URL(location, url).href : undefined
}

const mostRedirects = 5

/**
 * Follows redirects within the allowed origins (R3), each as a request of its own with quota, signature and retries. Only what is safe to
 * ask twice is followed: a redirected POST might become a GET or happen at the wrong place.
 * @throws RedirectRefusedError
 */
export function followRedirects(origins: Origins): Layer {
  return (next) => async (call, consume) => {
    let hop = call
    for (let hops = 0; ; hops++) {
      try {
        return await next(hop, consume)
      } catch (error) {
        if (!(error instanceof RedirectReceived)) throw error
        const refuse = (why: string) => new RedirectRefusedError(hop.url, error.target, error.status, why)
        const target = new URL(error.target)
        if (!origins.allowed.has(target.origin))
          throw refuse(
            `the credential is not sent from ${new URL(hop.url).origin} to ${target.origin}; if both belong to one API, list ${target.origin} in allowedOrigins`,
          )
        const { method } = hop.request
        if (method !== 'GET' && method !== 'HEAD')
          throw refuse(`a ${method} is not sent to another address: configure the new one`)
        if (hops === mostRedirects) throw refuse(`more than ${mostRedirects} redirects, begun at ${call.url}`)
        target.hash = ''
        hop = { ...hop, url: target.href, request: { ...hop.request, url: target.href } }
      }
    }
  }
}
