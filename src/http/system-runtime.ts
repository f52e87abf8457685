import type { Clock, Runtime } from '../ports/runtime.ts'
import { environmentProxy } from './environment-proxy.ts'
import { type ClosableTransport, type UndiciTransportOptions, undiciTransport } from './transport.ts'

/** setTimeout counts in 32 bits; a longer delay would fire at once. */
const longestTimer = 2_147_483_647

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    const end = Date.now() + ms
    for (;;) {
      const left = end - Date.now()
      await pause(Math.min(Math.max(0, left), longestTimer), signal)
      if (left <= longestTimer) return
    }
  },
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** The runtime of a real process, whose environment may name proxies. Close its transport at the end, or connections keep the process alive for some seconds. */
export function systemRuntime(
  options: UndiciTransportOptions = {},
): Runtime & { readonly transport: ClosableTransport } {
  return {
    transport: undiciTransport({ proxyFor: environmentProxy(process.env), ...options }),
    clock: systemClock,
    random: Math.random,
  }
}
