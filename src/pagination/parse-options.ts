// Paginators are used without a pipeline too: then their options have not been validated yet.
import { z } from 'zod'
import { ConfigError } from '../errors.ts'

/**
 * Validates a paginator's options and fills in the defaults. Options that have been validated pass unchanged.
 * @throws ConfigError that lists every mistake
 */
export function parseOptions<S extends z.ZodType>(schema: S, options: z.input<S>): z.output<S> {
  const result = schema.safeParse(options)
  if (result.success) return result.data
  throw new ConfigError('paginate', z.prettifyError(result.error))
}
