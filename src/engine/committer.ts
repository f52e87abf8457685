import {
  type CheckpointUpdate,
  type DestinationSession,
  type Load,
  type LoadReceipt,
  type RowBuffer,
  type SideLoad,
  STREAM_CHECKPOINT,
} from '../ports/destination.ts'
import type { EventSink, SideCounts } from '../ports/events.ts'
import type { Clock } from '../ports/runtime.ts'
import type { TableSchema } from '../ports/schema.ts'
import { defaultMaxRemovedPercent, type Progress, type Stream } from '../ports/source.ts'
import { AllRejectedError } from '../records/all-rejected.ts'
import type { KeyReject } from '../records/record-key.ts'
import { type Batch, RecordRows } from './batch.ts'
import { rejectReasons } from './reject-reasons.ts'
import type { StreamTables } from './stream-tables.ts'

export interface CommitterOptions {
  readonly stream: Stream
  readonly session: DestinationSession
  readonly runId: string
  readonly clock: Clock
  readonly onEvent: EventSink
  /** The committed version of each slice (C2). */
  readonly versions: ReadonlyMap<string, number>
  readonly tables: StreamTables
  /** `new`: rows go into a new table that `publish` swaps in (R6); `continued`: into one that an earlier run began. */
  readonly replacement: 'none' | 'new' | 'continued'
  /** A backfill leaves the checkpoints alone. */
  readonly keepCheckpoints: boolean
  /** The number of the run's next load of this stream, from 1: no two may have the same, or the second is taken for the first (C3). */
  readonly nextLoad: () => number
}

/** How many rejects the message of a stream that yielded nothing else is made of. */
const REJECT_EXAMPLES = 20

/** Turns batches of one stream into loads, one after the other. */
export class Committer {
  readonly #options: CommitterOptions
  readonly #versions: Map<string, number>
  #schema: TableSchema | null
  readonly #sideSchemas: Map<string, TableSchema>
  /** True where the table holds records with this key. */
  readonly #keyWorked: boolean
  #loads = 0
  /** Records with a usable key, and without one, that were read so far. */
  #valid = 0
  #rejected = 0
  readonly #examples: KeyReject[] = []
  /** What is not stored while records were read and each was rejected: the run with the right key must read them again. */
  readonly #withheld = new Map<string, Progress>()

  constructor(options: CommitterOptions) {
    this.#options = options
    const { schema, sides } = options.tables
    const columns = schema?.columns ?? []
    this.#keyWorked = options.stream.key.every((name) => columns.some(({ field }) => field === name))
    this.#versions = new Map(options.versions)
    this.#schema = schema
    this.#sideSchemas = new Map(sides.map(({ side, schema }) => [side.table, schema ?? { columns: [] }]))
  }

  /**
   * Commits a batch; with `publish`, the replacement that it completes takes the live table's place, unless each of its records
   * was rejected.
   */
  async commit(batch: Batch, publish = false): Promise<void> {
    const { stream, session, clock, onEvent, keepCheckpoints } = this.#options
    const started = clock.now()
    const { rows, rejects, pageRejects, changes } = batch
    this.#valid += rows.length
    this.#rejected += rejects.length
    this.#examples.push(...rejects.slice(0, REJECT_EXAMPLES - this.#examples.length))
    const checkpoints = keepCheckpoints ? [] : this.#updates(batch)
    const load = this.#load(batch, checkpoints, publish && !this.#allRejected)
    // A destination may empty the rows with the commit.
    const records = batch.length
    const receipt = await session.commit(load)

    this.#loads++
    this.#schema = load.schema
    for (const { table, schema } of load.sides ?? []) this.#sideSchemas.set(table, schema)
    for (const update of checkpoints) this.#versions.set(update.slice, update.fromVersion + 1)

    const at = clock.now()
    if (changes.length > 0) {
      onEvent({ type: 'schema.change', at, stream: stream.name, changes })
    }
    if (load.rejects.length > 0) {
      onEvent({
        type: 'record.reject',
        at,
        stream: stream.name,
        count: load.rejects.length,
        reason: rejectReasons(load.rejects),
      })
    }
    onEvent({
      type: 'load.commit',
      at,
      stream: stream.name,
      loadId: load.id,
      records,
      inserted: receipt.inserted,
      updated: receipt.updated,
      unchanged: receipt.unchanged,
      deleted: receipt.deleted,
      rejected: rejects.length + pageRejects.length,
      ...(load.sides !== undefined && { sides: sideCounts(receipt, batch) }),
      elapsedMs: at - started,
    })
  }

