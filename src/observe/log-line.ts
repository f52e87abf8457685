import type { SluiceEvent } from '../ports/events.ts'
import { formatCount, formatMs, formatSeconds } from './format.ts'

/** The shortest wait for quota that a log mentions, in milliseconds. */
const notableWaitMs = 1000

/** An event as one plain line for logs, without its time; `undefined` for events that a log need not show. */
export function logLine(event: SluiceEvent): string | undefined {
  switch (event.type) {
    case 'run.start':
      return `run ${event.runId} of ${event.pipeline} starts: ${event.streams.join(', ')}`
    case 'run.end':
      return `run ${event.runId} is over: ${event.outcome}`
    case 'stream.end':
      return event.error === undefined
        ? `${event.stream} ${event.outcome}`
        : `${event.stream} failed (${event.error.code}): ${event.error.message}`
    case 'load.commit':
      return `${event.stream} committed ${formatCount(event.records)} records in ${formatMs(event.elapsedMs)} (${formatCount(event.inserted)} new, ${formatCount(event.updated)} changed, ${formatCount(event.unchanged)} known${event.rejected > 0 ? `, ${formatCount(event.rejected)} rejected` : ''})`
    case 'schema.change':
      return `${event.stream} changed its table: ${event.changes.join('; ')}`
    case 'record.reject':
      return `${event.stream} rejected ${formatCount(event.count)}: ${event.reason}`
    case 'request.retry':
      return `${event.stream ?? event.source} tries again in ${formatSeconds(event.delayMs / 1000)}: ${event.reason}`
    case 'quota.wait':
      return event.delayMs < notableWaitMs
        ? undefined
        : `${event.stream ?? event.source} waits ${formatSeconds(event.delayMs / 1000)} for quota: ${event.quota}`
    case 'breaker.open':
      return `${event.source} fails: its circuit is open for ${formatSeconds(event.forMs / 1000)}: ${event.reason}`
    case 'breaker.close':
      return `${event.source} works again: its circuit is closed`
    case 'token.refresh':
      return event.reason === 'refused'
        ? `${event.source} refused the token: a new one was asked for`
        : undefined
    default:
      return undefined
  }
}
