import type { HttpRequest } from '../ports/runtime.ts'
import { AuthRefusedError, HttpStatusError } from './errors.ts'
import type { Call, Layer } from './layer.ts'

/**
 * The layers of a call's credential. `sign` puts it on each attempt. `prepare` lies outside the quota, so that nobody holds a permit while a
 * token is fetched: what a bucket counted as sent would leave later, beside what it has let in since (Q1). Where a token grows old
 * during the wait for quota, the permit is given back and the token renewed, once: where waits are longer than tokens live, it is
 * renewed with the permit in hand. `renewOnce` lies outside the quota, so that the repeat after a 401 (or what the config takes for one) is
 * paid for like any other request: it renews the credential, asks once more, and takes a second 401 for an answer.
 */
export function authLayers(): { renewOnce: Layer; prepare: Layer; sign: Layer } {
  // What was refused, kept beside the error instead of in it (S1).
  const signed = new WeakMap<HttpStatusError, HttpRequest>()

  const prepare: Layer = (next) => async (call, consume) => {
    const { auth } = call.account
    if (auth === undefined) return next(call, consume)
    await auth.prepare?.(call.signal)
    const outdated = new Error('the token has grown old')
    const recheck = () => {
      call.recheck()
      if (auth.isReady?.() === false) throw outdated
    }
    try {
      return await next({ ...call, recheck }, consume)
    } catch (error) {
      if (error !== outdated) throw error
    }
    await auth.prepare?.(call.signal)
    return next(call, consume)
  }

  const sign: Layer = (next) => async (call, consume) => {
    const { auth } = call.account
    if (auth === undefined) return next(call, consume)
    const request = await auth.sign(call.request, call.signal)
    try {
      return await next({ ...call, request }, consume)
    } catch (error) {
      if (isRefusal(error)) signed.set(error, request)
      throw error
    }
  }

  async function renew(refusal: HttpStatusError, call: Call): Promise<boolean> {
    const request = signed.get(refusal)
    const { auth } = call.account
    if (request === undefined || auth?.renew === undefined) return false
    return auth.renew(request, call.signal)
  }

  const renewOnce: Layer = (next) => async (call, consume) => {
    let renewed = false
    for (;;) {
      try {
        return await next(call, consume)
      } catch (error) {
        if (!isRefusal(error) || !signed.has(error)) throw error
        if (renewed || !(await renew(error, call))) {
          // What the config says of it holds once it is sure that no old token was the reason.
          throw endsSlice(error) ? error : new AuthRefusedError(error, renewed)
        }
        renewed = true
      }
    }
  }
  return { renewOnce, prepare, sign }
}

function isRefusal(error: unknown): error is HttpStatusError {
  return error instanceof HttpStatusError && error.kind === 'credential'
}

function endsSlice({ action }: HttpStatusError): boolean {
  return action === 'ignore' || action === 'skip-record' || action === 'stop-slice'
}
