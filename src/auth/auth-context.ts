import type { SecretContext } from '../options/late-secret.ts'
import type { EventSink } from '../ports/events.ts'
import type { Runtime } from '../ports/runtime.ts'
import type { TokenStore } from './token-store.ts'

/** What an authenticator is given to work with. */
export interface AuthContext extends SecretContext {
  readonly runtime: Runtime
  /** Where rotated refresh tokens are kept (S2). */
  readonly tokenStore: TokenStore
  readonly onEvent: EventSink
  /** Absolute, with a slash at its end: relative addresses of a login go below it. */
  readonly baseUrl?: string
}
