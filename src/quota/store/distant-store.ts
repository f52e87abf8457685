// For tests: a store on another machine, and the processes that share it.
import type { Clock } from '../../ports/runtime.ts'
import type { QuotaStore } from './quota-store.ts'

export interface Distance {
  readonly clock: Clock
  readonly random: () => number
  /** Each way takes up to so long, in milliseconds. */
  readonly latencyMs: number
  /** The process that asks by it: once it is dead the store hears nothing of it. */
  readonly life?: AbortSignal
}

/** A store that takes some time to answer, as one on another machine does. */
export function distantStore(store: QuotaStore, { clock, random, latencyMs, life }: Distance): QuotaStore {
  const way = async () => {
    await clock.sleep(Math.ceil(random() * latencyMs))
    if (life?.aborted) await new Promise(() => {})
  }
  const there = async <T>(ask: () => Promise<T>): Promise<T> => {
    await way()
    const answer = await ask()
    await way()
    return answer
  }
  return {
    lease: (ask) => there(() => store.lease(ask)),
    settle: (...told) => there(() => store.settle(...told)),
    pause: (...told) => there(() => store.pause(...told)),
    hold: (ask) => there(() => store.hold(ask)),
    async [Symbol.asyncDispose]() {},
  }
}
