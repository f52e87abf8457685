// A credential on the command line: where it goes, and the variables that hold it; never a value (S1).
import { ConfigError } from '../errors.ts'
import type { Json } from '../ports/json.ts'

export type AuthDraft = { readonly type: string; readonly [option: string]: Json }

export const authForms =
  'bearer:TOKEN_VARIABLE, header:X-Api-Key:KEY_VARIABLE, query:api_key:KEY_VARIABLE, basic:USER_VARIABLE:PASSWORD_VARIABLE or basic:USER_VARIABLE'

/**
 * `bearer:NAME`, `header:X-Api-Key:NAME`, `query:key:NAME`, `basic:USER:PASSWORD` as a source's `auth`.
 * @throws ConfigError for anything else. It quotes nothing after the kind: that may be a secret
 */
export function parseAuth(text: string): AuthDraft {
  const [kind = '', ...parts] = text.trim().split(':')
  const places = { bearer: [1, 1], basic: [1, 2], header: [2, 2], query: [2, 2] }[kind]
  if (places === undefined)
    throw new ConfigError('--auth', `write ${authForms}: names of environment variables, no values`)
  const [least = 0, most = 0] = places
  const variables = kind === 'header' || kind === 'query' ? parts.slice(1) : parts
  if (parts.length < least || parts.length > most || parts.some((part) => part === ''))
    throw new ConfigError('--auth', `${kind} takes other parts: write ${authForms}`)
  for (const variable of variables) {
    // A value in place of a name is most likely none that could be a name. It is not quoted.
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable))
      throw new ConfigError(
        '--auth',
        `what follows ${kind}: is no name of an environment variable. Put the value into one, as in \`export API_TOKEN=…\`, and write its name: ${authForms}`,
      )
  }
  const reference = (variable: string | undefined) => `\${env:${variable}}`
  const [first, second] = parts
  if (kind === 'bearer') return { type: 'bearer', token: reference(first) }
  if (kind === 'basic')
    return {
      type: 'basic',
      username: reference(first),
      ...(second !== undefined && { password: reference(second) }),
    }
  return {
    type: 'api_key',
    ...(kind === 'query' && { in: 'query' }),
    name: first!,
    key: reference(second),
  }
}

/** Where a credential was put, and the variables that it came from; never a value (S1). */
export function describeAuth(auth: AuthDraft): string {
  const from = (value: Json | undefined) =>
    [...String(value).matchAll(/\$\{env:(\w+)\}/g)].map((match) => match[1]!).join(' and ')
  switch (auth.type) {
    case 'bearer':
      return `the value of ${from(auth['token'])}, as \`Authorization: Bearer …\``
    case 'basic':
      return auth['password'] === undefined
        ? `the value of ${from(auth['username'])}, as the user of \`Authorization: Basic …\`, without a password`
        : `the values of ${from(auth['username'])} and ${from(auth['password'])}, as user and password of \`Authorization: Basic …\``
    case 'api_key':
      return `the value of ${from(auth['key'])}, ${placeOfKey(auth['in'])} ${String(auth['name'])}`
    default:
      return `a token that was asked for with the values of ${from(Object.values(auth).join(' '))}`
  }
}

function placeOfKey(where: Json | undefined): string {
  return where === 'query' ? 'in the parameter' : where === 'cookie' ? 'in the cookie' : 'in the header'
}
