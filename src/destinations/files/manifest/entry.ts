import type { CheckpointMove, CheckpointUpdate, LoadReceipt, LoadRecord } from '../../../ports/destination.ts'
import type { TableSchema } from '../../../ports/schema.ts'
import type { DataFile, KeyRule, OwnedRule, RejectFile } from './state.ts'

/** A table's part of a load. */
export interface TablePart {
  readonly table: string
  /** The table's columns after the load. */
  readonly schema: TableSchema
  /** Absent where the load has no row for it. */
  readonly file?: DataFile
  readonly rule?: KeyRule | OwnedRule
}

/** A load as its entry tells it. */
export interface LoadChange {
  readonly kind: 'load'
  readonly record: Omit<LoadRecord, 'revertedAt'> & Pick<LoadReceipt, 'sides'>
  /** Whether it adds rows and does nothing else: then it can be taken out again. */
  readonly onlyAdds: boolean
  readonly checkpoints: readonly CheckpointUpdate[]
  /** The stream's own table first. */
  readonly tables: readonly TablePart[]
  readonly rejects?: Omit<RejectFile, 'loadId'>
  readonly replacement?: { readonly begin: boolean; readonly publish: boolean; readonly allowEmpty: boolean }
}

/** What one entry of the log changes. */
export type Change =
  | LoadChange
  | ({ readonly kind: 'move' } & CheckpointMove)
  /** Drops what was staged of a stream. */
  | { readonly kind: 'abandon'; readonly stream: string; readonly tables: readonly string[] }
  /** The same, and the stream's checkpoints with it. */
  | { readonly kind: 'reset'; readonly stream: string; readonly tables: readonly string[] }
  /** Takes a load out again, and those that came after it in its stream where `withLater` says so. */
  | { readonly kind: 'revert'; readonly loadId: string; readonly at: number; readonly withLater: boolean }
  /** Says which files are about to be deleted: who meant to commit one of them learns that it comes too late. */
  | { readonly kind: 'clean'; readonly paths: readonly string[] }
  /** The first entry. */
  | { readonly kind: 'begin'; readonly pipeline: string }

/** One entry of the log: one commit. */
export interface Entry {
  /** Of this layout. */
  readonly version: 1
  readonly sequence: number
  /** Drawn anew for each entry: whoever wrote one knows it again. */
  readonly nonce: string
  /** The nonce of the entry before it; empty in the first one. */
  readonly previous: string
  /** When it was made, in milliseconds since 1970, by the store's clock where it tells one. */
  readonly at: number
  readonly change: Change
}

/** The files that an entry's change brings. */
export function filesOf(change: Change): string[] {
  if (change.kind !== 'load') return []
  const data = change.tables.flatMap(({ file }) => (file === undefined ? [] : [file.path]))
  return change.rejects === undefined ? data : [...data, change.rejects.path]
}
