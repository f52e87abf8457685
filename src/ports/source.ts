import type { Json, JsonRecord } from './json.ts'

/** How far a slice has been read, as its source understands it: stored with the rows that it speaks of (C1). */
export interface Progress {
  /** Where reading goes on inside the slice; `null` when the slice was read to its end. */
  readonly position: Json
  /** The greatest cursor value of which everything below is committed (C5); `null` where there is no cursor. */
  readonly highWater: Json
}

/** What one commit can hold of a page: its records, and how far the slice is read once they are committed. */
export interface SourcePage {
  readonly records: readonly JsonRecord[]
  /** Size of the records as they were sent, in bytes: what bounds a batch in memory. */
  readonly bytes: number
  /** Absent in the middle of a streamed body: the records are committed, the checkpoint stays where it is. */
  readonly progress?: Progress
  /** Whether it is to be committed at once: `emit` then resolves when it is. Default false: with what comes after it. */
  readonly commitNow?: boolean
  /** Records of the stream's side tables, by the table's name. */
  readonly sides?: ReadonlyMap<string, readonly JsonRecord[]>
  /** What can't become a record, or was told to be left out: it is kept among the rejects. */
  readonly rejects?: readonly { readonly record: JsonRecord; readonly reason: string }[]
}

/** A table that a stream fills beside its own: a side-loaded list, or a list inside its records that was split off. */
export interface SideTable {
  readonly table: string
  /** The fields that name a row. Empty where there is none. */
  readonly key: readonly string[]
  /**
   * append and merge: as of a stream. owned: the rows belong to a record of the stream; where a load brings a version of that record
   * that is taken, its rows take the place of all that belonged to the version before, and a removed record takes its rows along.
   */
  readonly write: 'append' | 'merge' | 'owned'
  /** With `owned`: the row's fields that hold the stream's key, in the key's order. */
  readonly owner?: readonly string[]
}

/**
 * The field of a record that says that it is gone at the API: a truthy value removes the row of its key. It makes no column, and of such a
 * record nothing but its key and its version counts.
 */
export const tombstoneField = '_sluice_deleted'

/**
 * With `owned` side tables: the field by which a record and the rows that belong to this very version of it are told to be together. Any
 * text or number that no other record of the same page has; both come in one page. It makes no column.
 */
export const ownerField = '_sluice_owner'

/** A part of a stream that is read on its own and has its own checkpoint. */
export interface Slice {
  /** Stable across runs: it is the checkpoint's key. `all` where the stream has one slice. */
  readonly key: string
  /** Where reading starts: what is committed of this slice, or `null` at its beginning. */
  readonly progress: Progress | null
  /**
   * True for a slice that asks nothing: it comes after all others, and once those were read its checkpoint says so. It is
   * read when they were handed on. Default false.
   */
  readonly closing?: boolean
}

/** The part of a stream that a run reads, where it is not simply "from the checkpoint on". */
export interface ReadScope {
  /** Backfill from here (inclusive): ISO date or time. The checkpoint is left alone. */
  readonly since?: string
  /** Backfill up to here (exclusive): ISO date or time. */
  readonly until?: string
}

export interface ReadOptions {
  /** Aborted: stop at once, whatever is under way. */
  readonly signal: AbortSignal
  /** Takes a page; resolves when the engine has room for the next one. */
  readonly emit: (page: SourcePage) => Promise<void>
  /**
   * Told, before `read` resolves, that the slice was left before its end, as its config says: what came is committed, its checkpoint stays
   * where it is for the next run, and nothing that needs the whole list may be concluded from this one.
   */
  readonly onStop?: (reason: string) => void
}

/** What is asked first, shown by `plan` and `preview`. Credentials are not in it. */
export interface RequestPreview {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** How the pages behind it are found, where the options leave that open. */
  readonly paging?: string
}

/**
 * append, merge and replace load the records. history: every version of a record is kept, with its validity. delete: each record names a row of the table that is gone at the API. reconcile: the
 * records name all rows that there are at the API; when all were read, the table's others are removed.
 */
export type WriteMode = 'append' | 'merge' | 'replace' | 'history' | 'delete' | 'reconcile'

/**
 * A table loses few of its rows between two reconciliations; a list that was cut off, or lost its filter, names far too few. What was
 * refused wrongly costs a line of config, what was removed wrongly a reload.
 */
export const defaultMaxRemovedPercent = 20

/** One endpoint that yields records, loaded into one table. */
export interface Stream {
  /** `source.stream`, as in `desk.tickets`. */
  readonly name: string
  readonly table: string
  readonly write: WriteMode
  /** The fields that name a record. Empty where there is none. */
  readonly key: readonly string[]
  /** The field by which one version of a record is newer than another; without it the one read last is. */
  readonly version?: string
  /** Tables beside its own. Default: none. */
  readonly sides?: readonly SideTable[]
  /** Whether records may hold `tombstoneField`; it takes a key, and another way of writing than append. Default false. */
  readonly tombstones?: boolean
  /** How many slices may be read at once. Default 1. */
  readonly slicesAtOnce?: number
  /**
   * In words, where the slices are not known without asking the API, as in `one slice for each record of desk.projects`: whoever must
   * not ask shows this. Default: they are known.
   */
  readonly slicing?: string
  /**
   * There where each run reads the stream from its beginning, and none goes on from where the last one ended: whether what is
   * committed is of a run that was cut short, so that the next one goes on with it.
   */
  isUnderWay?(committed: ReadonlyMap<string, Progress>): boolean
  /** Whether an empty result may replace a full table (R6). */
  readonly allowEmptyReplace: boolean
  /** With `reconcile`: the most rows that may be removed at once, in percent of the table's. Default: `defaultMaxRemovedPercent`. */
  readonly maxRemovedPercent?: number
  /** What to do with a record whose key is missing or null: keep it in `_sluice_rejects`, or fail the stream. */
  readonly onReject: 'keep' | 'fail'
  /**
   * The slices that this run reads, in order, given what is committed. They are asked for one at a time, when there is somebody to read
   * one: never more than `slicesAtOnce` that are not read to their end. `signal` aborted: one that is waited for is given up.
   * A scope that the stream can't be bounded by is refused by the call itself.
   */
  slices(
    committed: ReadonlyMap<string, Progress>,
    scope: ReadScope,
    signal?: AbortSignal,
  ): Iterable<Slice> | AsyncIterable<Slice>
  /** Reads one slice from its progress to its end, page by page. Resolves at the end; rejects with what stopped it. */
  read(slice: Slice, options: ReadOptions): Promise<void>
  /** The slice's first request. */
  preview(slice: Slice): RequestPreview
}

/** One API. */
export interface Source extends AsyncDisposable {
  readonly name: string
  readonly streams: readonly Stream[]
  /** Asks the API for as little as possible to learn whether the credential works. Rejects with the reason if not. */
  check(signal: AbortSignal): Promise<void>
}
