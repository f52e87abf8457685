// An API that refuses to be looked at, in words for someone who has no pipeline yet.
import { ConfigError } from '../errors.ts'
import { AuthRefusedError, HttpStatusError } from '../http/errors.ts'
import { type AuthDraft, authForms, describeAuth } from './auth-flag.ts'

/** What was sent with a request that was refused. */
export interface SentCredential {
  readonly auth: AuthDraft | undefined
  /** Parameters of the address that hold a secret. */
  readonly parameters: readonly string[]
}

/** The 401 or 403 of an API; `undefined` for any other error. */
export function refusalOf(error: unknown): HttpStatusError | undefined {
  const refused = error instanceof AuthRefusedError ? error.cause : error
  return refused instanceof HttpStatusError && (refused.status === 401 || refused.status === 403)
    ? refused
    : undefined
}

/** What was refused, which credential was sent, and what to do: in one error. */
export function refusalError(refused: HttpStatusError, sent: SentCredential): ConfigError {
  return new ConfigError(
    '',
    `${describeRefusal(refused, sent)}. Nothing was written: ${advice(refused, sent)}`,
    {
      cause: refused,
    },
  )
}

export function describeRefusal(
  { method, url, status, reason }: HttpStatusError,
  sent: SentCredential,
): string {
  const said = reason === '' ? '' : `: ${reason}`
  return `${method} ${url} answered ${status}${said}. ${describeSent(sent)}`
}

function describeSent({ auth, parameters }: SentCredential): string {
  const parts = [
    ...(auth === undefined ? [] : [describeAuth(auth)]),
    ...(parameters.length === 0 ? [] : [`what the address holds in ${parameters.join(' and ')}`]),
  ]
  return parts.length === 0 ? 'No credential was sent' : `What was sent: ${parts.join('; ')}`
}

function advice({ status }: HttpStatusError, { auth, parameters }: SentCredential): string {
  if (auth === undefined && parameters.length === 0)
    return `put the credential into an environment variable, as in \`export API_TOKEN=…\`, and name the variable, as in \`--auth bearer:API_TOKEN\`. Its forms: ${authForms}`
  const other =
    status === 403 ? 'it may lack a permission or scope' : 'it may be incomplete or no longer valid'
  return `${other}, or the API wants it in another place, which --auth names: ${authForms}`
}
