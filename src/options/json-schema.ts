import { z } from 'zod'

/** As much of JSON Schema as zod writes for our options. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  /** The kind of value, where many options share it: `duration`, `secret`. */
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
}

/** The JSON Schema of what a user may write: the input side of an option schema. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  let known = knownSchemas.get(schema)
  if (known === undefined) {
    known = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as JsonSchema
    knownSchemas.set(schema, known)
  }
  return known
}

/** A pipeline's takes longer to write than the pipeline to validate. */
const knownSchemas = new WeakMap<z.ZodType, JsonSchema>()

/** The alternatives of a union, or the schema itself. */
export function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  return schema.anyOf ?? schema.oneOf ?? [schema]
}
