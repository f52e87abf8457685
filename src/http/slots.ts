/** Slots for work that may go on side by side; waiting is first come, first served. */
export interface Slots {
  /** Resolves when a slot is free, and takes it. An aborted wait gives its place up. */
  take(signal?: AbortSignal): Promise<void>
  /** Gives a slot back. */
  release(): void
}

export function slots(count: number): Slots {
  let free = count
  // A Set keeps the order of arrival and drops an aborted waiter in constant time.
  const waiting = new Set<() => void>()
  return {
    take(signal) {
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (free > 0) {
        free--
        return Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        const enter = () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        }
        const onAbort = () => {
          waiting.delete(enter)
          reject(signal!.reason)
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        waiting.add(enter)
      })
    },
    release() {
      const [next] = waiting
      if (next === undefined) free++
      else {
        waiting.delete(next)
        next()
      }
    },
  }
}
