import { z } from 'zod'
import { lateSecret } from '../options/late-secret.ts'
import { isSecret, type Secret, textOrSecret } from '../options/secret.ts'
import type { Json } from '../ports/json.ts'
import type { AuthContext } from './auth-context.ts'

/** JSON whose texts may be secrets, or have one inside. */
export type JsonWithSecrets =
  | string
  | number
  | boolean
  | null
  | Secret
  | readonly JsonWithSecrets[]
  | { readonly [key: string]: JsonWithSecrets }

/** An option that takes JSON with secrets in it: the body of a login, the claims of a token. */
export const jsonWithSecrets: z.ZodType<JsonWithSecrets, JsonWithSecrets> = z
  .lazy(() =>
    z.union([
      textOrSecret,
      z.number(),
      z.boolean(),
      z.null(),
      z.array(jsonWithSecrets),
      z.record(z.string(), jsonWithSecrets),
    ]),
  )
  .meta({ title: 'JSON with secrets' })

/** The value with its secrets looked up, each of them told to `onSecret` first (S1). */
export function revealJson(value: JsonWithSecrets, context: Pick<AuthContext, 'lookup' | 'onSecret'>): Json {
  if (isSecret(value)) return lateSecret(value, context)()
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item: JsonWithSecrets) => revealJson(item, context))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealJson(inner, context)]))
}
