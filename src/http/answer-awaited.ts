import { isSluiceError } from '../errors.ts'
import type { Layer } from './layer.ts'

/**
 * An attempt that nobody wants any more before it is sent is none: it is not sent, and gives its quota back. One that was sent before its
 * stream was paused for want of quota has been counted by the API: its answer is waited for, so that reports and quotas count as the API
 * does. Whatever else stops a stream cuts off what is under way.
 */
export const awaitAnswer: Layer = (next) => async (call, consume) => {
  const { signal, permit } = call
  if (signal === undefined) return next(call, consume)
  if (signal.aborted) permit?.cancel?.()
  signal.throwIfAborted()
  const cut = new AbortController()
  const onAbort = () => {
    if (!isPause(signal.reason)) cut.abort(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await next({ ...call, signal: cut.signal }, consume)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function isPause(reason: unknown): boolean {
  return isSluiceError(reason) && reason.resumeAt !== undefined
}
