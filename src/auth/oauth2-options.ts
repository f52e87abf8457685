import { z } from 'zod'
import { duration } from '../options/duration.ts'
import { address, isSecret, parseSecret, secret, textOrSecret } from '../options/secret.ts'
import { strayReference } from '../options/variable-reference.ts'
import { checkLifetime, jwtFields } from './jwt-signer.ts'

export const clearText =
  'would send the credential in clear text: use https (plain http is for this machine only)'

const privateAddress = address.refine((url) => isSecret(url) || isPrivateEnough(url), {
  error: (issue) => `${JSON.stringify(issue.input)} ${clearText}`,
})

/** They stand in the address of a page, which is shown: so they are no secrets. */
const shownParameters = z
  .record(
    z.string(),
    z
      .union([z.string(), z.number(), z.boolean()], { error: noVariable })
      .refine(isPlain, { error: noVariable }),
  )
  .default({})

function isPlain(value: string | number | boolean): boolean {
  return typeof value !== 'string' || (!isSecret(parseSecret(value)) && strayReference(value) === undefined)
}

function noVariable(): string {
  return 'this is a part of an address that is shown, so it takes no variable: write the text itself, a number, true or false'
}

export const oauth2Options = z
  .strictObject({
    type: z.literal('oauth2').describe('An access token that is fetched and refreshed (RFC 6749).'),
    grant: z
      .enum(['client_credentials', 'refresh_token', 'jwt_bearer', 'authorization_code', 'password'])
      .describe(
        'How a token is got: by the client alone, by a refresh token that a user has granted, by a token that is signed here (RFC 7523, service accounts), by `sluice auth login`, or by a user name and a password.',
      ),
    tokenUrl: privateAddress
      .exactOptional()
      .describe(
        'Required without `serviceAccount`. Address of the token endpoint. It must be https, except on the loopback interface.',
      ),
    clientId: secret
      .exactOptional()
      .describe(
        'Required, except with `grant: jwt_bearer` and `grant: password`. The client, as it is registered at the authorization server.',
      ),
    clientSecret: secret.exactOptional().describe('Its secret. Absent: a public client.'),
    clientAuth: z
      .enum(['basic', 'body', 'private_key_jwt', 'none'])
      .default('basic')
      .describe(
        'How the client proves itself: by its id and secret in an Authorization header (basic) or in the body, by a token that it signs (private_key_jwt, with `assertion`), or not at all. Default: basic, as RFC 6749 asks of every server.',
      ),
    bodyFormat: z
      .enum(['form', 'json'])
      .default('form')
      .describe('How the request is written. Default: form, the standard; some APIs (Zendesk) take json.'),
    scope: z
      .string()
      .min(1)
      .exactOptional()
      .describe(
        'Scopes to ask for, with spaces between; with `grant: jwt_bearer` a claim of the assertion. Default: what the server gives.',
      ),
    audience: z
      .string()
      .min(1)
      .exactOptional()
      .describe('The API for which the token is, where the server asks for it.'),
    params: z
      .record(z.string(), z.union([textOrSecret, z.number(), z.boolean()]))
      .default({})
      .describe(
        'Further parameters of the token request, as in `{ redirect_uri: … }`; they take the place of those above. They may be secrets.',
      ),
    headers: z
      .record(z.string().toLowerCase(), textOrSecret)
      .default({})
      .describe('Further headers of the token request.'),
    refreshToken: secret
      .exactOptional()
      .describe(
        'Required with `grant: refresh_token`. The refresh token. Where the server rotates it, the newest one is kept in the token store and outranks this one, until this one is changed.',
      ),
    assertion: z
      .strictObject(jwtFields)
      .check(checkLifetime)
      .exactOptional()
      .describe(
        'Required with `clientAuth: private_key_jwt`, and with `grant: jwt_bearer` unless there is a `serviceAccount`. The token that is signed here (RFC 7523). Its issuer is the client, its audience the token endpoint, unless it says otherwise.',
      ),
    serviceAccount: secret
      .exactOptional()
      .describe('With `grant: jwt_bearer`: a Google service account, as the JSON of its key file.'),
    subject: secret
      .exactOptional()
      .describe('With `serviceAccount`: the user for whom it acts (domain-wide delegation).'),
    username: secret.exactOptional().describe('Required with `grant: password`. The user.'),
    password: secret.exactOptional().describe("Required with `grant: password`. The user's password."),
    authorizationUrl: privateAddress
      .exactOptional()
      .describe(
        'Required with `grant: authorization_code`. The page where a user gives consent; `sluice auth login` opens the way there.',
      ),
    authorizationParams: shownParameters.describe(
      'With `grant: authorization_code`: further parameters of that page, as in `{ access_type: offline, prompt: consent }`.',
    ),
    redirectPort: z
      .int()
      .min(1)
      .max(65_535)
      .exactOptional()
      .describe(
        'With `grant: authorization_code`: the port of the redirect, `http://127.0.0.1:PORT/callback`, for servers that ask for an exact address. Default: a free one (RFC 8252).',
      ),
    expiresInDefault: duration
      .exactOptional()
      .describe(
        'How long a token lives where the server does not say. Default: until the API refuses it with a 401.',
      ),
    refreshBefore: duration
      .exactOptional()
      .describe(
        'How long before its end a token is refreshed. Default: a fifth of its life, at most a minute. At most half of its life.',
      ),
  })
  .check((context) => {
    for (const { path, message } of problemsOf(context.value)) {
      context.issues.push({ code: 'custom', path: [path], input: undefined, message })
    }
  })
