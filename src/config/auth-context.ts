import type { AuthContext } from '../auth/auth-context.ts'
import { withTls } from '../auth/tls.ts'
import { withProxy } from '../http/proxy.ts'
import type { RestSettings } from '../source/rest-options.ts'
import type { Surroundings } from './surroundings.ts'

/** What a source's credential works with where no client is at hand: a login, and a look at what is stored. */
export function authContext(
  name: string,
  settings: Pick<RestSettings, 'proxy' | 'tls'>,
  surroundings: Surroundings,
): AuthContext {
  const { lookup, tokenStore, directory } = surroundings
  const secrets = { lookup, onSecret() {}, source: name }
  const proxied = withProxy(settings.proxy, surroundings.runtime, secrets)
  const runtime = withTls(settings.tls, proxied, { ...secrets, directory })
  return { ...secrets, runtime, tokenStore, onEvent() {} }
}
