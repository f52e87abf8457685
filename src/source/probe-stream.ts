import { ConfigError } from '../errors.ts'
import type { Client } from '../http/client.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { PageFetcher, PartSink } from './pages/fetch-page.ts'
import type { Sending } from './request/sending.ts'

/** Asks for a page and throws it away: whether the credential works. `stream`: as in `desk.tickets`. */
export async function probeRequest(
  request: RequestSpec,
  stream: string,
  client: Client,
  fetcher: PageFetcher,
  sending: Sending,
  signal: AbortSignal,
): Promise<void> {
  // A document is read, since an API may refuse a credential in the body of a success; a streamed body may be long.
  if (fetcher.streams) {
    await client.request(request, (response) => response.discard(), { signal, stream, ...sending })
  } else await fetcher.fetch(request, noParts, signal)
}

const noParts: PartSink = { begin() {}, async part() {} }

/** @throws ConfigError always */
export function refuseJobProbe(stream: string): never {
  throw new ConfigError(
    stream,
    'its first request would create a job, which is no way to check a credential: name a path that does no harm in the `check` of the source, or list another stream first',
  )
}
