import type { Clock } from '../ports/runtime.ts'

interface Timer {
  readonly at: number
  readonly order: number
  /** Woken, or called off: it stays in the heap until its time. */
  done: boolean
  readonly fire: () => void
}

export interface SimulationClock extends Clock {
  /** Moves time to `until`, in milliseconds since 1970: sleepers wake in order, those of one millisecond together. */
  run(until: number): Promise<void>
}

/**
 * A clock for long simulations: as `fakeClock`, and quicker, as long as all that runs on it is promises. It takes one turn of the
 * event loop for each millisecond in which somebody wakes, and any number may sleep.
 */
export function simulationClock(start: number): SimulationClock {
  const timers: Timer[] = []
  let now = start
  let order = 0

  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const onAbort = () => {
          timer.done = true
          reject(signal!.reason)
        }
        const timer: Timer = {
          // Whole milliseconds, as a real clock has them; a timer is late rather than early.
          at: now + Math.ceil(Math.max(0, ms)),
          order: order++,
          done: false,
          fire() {
            timer.done = true
            signal?.removeEventListener('abort', onAbort)
            resolve()
          },
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        push(timers, timer)
      }),
    async run(until) {
      await turn()
      while (timers.length > 0 && timers[0]!.at <= until) {
        const { at } = timers[0]!
        if (timers[0]!.done) {
          pop(timers)
          continue
        }
        now = Math.max(now, at)
        while (timers.length > 0 && timers[0]!.at === at) {
          const timer = pop(timers)
          if (!timer.done) timer.fire()
        }
        await turn()
      }
      now = Math.max(now, until)
    },
  }
}

/** All promises that can be settled are settled when it resolves. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

// A binary heap, the earliest on top.

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function push(heap: Timer[], timer: Timer): void {
  let index = heap.length
  heap.push(timer)
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (!before(timer, heap[parent]!)) break
    heap[index] = heap[parent]!
    index = parent
  }
  heap[index] = timer
}

function pop(heap: Timer[]): Timer {
  const top = heap[0]!
  const last = heap.pop()!
  if (heap.length === 0) return top
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
    if (!before(heap[child]!, last)) break
    heap[index] = heap[child]!
    index = child
  }
  heap[index] = last
  return top
}
