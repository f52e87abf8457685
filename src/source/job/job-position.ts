// A job's place in a slice's position: beside what the stream's own kind of reading keeps there, so that a run that was cut short goes on
// with the same job (C4). What a poll gives is not kept: signed addresses grow old, and are no business of a state table (S1).
import type { Json } from '../../ports/json.ts'
import type { Progress, Slice } from '../../ports/source.ts'
import type { SliceReading } from '../progression.ts'

export interface StoredJob {
  /** The job, once it was created. */
  readonly id?: Json
  /** Further values of the response that created it. */
  readonly values?: { readonly [name: string]: Json }
  /** What the API knows a repeated creation by. */
  readonly key?: string
  /** When it was created, or was to be, in milliseconds since 1970. */
  readonly since: number
  /** Whether pages of its results were read: the position beside it is one of theirs. */
  readonly begun: boolean
}

/** Stands in the place of a page's position where none was read. */
const noPage = '(job)'

/** The job of a slice that was left while one was under way. */
export function storedJob(progress: Progress | null): StoredJob | undefined {
  const position = progress?.position
  if (typeof position !== 'object' || position === null || Array.isArray(position)) return undefined
  const job = (position as { readonly job?: Json }).job
  if (typeof job !== 'object' || job === null || Array.isArray(job)) return undefined
  const stored = job as { readonly [name: string]: Json }
  return typeof stored['since'] === 'number' && typeof stored['begun'] === 'boolean'
    ? (stored as unknown as StoredJob)
    : undefined
}

/** The slice as the stream's own kind of reading knows it. `fromStart`: its bounds hold, and its results are read from the first page. */
export function withoutJob(slice: Slice, fromStart: boolean): Slice {
  const position = slice.progress?.position
  if (storedJob(slice.progress) === undefined) return slice
  const { job: _job, ...own } = position as { readonly [name: string]: Json }
  return {
    ...slice,
    progress: { ...slice.progress!, position: fromStart ? { ...own, at: noPage } : own },
  }
}

/** What is to be committed of a job before any of its results are read; `undefined` where the checkpoint is to be left alone. */
export function jobProgress(reading: SliceReading, job: StoredJob): Progress | undefined {
  const view = { url: '', status: 200, headers: {}, body: undefined, records: [] }
  return withJob(reading.progress({ view, at: undefined, next: noPage }), job)
}

/** A progress with its job beside it, unless the slice was read to its end. */
export function withJob(progress: Progress | undefined, job: StoredJob): Progress | undefined {
  if (progress === undefined || progress.position === null) return progress
  return { ...progress, position: { ...(progress.position as object), job: { ...job } } as Json }
}
