import type { RunProblemKind, SideCounts, SluiceEvent } from '../ports/events.ts'
import { clip, clipList, withoutName } from './clip.ts'
import { detectedText, doubtText, mismatchText, shiftText } from './doubt-text.ts'
import { formatCount, formatCounted, formatMs, formatSeconds } from './format.ts'

/** The shortest wait for quota that a log mentions, in milliseconds. */
const notableWaitMs = 1000
/** Longest reason of a retry or a reject, in characters. What stops a stream is told in full. */
const reasonLength = 200
const shownChanges = 3
const added = 'added column '

/** An event as one plain line for logs, without its time; `undefined` for events that a log need not show. */
export function logLine(event: SluiceEvent): string | undefined {
  const text = eventText(event)
  // An API's message may hold line breaks; a log's reader counts on one line an event.
  return text?.replace(/\s*[\r\n]+\s*/g, ' ')
}

function eventText(event: SluiceEvent): string | undefined {
  switch (event.type) {
    case 'run.start':
      return `run ${event.runId} of ${event.pipeline} starts: ${clipList(event.streams, 8)}`
    case 'run.end':
      return `run ${event.runId} is over: ${event.outcome}`
    case 'run.problem':
      return `${problemText(event.problem)} (${event.code}): ${event.message}`
    case 'destination.wait':
      return `${event.destination} is waited for, ${formatSeconds(event.atMostMs / 1000)} at most: ${event.reason}`
    case 'stream.end':
      if (event.error === undefined) return `${event.stream} ${event.outcome}`
      return event.resumeAt !== undefined
        ? `${event.stream} is paused until ${new Date(event.resumeAt).toISOString()} (${event.error.code}): ${withoutName(event.stream, event.error.message)}`
        : `${event.stream} failed (${event.error.code}): ${withoutName(event.stream, event.error.message)}`
    case 'load.commit':
      return `${event.stream} committed ${formatCounted(event.records, 'record')} in ${formatMs(event.elapsedMs)}: ${commitParts(event).join(', ')}${sideParts(event)}`
    case 'schema.change':
      return `${event.stream} changed its table: ${changesText(event.changes)}`
    case 'list.doubt':
      return `${event.stream} warning: ${doubtText(event)}`
    case 'pagination.detected':
      return event.doubt === null
        ? `${event.stream} found its pagination: ${detectedText(event)}`
        : `${event.stream} warning: ${detectedText(event)}`
    case 'count.mismatch':
      return `${event.stream} warning: ${mismatchText(event)}`
    case 'list.shift':
      return `${event.stream} goes on in a list that moved: ${shiftText(event)}`
    case 'stream.warning':
      return `${event.stream} warning: ${event.message}`
    case 'position.expired':
      return `${event.stream} warning: ${expiredText(event)}`
    case 'slice.stop':
      return `${event.stream} warning: ${stopText(event)}`
    case 'job.create':
      return `${event.stream} created job ${clip(event.job, reasonLength)}`
    case 'job.done':
      return `${event.stream} job ${clip(event.job, reasonLength)} is ${event.status} after ${formatSeconds(event.elapsedMs / 1000)}`
    case 'record.reject':
      return `${event.stream} rejected ${formatCount(event.count)}: ${clip(event.reason, reasonLength)}`
    case 'request.retry':
      return `${event.stream ?? event.source} tries again in ${formatMs(event.delayMs)}: ${clip(event.reason, reasonLength)}`
    case 'quota.hold':
      return event.expectedMs === null || event.expectedMs < notableWaitMs
        ? undefined
        : `${event.stream ?? event.source} waits ${formatSeconds(event.expectedMs / 1000)} or more for quota: ${event.quota}`
    case 'breaker.open':
      return `${event.source} fails: its circuit is open for ${formatSeconds(event.forMs / 1000)}: ${clip(event.reason, reasonLength)}`
    case 'breaker.close':
      return `${event.source} works again: its circuit is closed`
    case 'credential.refused':
      return `${event.source} warning: one of its credentials was refused and is left out; ${formatCount(event.left)} left`
    case 'token.refresh':
      return event.reason === 'refused'
        ? `${event.source} refused the token: a new one was asked for`
        : undefined
    default:
      return undefined
  }
}

/** That a slice was left before its end, and why. */
/** As in `slice all: the API no longer knows the position; reading from the beginning`. */
export function expiredText({ slice, action }: Extract<SluiceEvent, { type: 'position.expired' }>): string {
  const then = action === 'resync' ? 'it is read from its beginning' : 'everything is read into a new table'
  return `the API no longer knows where slice ${slice} was read up to; ${then}`
}

export function stopText({ slice, reason }: Extract<SluiceEvent, { type: 'slice.stop' }>): string {
  return `slice ${slice} ends here for this run: ${reason}`
}

const problemTexts: Readonly<Record<RunProblemKind, string>> = {
  'report-not-stored': 'the report of the run could not be stored; what was loaded stays loaded',
  'not-closed': 'something could not be closed as it should be; what was loaded stays loaded',
  'quotas-not-kept': 'what one run knows of a quota is lost to the next',
}

/** What went wrong beside the streams. */
export function problemText(problem: RunProblemKind): string {
  return problemTexts[problem]
}

/** What a commit did to each side table that it changed. */
function sideParts({ sides = {} }: Extract<SluiceEvent, { type: 'load.commit' }>): string {
  return Object.entries(sides)
    .filter(
      ([_table, { inserted, updated, deleted, rejected }]) => inserted + updated + deleted + rejected > 0,
    )
    .map(([table, counts]) => `; ${table} ${commitParts(counts).join(', ')}`)
    .join('')
}

/** What a commit did to a table, without what it did not. */
function commitParts(event: SideCounts): string[] {
  const parts = [
    [event.inserted, 'new'],
    [event.updated, 'changed'],
    [event.unchanged, 'known'],
    [event.deleted, 'gone'],
    [event.rejected, 'rejected'],
  ] as const
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${formatCount(count)} ${word}`)
  return said.length === 0 ? ['nothing new'] : said
}

/** A new table adds every column that it has: the first few and a count say enough. */
function changesText(changes: readonly string[]): string {
  const columns = changes.filter((change) => change.startsWith(added))
  const others = changes.filter((change) => !change.startsWith(added))
  const names = columns.map((change) => change.slice(added.length))
  const addition =
    names.length === 0
      ? []
      : [`added ${names.length === 1 ? 'column' : 'columns'} ${clipList(names, shownChanges)}`]
  const widened = others.length === 0 ? [] : [clipList(others, shownChanges)]
  return [...widened, ...addition].join('; ')
}