export type OAuth2Options = z.input<typeof oauth2Options>
export type OAuth2Settings = z.output<typeof oauth2Options>

interface Problem {
  readonly path: string
  readonly message: string
}

/** Options that one grant alone has. */
const ofOneGrant = {
  serviceAccount: 'jwt_bearer',
  username: 'password',
  password: 'password',
  authorizationUrl: 'authorization_code',
  redirectPort: 'authorization_code',
} as const

function problemsOf(options: Readonly<Record<string, unknown>>): readonly Problem[] {
  const { grant, clientAuth, serviceAccount } = options
  const has = (name: string) => options[name] !== undefined
  const needed = [
    grant === 'refresh_token' && 'refreshToken',
    grant === 'client_credentials' && clientAuth !== 'private_key_jwt' && 'clientSecret',
    grant === 'password' && 'username',
    grant === 'password' && 'password',
    grant === 'authorization_code' && 'authorizationUrl',
    grant !== 'jwt_bearer' && grant !== 'password' && 'clientId',
    serviceAccount === undefined && 'tokenUrl',
    grant === 'jwt_bearer' && serviceAccount === undefined && 'assertion',
  ].filter((name): name is string => typeof name === 'string' && !has(name))
  const problems: Problem[] = needed.map((path) => ({
    path,
    message: `the grant ${String(grant)} needs ${path}`,
  }))
  const refuse = (path: string, message: string) => problems.push({ path, message })
  for (const [name, owner] of Object.entries(ofOneGrant)) {
    if (grant !== owner && has(name))
      refuse(name, `${name} belongs to the grant ${owner}: this one is ${String(grant)}`)
  }
  if (clientAuth === 'private_key_jwt') {
    if (!has('clientId') && !needed.includes('clientId')) refuse('clientId', 'private_key_jwt needs clientId')
    if (!has('assertion') && !needed.includes('assertion'))
      refuse('assertion', 'private_key_jwt needs `assertion: { key: … }`, the key that the client signs with')
  } else if (grant !== 'jwt_bearer' && has('assertion')) {
    refuse(
      'assertion',
      'nothing uses the assertion: set `grant: jwt_bearer` or `clientAuth: private_key_jwt`',
    )
  }
  if (has('clientSecret') && (clientAuth === 'none' || clientAuth === 'private_key_jwt'))
    refuse(
      'clientSecret',
      `clientAuth: ${clientAuth} sends no secret: leave clientSecret out, or set clientAuth: basic or body`,
    )
  if (serviceAccount !== undefined && has('assertion'))
    refuse(
      'assertion',
      'a service account signs with its own key: leave the assertion out, or the serviceAccount',
    )
  if (serviceAccount === undefined && has('subject'))
    refuse('subject', 'subject belongs to a serviceAccount; elsewhere it is assertion.subject')
  return problems
}

/** Whether a credential may go there: over TLS, or on this machine. What is no URL at all is refused elsewhere. */
export function isPrivateEnough(url: string): boolean {
  if (!URL.canParse(url)) return true
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}
