import { z } from 'zod'

export const refusalScope = z
  .enum(['account', 'endpoint'])
  .optional()
  .describe(
    'What a refusal speaks of that names no budget of the API: "account", of all that the credential asks, or "endpoint", of the requests with the same method and path (ids in it aside), as at Slack. That is what waits, and what a rate is looked for of. Default "account".',
  )

export type RefusalScope = NonNullable<z.output<typeof refusalScope>>
