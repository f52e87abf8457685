// How a stream is cut into slices, and what progress means inside one. There is one answer a file:
//   whole.ts                 read to its end each time, resumed in the middle
//   time-incremental.ts      a filter on a time, and a high-water mark
//   id-incremental.ts        a filter on a growing id, and a high-water mark
//   position-incremental.ts  the paginator's position outlives the run
//   slices/time-slices.ts    windows of time, each with a checkpoint of its own
// slices/partitioned.ts puts any of them into each partition of a stream: the values of a list, the records of a parent.
import { ConfigError } from '../errors.ts'
import type { PageView } from '../pagination/paginator.ts'
import type { Json, JsonRecord } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { Progress, Slice } from '../ports/source.ts'
import type { TemplateValues } from '../template/request-template.ts'
import type { Instant } from './incremental/time-format.ts'
import type { Pass } from './slices/pass.ts'

export interface Progression {
  /**
   * The slices that a run reads: those with something unread first, oldest first, then those that are read again.
   * @throws ConfigError where the stream can't be bounded as `scope` asks
   */
  slices(committed: ReadonlyMap<string, Progress>, scope: Bounds): Iterable<Slice>
  /** Begins to read a slice. The bounds are fixed here, and go into the position: a read that resumes asks for the same list. */
  begin(slice: Slice): SliceReading
}

/** A progression whose slices may have to be asked for, as where each record of another stream is one. */
export interface StreamProgression extends Omit<Progression, 'slices'> {
  slices(
    committed: ReadonlyMap<string, Progress>,
    scope: Bounds,
    signal: AbortSignal,
  ): Iterable<Slice> | AsyncIterable<Slice>
  /** The pass over the stream's partitions that a slice belongs to, where there is one. */
  passOf?(slice: Slice): Pass | undefined
}

/** The reading of one slice, page after page. */
export interface SliceReading {
  /** The paginator's position to start from; `undefined` at the first page. */
  readonly start: Json | undefined
  /** What the placeholders of the stream's request stand for in this slice. Default: nothing. */
  readonly values?: TemplateValues
  /** The request before the paginator's part in it. `isFirst`: no position is known yet. */
  request(base: RequestSpec, isFirst: boolean): RequestSpec
  /** Takes in the records of a page, or of a part of one, and gives those that belong to the slice. */
  take(records: readonly JsonRecord[]): readonly JsonRecord[]
  /** Asked after `take`: true where what follows in the list is known already, so that the page is the last. */
  isEnough?(): boolean
  /** Forgets what was taken since the last progress: a streamed body that broke off is read again from its start. */
  rewind?(): void
  /** What is true once everything taken so far is committed. Absent where the checkpoint is to be left alone. */
  progress(page: ReadPage): Progress | undefined
  /** Looks at a page as it comes, before any of it is handed on. What it gives is read instead of what is left of this reading. */
  inspect?(page: PageView): SliceReading | undefined
  /** What there is to read of the slice once this reading has ended. */
  after?(): SliceReading | undefined
}

/** A page that was read, and where reading goes on. */
export interface ReadPage {
  readonly view: PageView
  /** The position that it was read at. */
  readonly at: Json | undefined
  /** The position of the next page; `undefined` after the last one. */
  readonly next: Json | undefined
}

/** The part of a stream that a backfill reads. */
export interface Bounds {
  /** Inclusive. */
  readonly since?: Instant
  /** Exclusive. */
  readonly until?: Instant
}

/** A slice of a backfill: it starts at the beginning of its bounds, and moves no checkpoint. */
export interface BoundedSlice extends Slice {
  readonly bounds: Bounds
}

export function boundsOf(slice: Slice): Bounds | undefined {
  return 'bounds' in slice ? (slice as BoundedSlice).bounds : undefined
}

/** A slice that was read to its end, and is read again for what comes late: it waits until what was never read has had its turn. */
export interface RepeatedSlice extends Slice {
  /** When it was read, in milliseconds since 1970. */
  readonly lastRead: number
}

export function isRepeated<T extends Slice>(slice: T): slice is T & RepeatedSlice {
  return 'lastRead' in slice
}

/** Longest ago first, so that each has its turn however few of them a run comes to. */
export function byLastRead(a: Pick<RepeatedSlice, 'lastRead'>, b: Pick<RepeatedSlice, 'lastRead'>): number {
  return a.lastRead - b.lastRead
}

export function isUnbounded(scope: Bounds): boolean {
  return scope.since === undefined && scope.until === undefined
}

/** The key of a stream's only slice. */
export const onlySlice = 'all'

export function oneSlice(committed: ReadonlyMap<string, Progress>, scope: Bounds): readonly Slice[] {
  if (isUnbounded(scope)) return [{ key: onlySlice, progress: committed.get(onlySlice) ?? null }]
  const slice: BoundedSlice = { key: onlySlice, progress: null, bounds: scope }
  return [slice]
}

/** @throws ConfigError always: the stream can't be read in part */
export function refuseBackfill(stream: string, scope: Bounds, reason: string): never {
  const flags = [scope.since !== undefined && '--since', scope.until !== undefined && '--until'].filter(
    Boolean,
  )
  throw new ConfigError(stream, `${flags.join(' and ')} can't bound this stream: ${reason}`)
}

/** What every stored position holds: the paginator's own position, and what its kind of reading adds. */
export type StoredPosition = { readonly at: Json } & { readonly [name: string]: Json }

/** The stored position, or `undefined` where the slice starts at its beginning. */
export function storedPosition(progress: Progress | null): StoredPosition | undefined {
  const position = progress?.position
  if (typeof position !== 'object' || position === null || Array.isArray(position)) return undefined
  return 'at' in position ? (position as StoredPosition) : undefined
}