  /** @throws AllRejectedError where records were committed, and each of them as a reject */
  refuseAllRejected(): void {
    const [first, ...others] = this.#examples
    if (first === undefined || !this.#allRejected) return
    throw new AllRejectedError(this.#options.stream.name, this.#rejected, [first, ...others])
  }

  /** Records that lack a key which the table has a column of are bad records; where it has none, the key is not what the API calls it. */
  get #allRejected(): boolean {
    return this.#valid === 0 && this.#rejected > 0 && !this.#keyWorked
  }

  #updates(batch: Batch): CheckpointUpdate[] {
    const update = (slice: string, { position, highWater }: Progress): CheckpointUpdate => ({
      slice,
      position,
      highWater,
      fromVersion: this.#versions.get(slice) ?? 0,
    })
    for (const [slice, progress] of batch.progress) this.#withheld.set(slice, progress)
    const own = update(STREAM_CHECKPOINT, { position: null, highWater: null })
    if (this.#allRejected) return [own]
    const slices = Array.from(this.#withheld, ([slice, progress]) => update(slice, progress))
    this.#withheld.clear()
    return [own, ...slices]
  }

  #load(batch: Batch, checkpoints: readonly CheckpointUpdate[], publish: boolean): Load {
    const { rows, rejects, pageRejects, tombstones, schema = this.#schema ?? { columns: [] } } = batch
    const { stream, runId, clock, replacement, nextLoad } = this.#options
    return {
      id: `${runId}.${stream.name}.${nextLoad()}`,
      runId,
      at: clock.now(),
      stream: stream.name,
      table: stream.table,
      mode: modeOf(stream),
      key: stream.key,
      ...(stream.version !== undefined && { version: stream.version }),
      schema,
      ...loaded(rows),
      ...(tombstones.size > 0 && stream.write !== 'delete' && { tombstones }),
      ...(this.#sideSchemas.size > 0 && { sides: this.#sides(batch) }),
      rejects: [...rejects, ...pageRejects, ...[...batch.sides.values()].flatMap((side) => side.rejects)],
      checkpoints,
      ...(replacement !== 'none' && {
        replacement: {
          begin: replacement === 'new' && this.#loads === 0,
          publish,
          allowEmpty: stream.allowEmptyReplace,
          ...(stream.write === 'reconcile' && {
            maxRemovedPercent: stream.maxRemovedPercent ?? defaultMaxRemovedPercent,
          }),
        },
      }),
    }
  }

  #sides(batch: Batch): SideLoad[] {
    return this.#options.tables.sides.map(({ side }) => {
      const part = batch.sides.get(side.table)
      return {
        ...side,
        schema: part?.schema ?? this.#sideSchemas.get(side.table)!,
        ...loaded(part?.rows),
        ...(side.write === 'owned' && { owners: part?.owners ?? [] }),
      }
    })
  }
}

function modeOf({ write, key }: Stream): Load['mode'] {
  if (write === 'delete' || write === 'reconcile' || write === 'history') return write
  return key.length > 0 && write !== 'append' ? 'merge' : 'append'
}

function loaded(rows: RowBuffer | undefined): Pick<Load, 'records' | 'rows'> {
  if (rows === undefined) return { records: [] }
  return rows instanceof RecordRows ? { records: rows.records } : { records: [], rows }
}

function sideCounts({ sides }: LoadReceipt, batch: Batch): Record<string, SideCounts> {
  return Object.fromEntries(
    Object.entries(sides).map(([table, counts]) => [
      table,
      { ...counts, rejected: batch.sides.get(table)?.rejects.length ?? 0 },
    ]),
  )
}
