import type { HttpHeaders } from '../ports/runtime.ts'
import type { QueuedQuota } from '../quota/combine.ts'
import { grant } from '../quota/permit.ts'

/** The reply to a request that was sent past the queue: what an API says of its limits, whoever waits. */
export function reply(quota: QueuedQuota, status: number, headers: HttpHeaders): void {
  const permit = grant(quota.takesOf({}))
  permit.answered?.({ status, headers })
  permit.release()
}
