import { firstHeader } from '../../http/headers.ts'
import { parseHttpDate } from '../../http/http-date.ts'
import type { HttpHeaders } from '../../ports/runtime.ts'
import type { ServerTime } from '../meters/fixed-window.ts'

/** Two clocks that both run within 50 ppm drift apart by this share. */
const drift = 1e-4
/** `Date` counts whole seconds, rounded down. */
const dateMs = 1000

/**
 * How far the server's clock is ahead of the queue's, from the `Date` of its replies. Each bounds it: the server read its clock
 * after the request was sent and before the reply came, and the time that it read was in [date, date + 1 s). Over several replies the bounds meet.
 */
export class ServerClock {
  #atLeast = Number.NEGATIVE_INFINITY
  #atMost = Number.POSITIVE_INFINITY
  #observedAt = 0
  #known = false
  /** Our own time of day less the queue's. */
  #ours = 0

  /** @param wallNow our own time of day, for a server that tells none */
  observe(headers: HttpHeaders, sentAt: number, now: number, wallNow: number): void {
    this.#ours = wallNow - now
    const text = firstHeader(headers, 'date')
    const date = text === undefined ? undefined : parseHttpDate(text, wallNow)
    if (date === undefined || Number.isNaN(date)) {
      if (!this.#known) this.#atLeast = this.#atMost = wallNow - now
      return
    }
    const [atLeast, atMost] = [date - now, date + dateMs - sentAt]
    const drifted = (now - this.#observedAt) * drift
    const [low, high] = [Math.max(atLeast, this.#atLeast - drifted), Math.min(atMost, this.#atMost + drifted)]
    // Bounds that contradict each other: one of the clocks was set. The newest reply is right.
    const agree = this.#known && low <= high
    this.#atLeast = agree ? low : atLeast
    this.#atMost = agree ? high : atMost
    this.#observedAt = now
    this.#known = true
  }

  /** How far it is from our own time of day; undefined where no reply has told. */
  time(): ServerTime | undefined {
    if (!this.#known) return undefined
    const errorMs = (this.#atMost - this.#atLeast) / 2
    return { offsetMs: this.#atLeast + errorMs - this.#ours, errorMs }
  }

  /** The earliest queue time at which the server's clock may show `at`. */
  earliest(at: number): number {
    return at - this.#atMost
  }
  /** The latest. */
  latest(at: number): number {
    return at - this.#atLeast
  }
}
