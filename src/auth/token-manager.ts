// One credential's access token, kept fresh.
// M1. At most one refresh is under way; whoever needs a token meanwhile waits for that one.
// M2. A token is refreshed a share of its life before it expires; while it is valid, a refresh that fails for a passing reason harms nobody.
// M3. A refused token is refreshed whatever its age, once, however many requests were refused with it.
// M4. A new refresh token is stored before the access token that came with it is handed out (S2). Where that fails, it is kept
//     and stored at the next try; the old one is not spent again.
// M5. A waiter that gives up harms no other; a refresh for which nobody waits stops between its attempts, never inside one.
import type { EventSink } from '../ports/events.ts'
import type { Runtime } from '../ports/runtime.ts'
import { waitUnless } from './abort.ts'
import type { TokenReply } from './token-endpoint.ts'
import { TokenRefusedError, TokenUnavailableError } from './token-error.ts'
import { retryTokenRequest } from './token-retry.ts'
import type { StoredToken, TokenStore } from './token-store.ts'

export type RefreshReason = 'first' | 'expiring' | 'refused'

export interface TokenManagerOptions {
  readonly runtime: Runtime
  /** Names the source and the endpoint in messages, as in `desk: the token endpoint https://…`. */
  readonly place: string
  /** The source's name in events. */
  readonly source: string
  /** One request for a token. `refreshToken` is the newest one, absent where the grant needs none. */
  readonly ask: (refreshToken: string | undefined, sentAt: number) => Promise<TokenReply>
  /** The configured refresh token, looked up when a token is first needed. Absent where the grant needs none. */
  readonly refreshToken?: () => string
  /** Where rotated refresh tokens are kept, and under which name. Absent: nothing is kept. */
  readonly store?: { readonly tokens: TokenStore; readonly name: () => string }
  /** How long a token lives where the server does not say, in milliseconds. Absent: until it is refused. */
  readonly expiresInDefault?: number
  /**
   * How long before its end a token is refreshed, in milliseconds. Default: a fifth of its life, at most a minute. Never more
   * than half of its life.
   */
  readonly refreshBefore?: number
  readonly onEvent: EventSink
  /** Told every new token before it is used (S1). */
  readonly onSecret: (value: string) => void
}

export interface TokenManager {
  /**
   * A token that is fresh, by what is known.
   * @throws TokenRefusedError, TokenUnavailableError, TokenStoreError
   */
  token(signal?: AbortSignal): Promise<string>
  /** True where `token` has one at hand. */
  isFresh(): boolean
  /**
   * The API refused `refused`: resolves to true where there is another token now. It is refreshed unless another request has had
   * that done since `refused` was handed out.
   * @throws as `token` does
   */
  renew(refused: string, signal?: AbortSignal): Promise<boolean>
}

interface Flight {
  readonly reason: RefreshReason
  /** Whether it tries more than once. An early refresh does not: there is a token meanwhile. */
  readonly patient: boolean
  readonly done: Promise<void>
  waiting: number
  /** Aborted when nobody waits any more. */
  readonly idle: AbortController
}

const attempts = 5
/** A refused credential is not shown to the server again for this long: repeated failures lock clients out. */
const refusalHoldMs = 60_000

export function createTokenManager(options: TokenManagerOptions): TokenManager {
  return new Manager(options)
}

class Manager implements TokenManager {
  readonly #options: TokenManagerOptions
  #current: StoredToken | undefined
  #flight: Flight | undefined
  /** What the API refused last: it is neither handed out nor taken from the store again. */
  #refused: string | undefined
  /** Refreshed, but not stored yet (M4). */
  #unsaved: StoredToken | undefined
  /** An early refresh failed: the next one waits until then. */
  #postponedUntil = 0
  #refusal: { readonly error: TokenRefusedError; readonly until: number } | undefined

  constructor(options: TokenManagerOptions) {
    this.#options = options
  }

