import type { Clock } from '../ports/runtime.ts'
import { AuthRefusedError, HttpStatusError } from './errors.ts'
import type { Account, Layer } from './layer.ts'

/** How long an account rests that was refused for its rate, where the API doesn't say, in milliseconds. */
const defaultRest = 30_000

export interface RotationOptions {
  readonly clock: Clock
  /** An account's credential was refused, and is not used any more. `left`: how many there still are. */
  readonly onRetired: (left: number) => void
}

/**
 * Asks as each of an account's members in turn. One that is refused for its rate rests until the API takes it again, and another one asks
 * at once where there is one; one whose credential is refused is left out from then on. Where all rest, the one that has rested
 * longest asks, and is waited for as any account is.
 */
export function rotationLayer({ clock, onRetired }: RotationOptions): Layer {
  const rotations = new WeakMap<Account, Rotation>()

  return (next) => async (call, consume) => {
    const { members } = call.account
    if (members === undefined) return next(call, consume)
    const rotation = rotations.get(call.account) ?? new Rotation(members)
    rotations.set(call.account, rotation)
    /** The refusal of the account that is taken again first: so long there is to wait where all are refused. */
    let first: { readonly error: unknown; readonly until: number } | undefined
    for (;;) {
      const member = rotation.next(clock.now())
      try {
        return await next({ ...call, account: member }, consume)
      } catch (error) {
        if (error instanceof AuthRefusedError) {
          if (!rotation.retire(member)) throw error
          onRetired(rotation.size)
          continue
        }
        if (!(error instanceof HttpStatusError && error.throttled)) throw error
        const until = clock.now() + (error.retryAfterMs ?? defaultRest)
        rotation.rest(member, until)
        if (first === undefined || until < first.until) first = { error, until }
        if (!rotation.hasReady(clock.now())) throw first.error
      }
    }
  }
}

class Rotation {
  #members: readonly Account[]
  readonly #restsUntil = new Map<Account, number>()
  #turn = 0

  constructor(members: readonly Account[]) {
    this.#members = [...new Set(members)]
  }

  get size(): number {
    return this.#members.length
  }

  next(now: number): Account {
    const { length } = this.#members
    const inTurn = this.#members.map((_, step) => this.#members[(this.#turn + step) % length]!)
    const chosen =
      inTurn.find((member) => this.#isReady(member, now)) ??
      inTurn.reduce((best, member) => (this.#wakesAt(member) < this.#wakesAt(best) ? member : best))
    this.#turn = (this.#members.indexOf(chosen) + 1) % length
    return chosen
  }

  rest(member: Account, until: number): void {
    this.#restsUntil.set(member, Math.max(until, this.#wakesAt(member)))
  }

  /** False where it is the last one. */
  retire(member: Account): boolean {
    if (this.#members.length === 1) return false
    const place = this.#members.indexOf(member)
    if (place >= 0 && place < this.#turn) this.#turn--
    this.#members = this.#members.filter((each) => each !== member)
    return true
  }

  hasReady(now: number): boolean {
    return this.#members.some((member) => this.#isReady(member, now))
  }

  #isReady(member: Account, now: number): boolean {
    return this.#wakesAt(member) <= now
  }

  #wakesAt(member: Account): number {
    return this.#restsUntil.get(member) ?? 0
  }
}
