import { z } from 'zod'
import { revealSecret, type Secret } from '../options/secret.ts'
import type { Authenticator } from '../ports/authenticator.ts'
import type { HttpRequest, Runtime } from '../ports/runtime.ts'
import type { AuthContext } from './auth-context.ts'

/** What a signer of your own is given to work with. */
export interface CustomSignContext {
  /** Time, chance and network: a signature that holds a time takes it from here. */
  readonly runtime: Runtime
  /** Looks a secret up, and makes it known, so that no log and no error shows it (S1). */
  reveal(secret: Secret | string): string
  /** Makes a value known as a secret: one that the signer has made or fetched. */
  onSecret(value: string): void
  /** The source's name. */
  readonly source: string
  readonly signal: AbortSignal | undefined
}

export type CustomSign = (
  request: HttpRequest,
  context: CustomSignContext,
) => HttpRequest | Promise<HttpRequest>

/** Resolves to true where signing again gives another credential. */
export type CustomRenew = (refused: HttpRequest, context: CustomSignContext) => boolean | Promise<boolean>

const signer = z.custom<CustomSign>((value) => typeof value === 'function', {
  error: 'this is a function of the request, which a pipeline.ts can have: `sign: (request, context) => …`',
})
const renewer = z.custom<CustomRenew>((value) => typeof value === 'function', {
  error: 'this is a function of the refused request, which a pipeline.ts can have',
})

export const customOptions = z.strictObject({
  type: z.literal('custom').describe('A function of your own signs each request. In TypeScript only.'),
  sign: signer.describe('Takes the request and gives it back signed. It is called for each attempt.'),
  renew: renewer
    .exactOptional()
    .describe(
      'Called after a 401: gives true where signing again is worth one more try. Default: it is not.',
    ),
})
export type CustomAuthOptions = z.input<typeof customOptions>

/** A signer of your own: `customAuth({ sign: (request, { reveal }) => ({ ...request, headers: { ...request.headers, 'x-key': reveal(env('KEY')) } }) })`. */
export function customAuth(options: Omit<CustomAuthOptions, 'type'>): CustomAuthOptions {
  return { type: 'custom', ...options }
}

export function customAuthenticator(
  { sign, renew }: z.output<typeof customOptions>,
  { runtime, lookup, onSecret, source }: AuthContext,
): Authenticator {
  const told = new Set<string>()
  const tell = (value: string) => {
    if (told.has(value)) return
    told.add(value)
    onSecret(value)
  }
  const around = (signal: AbortSignal | undefined): CustomSignContext => ({
    runtime,
    source,
    signal,
    onSecret: tell,
    reveal(secret) {
      const value = revealSecret(secret, lookup)
      tell(value)
      return value
    },
  })
  return {
    sign: async (request, signal) => sign(request, around(signal)),
    ...(renew && { renew: async (refused, signal) => renew(refused, around(signal)) }),
  }
}
