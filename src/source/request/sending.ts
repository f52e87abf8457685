// How a stream's requests are sent: as whom, within which quotas of their endpoint, and with which secrets.
import type { Account } from '../../http/layer.ts'
import type { Attach } from '../../http/secret-parts.ts'
import type { Clock } from '../../ports/runtime.ts'
import { createQuota } from '../../quota/options.ts'
import type { Quota } from '../../quota/quota.ts'
import type { StreamSettings } from '../rest-options.ts'
import type { EndpointQuota } from './endpoint-quota.ts'
import { methodOf } from './request-options.ts'

export interface Sending {
  readonly quotas: readonly Quota[]
  /** The account that asks, where it is not the client's own. */
  readonly account?: Account
  readonly attach?: Attach
}

/** An account of the API, by what a stream says of its credential. `place` names the stream in messages. */
export type AccountOf = (auth: NonNullable<StreamSettings['auth']>, place: string) => StreamAccount

export interface StreamAccount {
  readonly account: Account
  readonly endpointQuota: EndpointQuota
}

/** `path`: the one that the quotas of its endpoint are known by. */
export function sendingOf(
  settings: StreamSettings,
  path: string,
  own: StreamAccount | undefined,
  endpointQuota: EndpointQuota,
  attach: Attach | undefined,
): Sending {
  const quotaOf = own?.endpointQuota ?? endpointQuota
  return {
    quotas: [quotaOf(methodOf(settings), path, settings.quotas)],
    ...(own && { account: own.account }),
    ...(attach && { attach }),
  }
}

/** Where nobody else asks the endpoint. */
export function ownQuota(clock: Clock): EndpointQuota {
  return (_method, _path, quotas) => createQuota({ quotas: [...quotas], rateLimitHeaders: false }, clock)
}
