import { z } from 'zod'
import type { Authenticator } from '../ports/authenticator.ts'

export const noneOptions = z.strictObject({
  type: z.literal('none').describe('The API asks for no credential.'),
})

/** No credential. */
export function none(): z.input<typeof noneOptions> {
  return { type: 'none' }
}

export function noneAuthenticator(): Authenticator {
  return { sign: async (request) => request }
}
