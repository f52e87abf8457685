import type { AuthContext } from '../auth/auth-context.ts'
import { withTls } from '../auth/tls.ts'
import type { RestSettings } from '../source/rest-options.ts'
import type { Surroundings } from './surroundings.ts'

/** What a source's credential works with where no client is at hand: a login, and a look at what is stored. */
export function authContext(
  name: string,
  settings: Pick<RestSettings, 'tls'>,
  surroundings: Surroundings,
): AuthContext {
  const { lookup, tokenStore, directory } = surroundings
  const secrets = { lookup, onSecret() {}, source: name }
  const runtime = withTls(settings.tls, surroundings.runtime, { ...secrets, directory })
  return { ...secrets, runtime, tokenStore, onEvent() {} }
}
