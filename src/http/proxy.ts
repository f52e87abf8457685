// HTTP proxies: which one a source's requests go through, by its own option. See environment-proxy.ts for the environment's.
import { ConfigError } from '../errors.ts'
import { lateSecret, type SecretContext } from '../options/late-secret.ts'
import { isSecret, type Secret, secret } from '../options/secret.ts'
import type { HttpProxy, Runtime } from '../ports/runtime.ts'

/** `none` asks the API directly, whatever the environment says. */
const directly = 'none'

const spelling =
  '"http://proxy.example.com:3128", with a user and a password before the host where it wants them'

export const proxyOption = secret
  .refine((value) => isSecret(value) || value === directly || problemOf(value) === undefined, {
    // The value is not quoted: it may hold a password (S1).
    error: (issue) =>
      `${problemOf(String(issue.input)) ?? "it can't be used"}: write ${spelling}, or none to ask the API directly`,
  })
  .describe(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: variables as YAML spells them
    'HTTP proxy of all of the source\'s requests, those for tokens included, as in "http://${env:PROXY_USER}:${env:PROXY_PASSWORD}@proxy.example.com:3128"; `none` asks the API directly. Default: what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say',
  )
  .meta({ title: 'proxy' })

/** What is wrong with the address of a proxy, without quoting it. */
function problemOf(text: string): string | undefined {
  if (!URL.canParse(text)) return 'the address of the proxy is no URL'
  const { protocol, pathname, search } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:')
    // What stands before a colon alone may be a user, or a token (S1).
    return `a proxy is spoken to by http or https${text.includes('://') ? `, not by ${protocol.slice(0, -1)}` : ''}`
  return (pathname !== '/' && pathname !== '') || search !== ''
    ? 'the address of a proxy ends with its port'
    : undefined
}

/**
 * @param place option or variable, for messages
 * @param onSecret hears the user's password, as it is written and as it is sent (S1)
 * @throws ConfigError that does not quote the address
 */
export function parseProxy(
  text: string,
  place: string,
  onSecret: (value: string) => void = () => {},
): HttpProxy {
  const problem = problemOf(text)
  if (problem !== undefined) throw new ConfigError(place, `${problem}: write ${spelling}`)
  const { origin, username, password } = new URL(text)
  if (username === '' && password === '') return { origin }
  const pair = `${decoded(username)}:${decoded(password)}`
  const encoded = Buffer.from(pair).toString('base64')
  for (const value of [password, decoded(password), encoded]) if (value !== '') onSecret(value)
  return { origin, authorization: `Basic ${encoded}` }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A runtime whose requests go through the proxy. Its variables are looked up with the first request. */
export function withProxy(
  option: Secret | string | undefined,
  runtime: Runtime,
  context: SecretContext & { readonly source: string },
): Runtime {
  if (option === undefined) return runtime
  let known: HttpProxy | 'none' | undefined
  const load = (): HttpProxy | 'none' => {
    if (option === directly) return directly
    const place = `sources.${context.source}.proxy`
    // A literal that holds no password is no secret.
    const quiet = isSecret(option) ? context : { ...context, onSecret() {} }
    const text = lateSecret(option, quiet)().trim()
    return text === directly ? directly : parseProxy(text, place, context.onSecret)
  }
  return {
    ...runtime,
    async transport(request, signal) {
      const proxy = known ?? load()
      known = proxy
      return runtime.transport({ ...request, proxy }, signal)
    },
  }
}
