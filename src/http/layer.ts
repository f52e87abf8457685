import type { Authenticator } from '../ports/authenticator.ts'
import type { Value } from '../ports/json.ts'
import type { HttpRequest, HttpResponse } from '../ports/runtime.ts'
import type { Permit, Quota, QuotaCharge } from '../quota/quota.ts'
import type { React } from './answer.ts'
import type { Attach } from './secret-parts.ts'

/** Who asks: a credential, and the quotas that the API gives to it. */
export interface Account {
  /** Absent where there is no credential. */
  readonly auth?: Authenticator
  /** The widest first. */
  readonly quotas: readonly Quota[]
  /** Accounts that ask in its place, in turn: then it has neither credential nor quotas of its own. */
  readonly members?: readonly Account[]
}

/** One attempt of a request on its way through the chain. */
export interface Call {
  /** What goes on the wire; signed once it has passed the auth layer. */
  readonly request: HttpRequest
  /** The request's URL before it was signed: what messages and events name (S1). */
  readonly url: string
  readonly signal: AbortSignal | undefined
  /** Names the stream in events. */
  readonly stream: string | undefined
  readonly account: Account
  /** Quotas of this request beside those of its account. */
  readonly quotas: readonly Quota[]
  /** What its placeholders were filled with: some quotas are one for each tenant or resource. */
  readonly values?: Readonly<Record<string, Value>> | undefined
  /** What its quotas granted; absent before they did. */
  readonly permit?: Permit
  /** Puts secret headers and parameters on an attempt (S1). */
  readonly attach: Attach | undefined
  /** What the config says of its refusals. */
  readonly react?: React | undefined
  /** What it is for, as messages tell it. */
  readonly about?: string | undefined
  /** True where repeating the request does no harm. */
  readonly repeatable: boolean
  /** From 1; counts the attempts of the retry layer. */
  readonly attempt: number
  /** Asked right before the call is sent: throws where the breaker has opened since the call passed it. */
  readonly recheck: () => void
}

/**
 * Takes a response while the call is still under way: permits are held and failures are repeated until it resolves. `charge` is told
 * what the response says that its request did cost (Q1).
 */
export type Consume<T> = (
  response: HttpResponse,
  url: string,
  charge: (charge: QuotaCharge) => void,
) => Promise<T>

/**
 * A layer's inside: sends a call and resolves with what `consume` made of its response. The consumer is passed inwards, so that
 * every layer brackets the whole attempt, the reading of its body included.
 */
export type Send = <T>(call: Call, consume: Consume<T>) => Promise<T>

/** One layer of the chain. */
export type Layer = (next: Send) => Send
