import type { Client } from '../http/client.ts'
import type { Redactor } from '../http/redact.ts'
import type { SecretParts } from '../http/secret-parts.ts'
import { createPaginator } from '../pagination/options.ts'
import type { EventSink } from '../ports/events.ts'
import type { Clock } from '../ports/runtime.ts'
import { type Announced, announceDetection } from './pages/announce-detection.ts'
import { describeOverlap, overlaps } from './pages/overlap-rules.ts'
import { overlapping } from './pages/place-position.ts'
import { storableLink } from './pages/storable-link.ts'
import type { StreamSettings } from './rest-options.ts'

/**
 * A stream's paginator. Its positions hold no secret (S1), and what it finds out is told. Where the pages of a list overlap, it names them
 * by the place that a `ListPlace` keeps. `stream`: as in `desk.tickets`.
 */
export function streamPaginator(
  stream: string,
  settings: StreamSettings,
  client: Client,
  redactor: Redactor,
  secret: SecretParts,
  clock: Clock,
  onEvent: EventSink | undefined,
): Announced {
  const { paginate } = settings
  const link = storableLink(client, redactor, Object.keys(secret.query))
  const paginator = createPaginator(paginate ?? { type: 'none' }, link)
  if (overlaps(settings))
    return { paginator: overlapping(paginator), describe: () => describeOverlap(settings) }
  const announced = announceDetection(paginate, paginator, (found) =>
    onEvent?.({
      type: 'pagination.detected',
      at: clock.now(),
      stream,
      kind: found.options.type,
      place: found.place ?? null,
      doubt: found.doubt ?? null,
    }),
  )
  return { ...announced, describe: (position) => describeOverlap(settings) ?? announced.describe(position) }
}
