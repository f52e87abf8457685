import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { lateSecret } from '../options/late-secret.ts'
import type { AuthContext } from './auth-context.ts'
import { type JwtSigner, jwtFields, jwtSigner } from './jwt-signer.ts'

/** Where Google's service accounts get their tokens. */
export const googleTokenUrl = 'https://oauth2.googleapis.com/token'

const keyFile = z.object({
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().min(1).optional(),
  token_uri: z.string().min(1).optional(),
})

/** Google takes an assertion that is good for an hour at most. */
const assertionFields = z.strictObject(jwtFields)

/**
 * Signs the assertions of a Google service account, from the JSON of its key file.
 * @param tokenUrl the configured endpoint; `undefined` where it is Google's own
 * @throws ConfigError where the JSON is no such file, without quoting it (S1)
 */
export function serviceAccountSigner(
  options: {
    readonly serviceAccount: Parameters<typeof lateSecret>[0]
    readonly subject: Parameters<typeof lateSecret>[0] | undefined
  },
  tokenUrl: string | undefined,
  context: AuthContext,
): JwtSigner {
  const text = lateSecret(options.serviceAccount, context)
  let signer: JwtSigner | undefined

  function build(): JwtSigner {
    const file = parseKeyFile(text(), `sources.${context.source}.auth.serviceAccount`)
    context.onSecret(file.private_key)
    if (tokenUrl === undefined && file.token_uri !== undefined && file.token_uri !== googleTokenUrl) {
      throw new ConfigError(
        `sources.${context.source}.auth.tokenUrl`,
        `the key file names the token endpoint ${file.token_uri}, which is not Google's ${googleTokenUrl}: set tokenUrl to it, if it is right`,
      )
    }
    const fields = assertionFields.parse({
      algorithm: 'RS256',
      key: 'replaced below',
      issuer: file.client_email,
      expiresIn: '1h',
      ...(options.subject !== undefined && { subject: options.subject }),
    })
    const key = {
      key: file.private_key,
      ...(file.private_key_id !== undefined && { keyId: file.private_key_id }),
    }
    return jwtSigner({ ...fields, ...key }, 'auth.serviceAccount', context)
  }
  return async (defaults) => {
    signer ??= build()
    return signer(defaults)
  }
}

function parseKeyFile(text: string, option: string): z.output<typeof keyFile> {
  try {
    return keyFile.parse(
      JSON.parse(text.trim().startsWith('{') ? text : Buffer.from(text, 'base64').toString()),
    )
  } catch {
    // The parser's own message would quote the file (S1).
    throw new ConfigError(
      option,
      'this is no key file of a service account: it is the whole JSON, with client_email and private_key, as it is or in base64',
    )
  }
}
