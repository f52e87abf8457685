// Sends as many requests as a meter allows to a model of an API, in simulated time: an hour of it passes in a second.
import type { Meter } from '../quota/meters/meter.ts'
import type { RateLimiterModel } from './rate-limiter-models.ts'

export interface SaturateOptions {
  readonly meter: Meter
  readonly api: RateLimiterModel
  /** Requests in flight or waiting, at all times. */
  readonly concurrency: number
  readonly durationMs: number
  /** Whether a refusal comes with `Retry-After`, in whole seconds. */
  readonly retryAfter: boolean
  readonly random: () => number
  /** Of each request, in milliseconds, the way there and back together: uniform between these. */
  readonly latencyMs: readonly [number, number]
  /** Where in the API's windows it begins. */
  readonly start?: number
  /** Done at these times after the start. */
  readonly changes?: readonly { readonly atMs: number; readonly factor: number }[]
}

export interface Saturated {
  /** Of what the API granted, the share that was used. */
  readonly used: number
  /** Of what was sent, the share that was refused. */
  readonly refused: number
  readonly accepted: number
}

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export function saturate(options: SaturateOptions): Saturated {
  const { meter, api, concurrency, durationMs, retryAfter, random, latencyMs } = options
  const start = options.start ?? 0
  const end = start + durationMs
  const grantedBefore = api.granted(start)
  const events = new EventQueue()
  let now = start
  let waiting = concurrency
  let wakeAt = Number.POSITIVE_INFINITY
  let sent = 0
  let accepted = 0
  let refused = 0

  function serve(): void {
    while (waiting > 0) {
      const at = Math.ceil(meter.readyAt(1, now))
      if (at > now) {
        if (at < Number.POSITIVE_INFINITY && (at < wakeAt || wakeAt <= now)) {
          wakeAt = at
          events.add(at, () => at === wakeAt && serve())
        }
        return
      }
      waiting--
      send()
    }
  }
  function send(): void {
    const request = { cost: 1, sentAt: now, order: sent++ }
    meter.take(1, now, request.order)
    const latency = latencyMs[0] + random() * (latencyMs[1] - latencyMs[0])
    const arrives = now + latency * random()
    const answers = Math.ceil(now + latency)
    events.add(arrives, () => {
      const waitMs = api.ask(arrives)
      events.add(answers, () => {
        meter.settle?.(request, now, { status: waitMs === undefined ? 200 : 429, headers: {} }, now)
        if (waitMs === undefined) {
          accepted++
          waiting++
        } else {
          refused++
          const retryAfterMs = retryAfter ? Math.ceil(waitMs / 1000) * 1000 : undefined
          meter.refuse?.({ kind: 'rate', retryAfterMs }, request, now)
          events.add(Math.ceil(now + (retryAfterMs ?? 0) + random() * 250), () => {
            waiting++
            serve()
          })
        }
        meter.release?.(request, now)
        serve()
      })
    })
  }

  for (const { atMs, factor } of options.changes ?? [])
    events.add(start + atMs, () => api.resize(factor, start + atMs))
  serve()
  for (let event = events.next(); event !== undefined && event.at < end; event = events.next()) {
    now = event.at
    event.run()
  }
  return {
    used: accepted / (api.granted(end) - grantedBefore),
    refused: refused / (accepted + refused),
    accepted,
  }
}

/** By time, and of one time in the order of adding: a binary heap. */
class EventQueue {
  readonly #heap: Event[] = []
  #order = 0

  add(at: number, run: () => void): void {
    const event = { at, order: this.#order++, run }
    let index = this.#heap.length
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (comesBefore(this.#heap[parent]!, event)) break
      this.#heap[index] = this.#heap[parent]!
      index = parent
    }
    this.#heap[index] = event
  }
  next(): Event | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first === undefined || last === undefined || first === last) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= this.#heap.length) break
      if (child + 1 < this.#heap.length && comesBefore(this.#heap[child + 1]!, this.#heap[child]!)) child++
      if (comesBefore(last, this.#heap[child]!)) break
      this.#heap[index] = this.#heap[child]!
      index = child
    }
    this.#heap[index] = last
    return first
  }
}

function comesBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
