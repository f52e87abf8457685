/** A credential's tokens, as they are kept from one run to the next. */
export interface StoredToken {
  readonly accessToken: string
  /** The newest refresh token; it outranks the configured one, which a server that rotates has long revoked. */
  readonly refreshToken?: string
  /** Milliseconds since 1970, when the token was asked for. */
  readonly issuedAt: number
  /** Milliseconds since 1970; `null` where it is not known. */
  readonly expiresAt: number | null
}

/** Keeps rotated refresh tokens (S2). Names hold letters, digits, dots and dashes. */
export interface TokenStore {
  read(name: string): Promise<StoredToken | undefined>
  /** Resolves when the token would survive a crash of the machine. */
  write(name: string, token: StoredToken): Promise<void>
  /**
   * Waits for the right to refresh this credential alone, so that nobody else spends the same refresh token; resolves to what
   * gives the right back. Absent where one process is the only user.
   */
  lock?(name: string, signal?: AbortSignal): Promise<() => Promise<void>>
}

/** Keeps tokens as long as the process lives: for credentials whose refresh token never changes, and for tests. */
export function memoryTokenStore(): TokenStore {
  const tokens = new Map<string, StoredToken>()
  const tails = new Map<string, Promise<void>>()
  return {
    read: async (name) => tokens.get(name),
    async write(name, token) {
      tokens.set(name, token)
    },
    async lock(name) {
      const before = tails.get(name)
      let release = () => {}
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      tails.set(name, before ? before.then(() => held) : held)
      await before
      return async () => release()
    },
  }
}
