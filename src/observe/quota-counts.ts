import type { SluiceEvent } from '../ports/events.ts'
import { grantedIn, type QuotaKind, type QuotaSize } from '../quota/usage.ts'

/** What one limit came to in a run. */
export type QuotaReport = {
  /** The sources that asked within it: those with one credential at one API share it. */
  readonly sources: readonly string[]
  /** Their streams that did. */
  readonly streams: readonly string[]
  /** As in `700 requests per 1m`. */
  readonly quota: string
  /** Who says it: the config, the API, or nobody, so that it had to be found. */
  readonly kind: QuotaKind
  /**
   * What it allowed from this run's first request to its last, for all tenants and credentials that it was asked for; `null` where that is
   * not known.
   */
  readonly granted: number | null
  /** What this run took of it, in its unit. */
  readonly used: number
  /** The requests that did. */
  readonly requests: number
  /** How many tenants, resources or credentials these were for. */
  readonly parts: number
  /** Other processes take of it, too: what they used is not in `used`. */
  readonly shared: boolean
  /** Requests that the API refused, and that this limit explains. */
  readonly refused: number
  /** Seconds that requests waited for it, added up: of requests that wait side by side, each counts. */
  readonly waitedSeconds: number
  /** ISO time until which a request would have had to wait for longer than the run's patience; `null` where none had to. */
  readonly pausedUntil: string | null
}

type QuotaEvent = Extract<SluiceEvent, { readonly quota: string }>

interface Part {
  first: number
  last: number
  size: QuotaSize | null
}

class LimitCounts {
  readonly quota: string
  readonly kind: QuotaKind
  readonly sources = new Set<string>()
  readonly streams = new Set<string>()
  readonly parts = new Map<number, Part>()
  /** Limits that took part in one of its requests: these are others than it, whatever their words. */
  readonly beside = new Set<LimitCounts>()
  used = 0
  requests = 0
  refused = 0
  waitedMs = 0
  pausedUntil: number | undefined

  constructor({ quota, kind = 'declared' }: QuotaEvent) {
    this.quota = quota
    this.kind = kind
  }

  add(event: QuotaEvent): void {
    this.sources.add(event.source)
    if (event.stream !== undefined) this.streams.add(event.stream)
    if (event.type === 'quota.wait') this.waitedMs += event.delayMs
    else if (event.type === 'quota.pause')
      this.pausedUntil = Math.min(event.until, this.pausedUntil ?? event.until)
    else if (event.type === 'quota.use') {
      this.used += event.used
      this.requests++
      if (event.refused) this.refused++
      this.#addPart(event)
    }
  }
  #addPart({ part, sentAt, size }: Extract<QuotaEvent, { type: 'quota.use' }>): void {
    const known = this.parts.get(part)
    if (known === undefined) {
      this.parts.set(part, { first: sentAt, last: sentAt, size })
      return
    }
    known.first = Math.min(known.first, sentAt)
    known.last = Math.max(known.last, sentAt)
    known.size = size ?? known.size
  }

  get granted(): number | null {
    let granted = 0
    for (const { size, first, last } of this.parts.values()) {
      if (size === null) return null
      granted += grantedIn(size, first, last)
    }
    return this.parts.size === 0 ? null : granted
  }

  /** Nothing is known of a limit that nobody tells before a request was refused, or waits for what earlier runs found. */
  get isKnown(): boolean {
    return this.kind !== 'found' || this.refused > 0 || this.waitedMs > 0 || this.pausedUntil !== undefined
  }

  report(): QuotaReport {
    return {
      sources: [...this.sources],
      streams: [...this.streams],
      quota: this.quota,
      kind: this.kind,
      granted: this.granted,
      used: this.used,
      requests: this.requests,
      parts: this.parts.size,
      shared: [...this.parts.values()].some(({ size }) => size?.shared === true),
      refused: this.refused,
      waitedSeconds: this.waitedMs / 1000,
      pausedUntil: this.pausedUntil === undefined ? null : new Date(this.pausedUntil).toISOString(),
    }
  }
}

/** Sums up what a run took of each limit. */
export class QuotaCounts {
  /** By the limit's number, and those of another make by source and name. */
  readonly #limits = new Map<number | string, LimitCounts>()
  /** The limits of the request that was told of last. */
  #together: { readonly request: number; readonly limits: LimitCounts[] } = { request: -1, limits: [] }

  add(event: SluiceEvent): void {
    if (event.type !== 'quota.use' && event.type !== 'quota.wait' && event.type !== 'quota.pause') return
    if (event.kind === 'places') return
    const key = event.limit ?? JSON.stringify([event.source, event.quota])
    let counts = this.#limits.get(key)
    if (counts === undefined) {
      counts = this.#sameWords(event) ?? new LimitCounts(event)
      this.#limits.set(key, counts)
    }
    counts.add(event)
    if (event.type !== 'quota.use') return
    if (this.#together.request !== event.request) this.#together = { request: event.request, limits: [] }
    for (const other of this.#together.limits) {
      other.beside.add(counts)
      counts.beside.add(other)
    }
    this.#together.limits.push(counts)
  }

  /** What an API says, and what it is found to allow, is one, however many of its credentials and endpoints were asked. */
  #sameWords({ source, quota, kind }: QuotaEvent): LimitCounts | undefined {
    if (kind !== 'reported' && kind !== 'found') return undefined
    return [...this.#limits.values()].find(
      (known) => known.kind === kind && known.quota === quota && known.sources.has(source),
    )
  }

  get all(): readonly QuotaReport[] {
    const known = [...new Set(this.#limits.values())].filter(({ isKnown }) => isKnown)
    return addedUp(known)
  }
}

/** One limit that is declared for several credentials, which the same streams used in turn, is told of once. */
function addedUp(limits: readonly LimitCounts[]): readonly QuotaReport[] {
  const groups: LimitCounts[][] = []
  for (const one of limits) {
    const group = groups.find((others) => others.every((other) => isAnotherCredentials(one, other)))
    if (group === undefined) groups.push([one])
    else group.push(one)
  }
  return groups.map((group) => group.map((counts) => counts.report()).reduce(sumOf))
}

function isAnotherCredentials(a: LimitCounts, b: LimitCounts): boolean {
  const same =
    a.quota === b.quota && a.kind === b.kind && isSame(a.sources, b.sources) && isSame(a.streams, b.streams)
  return same && !a.beside.has(b)
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((name) => b.has(name))
}

function sumOf(a: QuotaReport, b: QuotaReport): QuotaReport {
  return {
    ...a,
    granted: a.granted === null || b.granted === null ? null : a.granted + b.granted,
    used: a.used + b.used,
    requests: a.requests + b.requests,
    parts: a.parts + b.parts,
    shared: a.shared || b.shared,
    refused: a.refused + b.refused,
    waitedSeconds: a.waitedSeconds + b.waitedSeconds,
    pausedUntil: [a.pausedUntil, b.pausedUntil].filter((time) => time !== null).sort()[0] ?? null,
  }
}
