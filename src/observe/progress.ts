import type { SluiceEvent } from '../ports/events.ts'
import { clip, clipMiddle, nameWidth, withoutName } from './clip.ts'
import { formatCount, formatCounted, formatSeconds, formatShare, pluralOf } from './format.ts'
import type { QuotaReport } from './quota-counts.ts'
import type { StreamCounts } from './stream-counts.ts'
import { type Palette, plainPalette, quotaText } from './summary.ts'

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
/** Shorter waits come and go with each request: a picture that shows them flickers. In milliseconds. */
const shortestShownWaitMs = 1000
/** From this share of a stream's time on, its quota is what makes it slow, and is named. */
const heldShare = 0.2

interface Wait {
  readonly since: number
  /** When it is over, as far as is known. */
  readonly until: number
  readonly reason: string
  readonly forQuota?: true
}

/** Why each stream waits just now, learnt from events. */
export class Waits {
  readonly #waits = new Map<string, Wait>()
  /** By source. */
  readonly #breakers = new Map<string, Wait>()
  /** The quota that each stream waited for last. */
  readonly #quotas = new Map<string, string>()

  add(event: SluiceEvent): void {
    if (event.type === 'breaker.open') {
      const { source, at, forMs } = event
      this.#breakers.set(source, {
        since: at,
        until: at + forMs,
        reason: `${source} fails, its circuit is open: ${event.reason}`,
      })
    }
    if (event.type === 'breaker.close') this.#breakers.delete(event.source)
    if (!('stream' in event) || event.stream === undefined) return
    const { stream, at } = event
    switch (event.type) {
      case 'quota.hold':
        this.#quotas.set(stream, event.quota)
        this.#waits.set(stream, {
          since: at,
          until: event.expectedMs === null ? Number.POSITIVE_INFINITY : at + event.expectedMs,
          reason: event.quota,
          forQuota: true,
        })
        break
      case 'request.retry':
        this.#waits.set(stream, {
          since: at,
          until: at + event.delayMs,
          reason: `tries again after ${event.reason}`,
        })
        break
      case 'job.poll':
        this.#waits.set(stream, {
          since: at,
          until: at + event.nextMs,
          reason: `its job is ${event.status} since ${formatSeconds(event.elapsedMs / 1000)}`,
        })
        break
      case 'request.end':
      case 'request.fail':
        // Others of its requests may wait for quota still.
        if (!this.#isHeld(stream, at)) this.#waits.delete(stream)
        break
      case 'job.done':
      case 'quota.wait':
      case 'quota.pause':
      case 'stream.end':
        this.#waits.delete(stream)
        break
    }
  }

  /** What a stream waits for, if that is long enough to be shown. */
  of(stream: string, now: number): Wait | undefined {
    const wait = this.#breakers.get(stream.slice(0, stream.indexOf('.'))) ?? this.#waits.get(stream)
    if (wait === undefined) return undefined
    const announced = Number.isFinite(wait.until) ? wait.until - wait.since : 0
    return Math.max(announced, now - wait.since) >= shortestShownWaitMs ? wait : undefined
  }

  /** When the next request may go, if each of the streams waits until a moment that is known; milliseconds since 1970. */
  nextAt(streams: readonly string[], now: number): number | undefined {
    let next = Number.POSITIVE_INFINITY
    for (const stream of streams) {
      const wait = this.of(stream, now)
      if (wait === undefined || wait.until <= now) return undefined
      next = Math.min(next, wait.until)
    }
    return Number.isFinite(next) ? next : undefined
  }

  #isHeld(stream: string, now: number): boolean {
    const wait = this.#waits.get(stream)
    return wait?.forQuota === true && Number.isFinite(wait.until) && wait.until > now
  }

  quotaOf(stream: string): string | undefined {
    return this.#quotas.get(stream)
  }
}

export interface ProgressView {
  readonly pipeline: string
  readonly startedAt: number
  readonly streams: ReadonlyMap<string, StreamCounts>
  readonly waits: Waits
  /** What the limits have come to; those that were waited for are shown. Default: none. */
  readonly quotas?: readonly QuotaReport[]
  /** What happens now that the run was asked to stop, if it was. */
  readonly stopping?: string | undefined
}

