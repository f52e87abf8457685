import type { Clock } from '../ports/runtime.ts'

interface Timer {
  readonly at: number
  readonly order: number
  fire(): void
}

export interface FakeClock extends Clock {
  /** Moves time forward by `ms`, waking sleepers in order, and lets each one's work settle before the next wakes. */
  advance(ms: number): Promise<void>
  /** How many are asleep. */
  readonly sleepers: number
  /** Stops an automatic clock, so that nothing keeps the process alive. */
  stop(): void
}

export interface FakeClockOptions {
  /** Start, in milliseconds since 1970. Default: 2026-01-31T00:00:00Z. */
  readonly start?: number
  /**
   * Moves time to the next sleeper by itself whenever everything else has come to rest, so that a simulated day passes in
   * milliseconds. Default false: time moves with `advance` only.
   */
  readonly auto?: boolean
}

/** A clock for tests: time moves when it is told to, or, automatic, when nothing else is left to do. */
export function fakeClock(options: FakeClockOptions = {}): FakeClock {
  const timers: Timer[] = []
  let now = options.start ?? Date.parse('2026-01-31T00:00:00Z')
  let order = 0
  let ticking = false
  let stopped = false

  function wakeNext(): void {
    const timer = timers.shift()!
    now = Math.max(now, timer.at)
    timer.fire()
  }
  // Two turns of the event loop let promises, and callbacks that a first turn queued, come to rest.
  function tick(): void {
    if (ticking || stopped || timers.length === 0) return
    ticking = true
    setImmediate(() =>
      setImmediate(() => {
        ticking = false
        if (timers.length > 0 && !stopped) wakeNext()
        tick()
      }),
    )
  }

  return {
    now: () => now,
    get sleepers() {
      return timers.length
    },
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const onAbort = () => {
          const index = timers.indexOf(timer)
          if (index >= 0) timers.splice(index, 1)
          reject(signal!.reason)
        }
        const timer: Timer = {
          // Whole milliseconds, as a real clock has them; a timer is late rather than early.
          at: now + Math.ceil(Math.max(0, ms)),
          order: order++,
          fire() {
            signal?.removeEventListener('abort', onAbort)
            resolve()
          },
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        let index = timers.length
        while (index > 0 && timers[index - 1]!.at > timer.at) index--
        timers.splice(index, 0, timer)
        if (options.auto) tick()
      })
    },
    async advance(ms) {
      const end = now + ms
      await settle()
      while (timers.length > 0 && timers[0]!.at <= end) {
        wakeNext()
        await settle()
      }
      now = end
    },
    stop() {
      stopped = true
    },
  }
}

/** Lets promises and queued callbacks run until they come to rest. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}