  async token(signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted()
    const held = this.#current
    if (held && this.#isFresh(held)) return held.accessToken
    const flight = this.#flight ?? this.#start(this.#reason())
    try {
      await this.#join(flight, signal)
    } catch (error) {
      if (!(error instanceof TokenUnavailableError) || !held) throw error
      // M2. The one early attempt took longer than the token had left: from now on there is a reason to be patient.
      if (!this.#isValid(held)) {
        if (flight.patient) throw error
        return this.token(signal)
      }
    }
    return this.#current!.accessToken
  }

  isFresh(): boolean {
    return this.#current !== undefined && this.#isFresh(this.#current)
  }

  async renew(refused: string, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted()
    if (this.#flight && this.#flight.reason !== 'refused') {
      await this.#join(this.#flight, signal).catch((error) => {
        if (!(error instanceof TokenUnavailableError)) throw error
      })
    }
    if (!this.#current || this.#current.accessToken === refused) {
      this.#refused = refused
      await this.#join(this.#flight ?? this.#start('refused'), signal)
    }
    return this.#current?.accessToken !== refused
  }

  #reason(): RefreshReason {
    if (!this.#current) return 'first'
    return this.#current.accessToken === this.#refused ? 'refused' : 'expiring'
  }

  #isValid(token: StoredToken): boolean {
    if (token.accessToken === this.#refused) return false
    return token.expiresAt === null || this.#options.runtime.clock.now() < token.expiresAt
  }

  #isFresh(token: StoredToken): boolean {
    if (token.accessToken === this.#refused) return false
    if (token.expiresAt === null) return true
    const now = this.#options.runtime.clock.now()
    const lifetime = Math.max(0, token.expiresAt - token.issuedAt)
    const early = Math.min(this.#options.refreshBefore ?? Math.min(lifetime / 5, 60_000), lifetime / 2)
    return now < token.expiresAt - early || (now < this.#postponedUntil && now < token.expiresAt)
  }

  #start(reason: RefreshReason): Flight {
    const idle = new AbortController()
    const held = this.#current
    const patient = !(reason === 'expiring' && held && this.#isValid(held))
    const done = this.#refresh(reason, patient, idle.signal).finally(() => {
      if (this.#flight === flight) this.#flight = undefined
    })
    // Where every waiter has gone, nobody is left to hear of a failure.
    done.catch(() => {})
    const flight: Flight = { reason, patient, done, waiting: 0, idle }
    this.#flight = flight
    return flight
  }

  async #join(flight: Flight, signal: AbortSignal | undefined): Promise<void> {
    flight.waiting++
    try {
      await waitUnless(flight.done, signal)
    } catch (error) {
      // It was given up between the moment in which its last waiter left and the one in which it ended.
      if (flight.idle.signal.aborted && error === flight.idle.signal.reason) {
        signal?.throwIfAborted()
        return this.#join(this.#flight ?? this.#start(flight.reason), signal)
      }
      throw error
    } finally {
      if (--flight.waiting === 0) flight.idle.abort()
    }
  }

  async #refresh(reason: RefreshReason, patient: boolean, idle: AbortSignal): Promise<void> {
    const { clock } = this.#options.runtime
    if (this.#refusal && clock.now() < this.#refusal.until) throw this.#refusal.error
    const { store } = this.#options
    const release = await store?.tokens.lock?.(store.name(), idle)
    try {
      await this.#refreshAlone(reason, patient, idle)
      this.#refusal = undefined
    } catch (error) {
      if (error instanceof TokenRefusedError) {
        this.#refusal = { error, until: clock.now() + refusalHoldMs }
      } else if (error instanceof TokenUnavailableError && typeof this.#current?.expiresAt === 'number') {
        this.#postponedUntil = clock.now() + (this.#current.expiresAt - clock.now()) / 2
      }
      throw error
    } finally {
      await release?.()
    }
  }

  async #refreshAlone(reason: RefreshReason, patient: boolean, idle: AbortSignal): Promise<void> {
    const { runtime, store, place } = this.#options
    if (this.#unsaved) return this.#keep(this.#unsaved, reason)
    // Read under the lock: another process may have refreshed while this one waited.
    const stored = await store?.tokens.read(store.name())
    if (stored && this.#isFresh(stored)) {
      this.#announce(stored)
      this.#current = stored
      return
    }
    if (stored) this.#announce(stored)
    const refreshToken = stored?.refreshToken ?? this.#options.refreshToken?.()
    const { reply, issuedAt } = await retryTokenRequest(
      async () => {
        const sentAt = runtime.clock.now()
        return { reply: await this.#options.ask(refreshToken, sentAt), issuedAt: sentAt }
      },
      { runtime, attempts: patient ? attempts : 1, place, signal: idle },
    )
    const lifetime = this.#options.expiresInDefault
    // A server that does not rotate sends no refresh token: the old one stays.
    const kept = reply.refreshToken ?? refreshToken
    await this.#keep(
      {
        accessToken: reply.accessToken,
        ...(kept === undefined ? {} : { refreshToken: kept }),
        issuedAt,
        expiresAt: reply.expiresAt ?? (lifetime === undefined ? null : issuedAt + lifetime),
      },
      reason,
    )
  }

  async #keep(token: StoredToken, reason: RefreshReason): Promise<void> {
    const { store, runtime, source } = this.#options
    this.#announce(token)
    if (store) {
      this.#unsaved = token
      await store.tokens.write(store.name(), token)
      this.#unsaved = undefined
    }
    this.#postponedUntil = 0
    this.#refused = undefined
    this.#current = token
    this.#options.onEvent({ type: 'token.refresh', at: runtime.clock.now(), source, reason })
  }

  #announce(token: StoredToken): void {
    this.#options.onSecret(token.accessToken)
    if (token.refreshToken !== undefined) this.#options.onSecret(token.refreshToken)
  }
}
