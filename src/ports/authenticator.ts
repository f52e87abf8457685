import type { HttpRequest } from './runtime.ts'

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
