import type { SecretLookup } from '../options/secret.ts'
import type { EventSink } from '../ports/events.ts'
import type { HttpRequest, Runtime } from '../ports/runtime.ts'
import type { TokenStore } from './token-store.ts'

/** Puts a credential on requests. */
export interface Authenticator {
  /** The request with its credential; may fetch or refresh a token first. */
  sign(request: HttpRequest, signal?: AbortSignal): Promise<HttpRequest>
  /** Fetches what `sign` would have to wait for. Absent where it waits for nothing. */
  prepare?(signal?: AbortSignal): Promise<void>
  /** True where `sign` waits for nothing at this moment. Absent where it never does. */
  isReady?(): boolean
  /**
   * The API refused `refused` with a 401. Resolves to true where signing again gives another credential: one renewed just now, or
   * meanwhile by another request that failed in the same way. Absent where there is nothing to renew.
   */
  renew?(refused: HttpRequest, signal?: AbortSignal): Promise<boolean>
}

/** What an authenticator is given to work with. */
export interface AuthContext {
  readonly runtime: Runtime
  /** Finds the secrets, when a request first needs them. */
  readonly lookup: SecretLookup
  /** Where rotated refresh tokens are kept (S2). */
  readonly tokenStore: TokenStore
  readonly onEvent: EventSink
  /** Told every secret value before it is first used, in each form in which it is sent, so that it can be redacted (S1). */
  readonly onSecret: (value: string) => void
  /** The source's name, for messages and events. */
  readonly source: string
  /** Absolute, with a slash at its end: relative addresses of a login go below it. */
  readonly baseUrl?: string
}
