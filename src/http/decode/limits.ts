import { z } from 'zod'
import { size } from '../../options/size.ts'

/** How large a response may be. */
export const bodyLimits = z.strictObject({
  maxBytes: size
    .prefault('64MiB')
    .describe(
      'Largest body of one JSON page as it is sent, that is still compressed. A larger one stops the stream. Default "64MiB".',
    ),
  maxInflatedBytes: size
    .prefault('256MiB')
    .describe(
      'Largest body of one JSON page once inflated: the guard against a small body that inflates without end. Default "256MiB".',
    ),
  maxLineBytes: size
    .prefault('16MiB')
    .describe('Longest line of a JSON Lines body. Such a body has no other limit. Default "16MiB".'),
})

/** Sizes in bytes. */
export type BodyLimits = z.output<typeof bodyLimits>
