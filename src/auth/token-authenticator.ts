import type { Authenticator } from '../ports/authenticator.ts'
import type { AuthContext } from './auth-context.ts'
import { type Placement, place, placed } from './placement.ts'
import type { TokenManager } from './token-manager.ts'

/** Puts the token of a manager on each request. */
export function tokenAuthenticator(
  manager: TokenManager,
  placement: Placement,
  context: Pick<AuthContext, 'onSecret' | 'source'>,
  option = 'auth',
): Authenticator {
  return {
    async sign(request, signal) {
      return place(request, placement, await manager.token(signal), option, context)
    },
    async prepare(signal) {
      await manager.token(signal)
    },
    isReady: () => manager.isFresh(),
    async renew(refused, signal) {
      return manager.renew(placed(refused, placement) ?? '', signal)
    },
  }
}