/** One picture of a run that is under way: a line for the whole and one for each stream, cut to `width`. */
export function formatProgress(
  view: ProgressView,
  now: number,
  width: number,
  palette: Palette = plainPalette,
): string[] {
  const names = [...view.streams.keys()]
  const shownWidth = nameWidth(names, width)
  const all = [...view.streams.values()]
  const records = all.reduce((sum, counts) => sum + counts.records, 0)
  const committed = all.reduce((sum, counts) => sum + counts.committed, 0)
  const seconds = (now - view.startedAt) / 1000
  const head = `${view.pipeline}  ${formatSeconds(seconds)}  ${formatCounted(records, 'record')} read, ${formatCount(committed)} committed  ${rate(records, seconds)}`
  const running = names.filter((name) => {
    const { startedAt, endedAt } = view.streams.get(name)!
    return startedAt !== null && endedAt === null
  })
  const nextAt = view.waits.nextAt(running, now)
  const next = nextAt === undefined ? '' : `  next request in ${formatSeconds((nextAt - now) / 1000)}`
  const lines = names.map((name) => {
    const counts = view.streams.get(name)!
    const shown = clipMiddle(name, shownWidth).padEnd(shownWidth)
    const text = `${shown}  ${column(counts.records, 9, 'record')}  ${column(counts.pages, 5, 'page')}  ${state(name, counts, view, now)}`
    return `  ${mark(counts, now, palette)} ${clip(oneLine(text), width - 4)}`
  })
  const stopping = view.stopping === undefined ? [] : [palette.warn(clip(view.stopping, width))]
  const quotas = (view.quotas ?? [])
    .filter(({ waitedSeconds, pausedUntil }) => waitedSeconds > 0 || pausedUntil !== null)
    .map((quota, _, shown) => palette.faint(clip(`    ${quotaText(quota, shown)}`, width)))
  return [palette.strong(clip(head + next, width)), ...lines, ...quotas, ...stopping]
}

/** A count and its noun, as wide for one as for many. */
function column(value: number, width: number, noun: string): string {
  return `${formatCount(value).padStart(width)} ${pluralOf(value, noun).padEnd(noun.length + 1)}`
}

function state(name: string, counts: StreamCounts, view: ProgressView, now: number): string {
  if (counts.outcome === 'failed') return `failed: ${withoutName(name, counts.error?.message ?? '')}`
  if (counts.outcome === 'interrupted') return 'interrupted'
  if (counts.resumeAt !== null) return `paused until ${new Date(counts.resumeAt).toISOString()}`
  if (counts.startedAt === null) return 'waits for its turn'
  if (counts.endedAt !== null) return `done in ${formatSeconds((counts.endedAt - counts.startedAt) / 1000)}`
  const wait = view.waits.of(name, now)
  if (wait !== undefined) {
    return wait.until > now && Number.isFinite(wait.until)
      ? `waits ${formatSeconds((wait.until - now) / 1000)}: ${wait.reason}`
      : `waits: ${wait.reason}`
  }
  const elapsed = now - counts.startedAt
  const held = elapsed === 0 ? 0 : Math.min(1, counts.quotaWaitMs / elapsed)
  const quota = view.waits.quotaOf(name)
  const why = quota !== undefined && held >= heldShare ? `  ${formatShare(held)} waiting: ${quota}` : ''
  return `${rate(counts.records, elapsed / 1000)}${why}`
}

function rate(records: number, seconds: number): string {
  return `${formatCount(seconds <= 0 ? 0 : records / seconds)}/s`
}

function mark(counts: StreamCounts, now: number, palette: Palette): string {
  if (counts.outcome === 'done') return palette.good('✓')
  if (counts.outcome === 'failed') return palette.bad('✗')
  if (counts.outcome === 'interrupted' || counts.outcome === 'paused') return palette.warn('‖')
  return palette.faint(spinner[Math.floor(now / 100) % spinner.length]!)
}

/** A line break in an API's message would tear the picture. */
function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ')
}
