// Where an API tells limit and window, our own requests are counted in a window of our own (`request-window.ts`), which is exact in time. What
// it allows may be sent, less what the reports show that others have used: the difference between what we have sent and what the server
// has counted.
import type { SentRequest } from '../meters/meter.ts'
import { RequestWindow } from '../meters/request-window.ts'
import { RoundTrip } from '../meters/round-trip.ts'
import type { QuotaReply } from '../quota.ts'

export class ToldWindow {
  #window: RequestWindow | undefined
  readonly #roundTrip = new RoundTrip()
  #windowMs: number | undefined
  #beganAt = 0
  /** What others hold of the window, until when. */
  #others = 0
  #othersUntil = Number.NEGATIVE_INFINITY
  /** Refused although our own window had room: what is told holds alone, since it counts what others spend. */
  #shared = false

  /** Its length in milliseconds; undefined as long as none was told. */
  get windowMs(): number | undefined {
    return this.#windowMs
  }

  /**
   * @param sent the request whose reply tells
   * @param inFlight beside it, which the window has to hold where it begins now
   * @param counted whether the window holds the request already, where it has begun
   */
  tell(
    { limit, windowMs }: { limit: number; windowMs: number },
    sent: SentRequest,
    now: number,
    { inFlight, counted }: { inFlight: number; counted: boolean },
  ): void {
    const known = this.#window
    if (known?.maxCost === limit && this.#windowMs === windowMs) {
      if (counted) return
      known.take(sent.cost)
      known.settle(sent, now)
      return
    }
    this.#windowMs = windowMs
    this.#beganAt = now
    const window = new RequestWindow({ requests: limit, perMs: windowMs }, this.#roundTrip)
    window.take(inFlight + sent.cost)
    window.settle(sent, now)
    this.#window = window
  }
  take(cost: number): void {
    this.#window?.take(cost)
  }
  cancel(cost: number): void {
    this.#window?.cancel(cost)
  }
  settle(sent: SentRequest, now: number, reply: QuotaReply | undefined): void {
    this.#window?.settle(sent, now, reply)
  }

  /** Whether it says what may be sent: none was told, or others showed that it can't be known from what we send, else. */
  get isTrusted(): boolean {
    return this.#window !== undefined && !this.#shared
  }
  /** Whether it holds all that we have sent in the last window: what was answered before it began is not in it. */
  isComplete(now: number): boolean {
    return this.#windowMs !== undefined && now >= this.#beganAt + this.#windowMs
  }
  /** `undefined`: what is told holds alone. */
  readyAt(cost: number, now: number): number | undefined {
    const window = this.#window
    if (window === undefined || this.#shared) return undefined
    if (now >= this.#othersUntil) return window.readyAt(cost, now)
    return Math.max(now, Math.min(window.readyAt(cost + this.#others, now), this.#othersUntil))
  }
  /** What was answered before `before` and counts still at `until` where windows slide: ours alone, whatever others have used. */
  heldFrom(before: number, until: number): number {
    return this.#window?.heldFrom(before, until) ?? 0
  }

  /**
   * @param remaining what the newest report says
   * @param free what may be sent of it
   * @param until the reset: what others hold is given back then
   */
  seeOthers(remaining: number, free: number, until: number, now: number): void {
    if (this.#window === undefined) return
    const left = this.#window.left(now)
    const unexplained = left - remaining
    const others = now < this.#othersUntil && this.#others > 0
    if (unexplained <= 0 && !others) return
    this.#others = Math.max(0, left - Math.max(0, free))
    this.#othersUntil = until
  }
  sawRefusal(): void {
    this.#shared = true
  }
}
