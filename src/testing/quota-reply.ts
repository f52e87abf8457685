import type { HttpHeaders } from '../ports/runtime.ts'
import { grant } from '../quota/permit.ts'
import type { QuotaQueue } from '../quota/queue.ts'

/** The reply to a request that was sent past the queue: what an API says of its limits, whoever waits. */
export function reply(queue: QuotaQueue, status: number, headers: HttpHeaders): void {
  const permit = grant([{ queue, cost: 1 }])
  permit.answered?.({ status, headers })
  permit.release()
}
