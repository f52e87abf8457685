import type { Checkpoint, LoadReceipt, LoadRecord } from '../../../ports/destination.ts'
import type { TableSchema } from '../../../ports/schema.ts'
import type { Undo } from '../../load-undo.ts'

/** How a data file is written. */
export type FileFormat = 'jsonl' | 'csv' | 'parquet'

/** A data file that a manifest names. It is never written again. */
export interface DataFile {
  /** Below the pipeline's folder. */
  readonly path: string
  readonly format: FileFormat
  readonly compression: 'gzip' | 'none'
  readonly rows: number
  readonly bytes: number
  /**
   * Whether each row says its number in the load, where the format does not tell the rows' order; of a table whose rows belong to another's, the
   * number of the row that it belongs to.
   */
  readonly numbered?: boolean
  /** Bytes of its longest line, of a format that has lines: a reader needs room for it. */
  readonly longestLine?: number
}

/** Which of the rows that have one key a reader is to see. Without it: all rows. */
export interface KeyRule {
  /** Fields, not columns. */
  readonly key: readonly string[]
  /** `first`: the one that came first, as where loads append; `last`: the newest by `version`, of equal ones the one that came last. */
  readonly keep: 'first' | 'last'
  readonly version?: string
}

/** Rows that belong to the rows of another table, each to one: a reader is to see those whose owner it sees. */
export interface OwnedRule {
  readonly owner: string
}

/** A data file as its table holds it. */
export interface LiveFile extends DataFile {
  readonly loadId: string
  /** The load's: it is not kept for as long as its files. */
  readonly stream: string
  /** When the load was made, in milliseconds since 1970. */
  readonly at: number
  /** Number of the commit that brought it: the order of loads. */
  readonly sequence: number
  /** Number of the table's schema that it was written with: it holds those columns, of those types. */
  readonly schema: number
}

export interface TableState {
  /** Every schema that a file of the table was written with; the last one is the table's. */
  readonly schemas: readonly TableSchema[]
  readonly files: readonly LiveFile[]
  readonly rule?: KeyRule | OwnedRule
}

/** A file that is live no more. Readers that began before may still be reading it. */
export interface RetiredFile {
  readonly path: string
  /** When it was retired, in milliseconds since 1970. */
  readonly at: number
}

/** Rejects of one load, in a file of their own. */
export interface RejectFile {
  readonly path: string
  readonly loadId: string
  readonly count: number
}

/** A load that was committed, with all that its receipt said. */
export type KeptLoad = LoadRecord &
  Pick<LoadReceipt, 'sides'> & {
    /** What it takes to take it out again; `null` where it did more than add rows, `dropped` where too many loads came after it. */
    readonly undo: Undo | null | 'dropped'
  }

/** How many of a pipeline's last loads are kept: the state is to grow with its slices and files, not with what was ever committed (C6). */
export const KEPT_LOADS = 1000

/** All that one pipeline has committed, as of one entry of its log. */
export interface PipelineState {
  /** Number of the log's last entry that it holds; -1 where there is none. */
  readonly sequence: number
  /** That entry's. */
  readonly nonce: string
  /** The pipeline's name, as its first entry says it. */
  readonly pipeline: string
  readonly tables: ReadonlyMap<string, TableState>
  /** The new tables of replacements that are not published yet (R6). */
  readonly staged: ReadonlyMap<string, TableState>
  /** By `checkpointId`. */
  readonly checkpoints: ReadonlyMap<string, Checkpoint>
  /** The last `KEPT_LOADS`, in the order of their commits. */
  readonly loads: ReadonlyMap<string, KeptLoad>
  readonly rejects: readonly RejectFile[]
  readonly retired: readonly RetiredFile[]
}

export const emptyState: PipelineState = {
  sequence: -1,
  nonce: '',
  pipeline: '',
  tables: new Map(),
  staged: new Map(),
  checkpoints: new Map(),
  loads: new Map(),
  rejects: [],
  retired: [],
}

/** A staged checkpoint stands beside the live one of its slice. */
export function checkpointId(stream: string, slice: string, staged: boolean): string {
  return JSON.stringify([stream, slice, staged])
}

/** A table's columns now; `undefined` where there is no such table. */
export function schemaOf(table: TableState | undefined): TableSchema | undefined {
  return table?.schemas.at(-1)
}

export function rowsOf(table: TableState | undefined): number {
  return table?.files.reduce((rows, file) => rows + file.rows, 0) ?? 0
}

/** Every file that the state names, whether live, staged, or retired: what is not among them, and old, is nobody's. */
export function namedFiles(state: PipelineState): Set<string> {
  const tables = [...state.tables.values(), ...state.staged.values()]
  return new Set([
    ...tables.flatMap(({ files }) => files.map(({ path }) => path)),
    ...state.rejects.map(({ path }) => path),
    ...state.retired.map(({ path }) => path),
  ])
}
