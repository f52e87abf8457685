import { z } from 'zod'
import { type AuthOptions, authOptions } from './options.ts'

export const rotateOptions = z.strictObject({
  type: z
    .literal('rotate')
    .describe(
      'Several credentials in turn, each within quotas of its own. One that is refused for its rate rests until the API takes it again; one that is refused itself is left out.',
    ),
  credentials: z
    .array(authOptions)
    .min(2, { error: 'name two credentials or more; for one write it as `auth` itself' })
    .describe('The credentials, each as `auth` would have it; no two of them the same.'),
})

/** How a source proves who it is: by one credential, or by several in turn. */
export const sourceAuthOptions = z.discriminatedUnion('type', [...authOptions.options, rotateOptions])

export type RotateOptions = z.input<typeof rotateOptions>
export type SourceAuth = z.output<typeof sourceAuthOptions>

/** Several credentials in turn: `rotate(bearer({ token: env('FIRST') }), bearer({ token: env('SECOND') }))`. */
export function rotate(...credentials: AuthOptions[]): RotateOptions {
  return { type: 'rotate', credentials }
}
