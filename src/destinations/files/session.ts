import {
  type Checkpoint,
  type CheckpointMove,
  type DestinationSession,
  type Load,
  type LoadReceipt,
  type LoadRecord,
  type RevertReceipt,
  type RowBuffer,
  type RunRecord,
  type SideLoad,
  STREAM_CHECKPOINT,
  type StagedTables,
} from '../../ports/destination.ts'
import type { Value } from '../../ports/json.ts'
import type { Runtime } from '../../ports/runtime.ts'
import type { ColumnType, TableSchema } from '../../ports/schema.ts'
import type { QueryRow } from '../duckdb/query.ts'
import { DestinationError } from '../errors.ts'
import { onlyAdds, replayedReceipt } from '../load-undo.ts'
import type { RowWriter, WritableRows } from './formats/row-writer.ts'
import { type LoadPart, mainRule, numbersOf, receiptOf, recordOf, sideRule, tablesOf } from './load-parts.ts'
import { isRefusal } from './manifest/apply.ts'
import { type Change, filesOf, type LoadChange, type TablePart } from './manifest/entry.ts'
import type { ManifestLog, Published } from './manifest/log.ts'
import { revert } from './manifest/revert.ts'
import { type KeptLoad, type PipelineState, schemaOf } from './manifest/state.ts'
import { nonce } from './nonce.ts'
import { readLiveRows } from './read-rows.ts'
import { encodeRejects } from './rejects.ts'
import { readLastRun, writeRun } from './runs.ts'
import { safeName } from './safe-name.ts'
import type { ObjectStore, StagedFile } from './store/object-store.ts'

export interface SessionParts {
  readonly store: ObjectStore
  readonly log: ManifestLog
  readonly writer: RowWriter
  readonly runtime: Pick<Runtime, 'random'>
  /** The pipeline's folder in the store, with a `/` at its end. */
  readonly base: string
  /** Where the log, the runs and the rejects are, likewise. */
  readonly own: string
  readonly readOnly: boolean
  /** How long what is retired stays. */
  readonly graceMs: number
}

/**
 * The receipt of a load that was committed before (C3).
 * @throws LoadRevertError where it was taken out again
 */
function replay({ revertedAt, ...record }: KeptLoad): LoadReceipt {
  return replayedReceipt({ receipt: { ...receiptOf(record), replayed: true }, revertedAt })
}

