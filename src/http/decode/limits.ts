import { z } from 'zod'
import { size } from '../../options/size.ts'

/** How large a response may be. */
export const bodyLimits = z.strictObject({
  maxBodySize: size
    .prefault('1GiB')
    .describe('Largest body of a response as it is sent, still compressed. Default "1GiB".'),
  maxPageSize: size
    .prefault('256MiB')
    .describe(
      'Largest JSON or XML page once inflated: the guard against a small body that inflates without end. Bodies that are streamed (JSON Lines, CSV) are never whole in memory, and have no such limit. Default "256MiB".',
    ),
  maxLineSize: size
    .prefault('16MiB')
    .describe(
      'Longest line of a JSON Lines body, longest row of a CSV body, longest record of a JSON document that is streamed. Default "16MiB".',
    ),
})

/** Sizes in bytes. */
export type BodyLimits = z.output<typeof bodyLimits>

export const defaultBodyLimits: BodyLimits = bodyLimits.parse({})
