import type { SluiceEvent } from '../ports/events.ts'
import { formatCount, formatSeconds } from './format.ts'
import type { StreamCounts } from './stream-counts.ts'
import { type Palette, plainPalette } from './summary.ts'

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

interface Wait {
  readonly until: number
  readonly reason: string
}

/** Why each stream waits just now, learnt from events. */
export class Waits {
  readonly #waits = new Map<string, Wait>()

  add(event: SluiceEvent): void {
    if (event.type === 'quota.wait')
      this.#set(event.stream, event.at + event.delayMs, `quota: ${event.quota}`)
    if (event.type === 'request.retry')
      this.#set(event.stream, event.at + event.delayMs, `tries again after ${event.reason}`)
    if (event.type === 'breaker.wait')
      this.#set(event.stream, event.at + event.delayMs, 'the API fails, its circuit is open')
  }

  of(stream: string, now: number): Wait | undefined {
    const wait = this.#waits.get(stream)
    return wait !== undefined && wait.until > now ? wait : undefined
  }

  #set(stream: string | undefined, until: number, reason: string): void {
    if (stream !== undefined) this.#waits.set(stream, { until, reason })
  }
}

export interface ProgressView {
  readonly pipeline: string
  readonly startedAt: number
  readonly streams: ReadonlyMap<string, StreamCounts>
  readonly waits: Waits
}

/** One picture of a run that is under way: a line for the whole and one for each stream, cut to `width`. */
export function formatProgress(
  view: ProgressView,
  now: number,
  width: number,
  palette: Palette = plainPalette,
): string[] {
  const names = [...view.streams.keys()]
  const nameWidth = Math.max(...names.map((name) => name.length), 6)
  const records = [...view.streams.values()].reduce((sum, counts) => sum + counts.records, 0)
  const seconds = (now - view.startedAt) / 1000
  const head = `${view.pipeline}  ${formatSeconds(seconds)}  ${formatCount(records)} records  ${formatCount(records / Math.max(seconds, 0.001))}/s`
  const lines = names.map((name) => {
    const counts = view.streams.get(name)!
    const text = `${name.padEnd(nameWidth)}  ${formatCount(counts.records).padStart(9)} records  ${formatCount(counts.pages).padStart(5)} pages`
    return cut(`${text}  ${state(name, counts, view, now)}`, width - 4)
  })
  const marks = names.map((name) => mark(view.streams.get(name)!, now, palette))
  return [palette.strong(cut(head, width)), ...lines.map((line, index) => `  ${marks[index]} ${line}`)]
}

function state(name: string, counts: StreamCounts, view: ProgressView, now: number): string {
  if (counts.outcome === 'failed') return `failed: ${counts.error?.message ?? ''}`
  if (counts.outcome === 'interrupted') return 'interrupted'
  if (counts.startedAt === null) return 'waits for its turn'
  if (counts.endedAt !== null) return `done in ${formatSeconds((counts.endedAt - counts.startedAt) / 1000)}`
  const wait = view.waits.of(name, now)
  if (wait !== undefined) return `waits ${formatSeconds((wait.until - now) / 1000)} (${wait.reason})`
  return `${formatCount(counts.records / Math.max((now - counts.startedAt) / 1000, 0.001))}/s`
}

function mark(counts: StreamCounts, now: number, palette: Palette): string {
  if (counts.outcome === 'done') return palette.good('✓')
  if (counts.outcome === 'failed') return palette.bad('✗')
  if (counts.outcome === 'interrupted') return palette.warn('‖')
  return palette.faint(spinner[Math.floor(now / 100) % spinner.length]!)
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}