/** One pipeline's access to its files. */
export class FilesSession implements DestinationSession {
  readonly #parts: SessionParts
  #last: Promise<unknown> = Promise.resolve()
  #cleaning: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(parts: SessionParts) {
    this.#parts = parts
  }

  /** What is committed, as it stands now. */
  state(): Promise<PipelineState> {
    this.#use(false)
    return this.#exclusive(async () => {
      await this.#parts.log.refresh()
      return this.#parts.log.state
    })
  }

  async readCheckpoints(stream?: string): Promise<Checkpoint[]> {
    const { checkpoints } = await this.state()
    return [...checkpoints.values()].filter(
      (checkpoint) => stream === undefined || checkpoint.stream === stream,
    )
  }

  async readSchema(
    table: string,
    { staged = false }: { readonly staged?: boolean | 'keys' } = {},
  ): Promise<TableSchema | null> {
    if (staged === 'keys') return null
    const state = await this.state()
    return schemaOf((staged ? state.staged : state.tables).get(table)) ?? null
  }

  rows(): RowBuffer {
    return this.#parts.writer.rows()
  }

  async commit(load: Load): Promise<LoadReceipt> {
    this.#use(true)
    this.#refuseUnsupported(load)
    const known = await this.#known(load)
    if (known !== undefined) return known
    const prepared = this.#prepare(load)
    const { log } = this.#parts
    const paths = filesOf(prepared.change)
    log.await(paths)
    try {
      // What is refused as it stands need not be written.
      await this.#exclusive(() => log.check(prepared.change))
      const change = await prepared.write()
      const { known: replayed, before } = await this.#publish(change, prepared.drop)
      const record = before.loads.get(load.id)
      return replayed && record !== undefined ? replay(record) : { ...receiptOf(change.record), replayed }
    } finally {
      log.forget(paths)
      prepared.release()
    }
  }

  async moveCheckpoints(move: CheckpointMove): Promise<void> {
    this.#use(true)
    await this.#publish({ kind: 'move', ...move })
  }

  async recordRun(run: RunRecord): Promise<void> {
    this.#use(true)
    await writeRun(this.#parts.store, this.#parts.own, run)
  }

  async lastRun(): Promise<RunRecord | null> {
    this.#use(false)
    return readLastRun(this.#parts.store, this.#parts.own)
  }

  /** The pipeline's loads, the last one first. */
  async loads({
    stream,
    limit,
  }: {
    readonly stream?: string
    readonly limit?: number
  } = {}): Promise<LoadRecord[]> {
    const { loads } = await this.state()
    return [...loads.values()]
      .filter((load) => stream === undefined || load.stream === stream)
      .reverse()
      .slice(0, limit)
      .map(({ sides: _sides, undo: _undo, ...record }) => record)
  }

  async revert(
    loadId: string,
    { at, withLater = false }: { readonly at: number; readonly withLater?: boolean },
  ): Promise<RevertReceipt> {
    this.#use(true)
    const options = { loadId, at, withLater }
    const { before } = await this.#publish({ kind: 'revert', ...options })
    return revert(before, options).receipt
  }

  async *readRows(table: string, columns: readonly string[]): AsyncGenerator<QueryRow[]> {
    yield* readLiveRows(this.#parts, await this.state(), table, columns)
  }

  asStored(value: Value, type: ColumnType): Value {
    return this.#parts.writer.asStored?.(value, type) ?? value
  }

  async abandonReplacement(stream: string, table: string, staged?: StagedTables): Promise<void> {
    this.#use(true)
    const state = await this.state()
    const tables = tablesOf(table, staged)
    const isStaged =
      tables.some((name) => state.staged.has(name)) ||
      [...state.checkpoints.values()].some((one) => one.stream === stream && one.staged)
    if (isStaged) await this.#publish({ kind: 'abandon', stream, tables })
  }

  async resetStream(stream: string, table: string, staged?: StagedTables): Promise<number> {
    this.#use(true)
    const state = await this.state()
    const own = [...state.checkpoints.values()].filter((checkpoint) => checkpoint.stream === stream)
    const tables = tablesOf(table, staged)
    if (own.length > 0 || tables.some((name) => state.staged.has(name)))
      await this.#publish({ kind: 'reset', stream, tables })
    return own.filter(({ slice }) => slice !== STREAM_CHECKPOINT).length
  }

  /** Waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#last
    await this.#cleaning
    await this.#parts.writer[Symbol.asyncDispose]()
    await this.#parts.store[Symbol.asyncDispose]()
  }

  /** The receipt of a load that was committed before (C3). */
  async #known(load: Load): Promise<LoadReceipt | undefined> {
    const { log, store } = this.#parts
    const parts = [load, ...(load.sides ?? [])]
    const isGone = parts.some(({ rows }) => rows !== undefined && (rows as WritableRows).released)
    const known = log.state.loads.get(load.id)
    // Another session may have taken it out since.
    const record =
      isGone || known !== undefined ? ((await this.state()).loads.get(load.id) ?? known) : undefined
    if (record !== undefined) return replay(record)
    if (!isGone) return undefined
    throw new DestinationError(
      store.description,
      `load ${load.id} failed before, and its rows are gone: they must be read again`,
    )
  }

  /** A load's change, and what writes its files: the change that `write` resolves to says their sizes. */
  #prepare(load: Load) {
    const { writer, runtime, own } = this.#parts
    const staged: StagedFile[] = []
    const unique = `${safeName(load.id)}-${nonce(runtime.random).slice(0, 8)}`
    const parts = [load, ...(load.sides ?? [])].map((part, index) => {
      const rows = (part.rows as WritableRows | undefined) ?? writer.rows()
      if (part.rows === undefined) rows.append(part.records, part.schema)
      const rule = index === 0 ? mainRule(load) : sideRule(part as SideLoad, load)
      const numbers = numbersOf(part, writer)
      const planned: TablePart = {
        table: part.table,
        schema: part.schema,
        ...(rule !== undefined && { rule }),
        ...(rows.length > 0 && {
          file: {
            path: `${safeName(part.table)}/${unique}${writer.extension}`,
            format: writer.format,
            compression: writer.compression,
            rows: rows.length,
            bytes: 0,
            ...(numbers !== undefined && { numbered: true }),
          },
        }),
      }
      return { planned, rows, numbers }
    })
    const rejects = load.rejects.length > 0 && {
      rejects: {
        path: `${own.slice(this.#parts.base.length)}rejects/${unique}.jsonl.gz`,
        count: load.rejects.length,
      },
    }
    const change: LoadChange = {
      kind: 'load',
      record: recordOf(
        load,
        parts.map(({ planned }) => planned),
      ),
      onlyAdds: onlyAdds(load),
      checkpoints: load.checkpoints,
      tables: parts.map(({ planned }) => planned),
      ...rejects,
      ...(load.replacement !== undefined && {
        replacement: {
          begin: load.replacement.begin,
          publish: load.replacement.publish,
          allowEmpty: load.replacement.allowEmpty,
        },
      }),
    }
    const write = async (): Promise<LoadChange> => {
      try {
        const tables = await Promise.all(parts.map((part) => this.#writeRows(load.id, part, staged)))
        if (change.rejects !== undefined)
          await this.#parts.store.put(
            `${this.#parts.base}${change.rejects.path}`,
            await encodeRejects(load.stream, load.rejects),
          )
        return { ...change, tables }
      } catch (error) {
        await drop()
        throw error
      }
    }
    const drop = async () => {
      for (const file of staged) await file.drop()
    }
    const release = () => {
      for (const { rows } of parts) rows.release()
    }
    return { change, write, drop, release }
  }

  async #writeRows(
    loadId: string,
    { planned, rows, numbers }: LoadPart,
    staged: StagedFile[],
  ): Promise<TablePart> {
    const { file, schema } = planned
    if (file === undefined) return planned
    const { store, writer, base } = this.#parts
    const target = await store.stage(`${base}${file.path}`)
    staged.push(target)
    const told = await writer
      .write(rows, { path: target.path, loadId, schema, ...(numbers !== undefined && { numbers }) })
      .catch((error: unknown) => {
        throw target.explain(error)
      })
    return { ...planned, file: { ...file, ...told, bytes: await target.keep() } }
  }

  async #publish(change: Change, drop?: () => Promise<void>): Promise<Published> {
    const { log, store, graceMs } = this.#parts
    return this.#exclusive(async () => {
      try {
        const outcome = await log.publish(change)
        // Another process has committed it, from files of its own.
        if (outcome.known) await drop?.()
        // It is committed, whether or not there is a snapshot: the next commit tries again.
        if (await log.compact().catch(() => false)) this.#cleanLog(store.now() - graceMs)
        return outcome
      } catch (error) {
        // Where the store has failed, the commit may have happened: what it names is left where it is.
        if (isRefusal(error)) await drop?.()
        throw error
      }
    })
  }

  /** Deletes old entries beside the commits: they go one by one. */
  #cleanLog(before: number): void {
    this.#cleaning = this.#cleaning.then(() => this.#parts.log.clean(before)).catch(() => 0)
  }

  #exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  #use(writing: boolean): void {
    const { store, readOnly } = this.#parts
    if (this.#closed) throw new DestinationError(store.description, 'the session is closed')
    if (writing && readOnly)
      throw new DestinationError(
        store.description,
        'the session was opened read-only. Open one that can write',
      )
  }

  #refuseUnsupported({ mode, replacement, tombstones }: Load): void {
    const merges = mode === 'merge' && replacement === undefined
    const removes = mode === 'delete' || mode === 'reconcile' || (tombstones?.size ?? 0) > 0
    if (!merges && !removes && mode !== 'history') return
    throw new DestinationError(
      this.#parts.store.description,
      `files are written once, so rows are added or replaced as a whole, and a load can't ${removes ? 'remove' : 'change'} some of them: write \`append\` or \`replace\``,
    )
  }
}
