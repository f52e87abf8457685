import type { z } from 'zod'
import { explainConfigError } from './explain.ts'
import { jsonSchemaOf } from './json-schema.ts'

/**
 * Validates options and fills in their defaults: for parts that are used without a pipeline, and so without its validation.
 * @throws ConfigError that names the option, what was found, what is allowed, and the nearest right spelling
 */
export function parseOptions<S extends z.ZodType>(schema: S, options: z.input<S>): z.output<S> {
  const result = schema.safeParse(options)
  if (!result.success) throw explainConfigError(result.error, options, jsonSchemaOf(schema))
  return result.data
}
