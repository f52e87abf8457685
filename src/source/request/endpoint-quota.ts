import type { QuotaEntry } from '../../quota/declared/entry.ts'
import type { Quota } from '../../quota/quota.ts'

/**
 * The quota of one endpoint, by method and path, which all streams that ask it share (Q3). `quotas` are what one of them says of it;
 * whoever says nothing keeps to what the others say.
 */
export type EndpointQuota = (method: string, path: string, quotas: readonly QuotaEntry[]) => Quota
