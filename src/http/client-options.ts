import { z } from 'zod'
import { size } from '../options/size.ts'
import { breakerOptions } from './breaker.ts'
import { retryOptions } from './retry.ts'
import { timeoutOptions } from './transport.ts'

/**
 * What a source's config says of its client. The output is what `createClient` takes: durations in milliseconds, sizes in bytes,
 * and the parts that are absent left to the client's defaults. Spread `clientOptions.shape` into a source's own schema.
 */
export const clientOptions = z.strictObject({
  headers: z
    .record(
      z.string().transform((name) => name.toLowerCase()),
      z.string(),
    )
    .optional()
    .describe('Headers of every request. Default: accept any type, gzip, and a user agent.'),
  retry: retryOptions.optional().describe('How failed requests are repeated.'),
  breaker: breakerOptions.optional().describe('When the API is left alone, because it is down.'),
  timeouts: timeoutOptions.optional().describe('How long the parts of one request may take.'),
  maxConcurrent: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('Requests under way at once; more wait, first come, first served. 1 to 1000. Default: 10.'),
  maxBodySize: size
    .optional()
    .describe('Largest response body as it is sent, still compressed. Default: 1GiB.'),
  allowedOrigins: z
    .array(z.url({ protocol: /^https?$/ }))
    .optional()
    .describe(
      "Further origins that belong to the same API, as in https://data.example.com. They get the source's credential, too. Default: none.",
    ),
})
export type ClientConfig = z.output<typeof clientOptions>
