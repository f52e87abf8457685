import assert from 'node:assert/strict'
import type {
  CheckpointUpdate,
  Destination,
  DestinationSession,
  Load,
  LoadReceipt,
  RunRecord,
  SideLoad,
  TableCounts,
} from '../../ports/destination.ts'
import { type JsonRecord, LongDecimal, type Value } from '../../ports/json.ts'
import type { ColumnType } from '../../ports/schema.ts'
import { plainDecimal } from '../../records/decimal.ts'
import { observeRecords } from '../../records/observe.ts'

/** What a destination's test gives the suite: the destination, and a way to look into its store. */
export interface ConformanceHarness {
  /** A destination over an empty store. Called once a case, first. */
  open(): Promise<Destination>
  /** The same store as a new process finds it. The case has closed its sessions before. */
  reopen(): Promise<Destination>
  /**
   * Every row of a live table, by column name, `_sluice_load_id` among them; none where there is no such table. Any order.
   * NULL is null; integers are numbers or bigints; decimals their digits as a string; dates `YYYY-MM-DD`; timestamps ISO in
   * UTC with `Z`; JSON columns the JSON text. Called with sessions open and with none.
   */
  rows(table: string): Promise<readonly JsonRecord[]>
  /** What `_sluice_rejects` holds for a pipeline; `record` is the record as JSON. */
  rejects(pipeline: string): Promise<readonly HeldReject[]>
  /** The ids in `_sluice_loads` for a pipeline. Any order. */
  loads(pipeline: string): Promise<readonly string[]>
  /** What `_sluice_runs` holds for a pipeline. Any order. */
  runs(pipeline: string): Promise<readonly RunRecord[]>
}

/** A reject as the destination holds it. */
export interface HeldReject {
  readonly stream: string
  readonly record: string
  readonly reason: string
  /** How many times it came. */
  readonly times: number
  /** The loads that brought it first and last. */
  readonly firstLoadId: string
  readonly lastLoadId: string
}

/** One promise, as a test that any runner can run: `test(name, async () => run(harness))`. It throws where the promise is broken. */
export interface ConformanceCase {
  /** A sentence. */
  readonly name: string
  /** The number of the promise in DESIGN, or the part of the port's contract. */
  readonly promise:
    | 'C1'
    | 'C2'
    | 'C3'
    | 'C4'
    | 'C5'
    | 'C6'
    | 'R4'
    | 'R6'
    | 'merge'
    | 'append'
    | 'schema'
    | 'values'
    | 'state'
    | 'sides'
    | 'owned'
    | 'tombstones'
    | 'delete'
    | 'reconcile'
    | 'revert'
    | 'rows'
    | 'history'
  /** What the destination has to be able to do; others are not asked. */
  readonly needs?: readonly ('merge' | 'history' | 'revert' | 'readBack')[]
  run(harness: ConformanceHarness): Promise<void>
}

/** The same cases, for destinations that can do this alone. */
export function needing(
  need: NonNullable<ConformanceCase['needs']>[number],
  cases: readonly ConformanceCase[],
): ConformanceCase[] {
  return cases.map((one) => ({ ...one, needs: [...(one.needs ?? []), need] }))
}

export const PIPELINE = 'conformance'
export const STREAM = 'desk.tickets'
export const TABLE = 'tickets'
/** 2026-01-31T00:00:00Z. */
export const AT = 1_769_817_600_000

export interface WriteOptions extends Partial<Omit<Load, 'records' | 'checkpoints' | 'replacement'>> {
  /** Default: slice `all`, from the version that it has. */
  readonly checkpoints?: readonly CheckpointUpdate[]
  readonly begin?: boolean
  readonly publish?: boolean
  /** Any of `begin`, `publish` and this makes the load part of a replacement. */
  readonly staged?: boolean
  readonly allowEmpty?: boolean
  readonly maxRemovedPercent?: number
}

let loads = 0

/** Puts a load together as the engine does: the schema is the table's, widened by the records. */
export async function makeLoad(
  session: DestinationSession,
  records: readonly JsonRecord[],
  options: WriteOptions = {},
): Promise<Load> {
  const {
    begin = false,
    publish = false,
    staged = begin || publish,
    allowEmpty = false,
    maxRemovedPercent,
    ...given
  } = options
  const stream = given.stream ?? STREAM
  const table = given.table ?? TABLE
  const place = given.mode === 'reconcile' ? 'keys' : staged
  const present = begin ? null : await session.readSchema(table, { staged: place })
  return {
    id: `load-${++loads}`,
    runId: 'run-1',
    at: AT,
    mode: 'append',
    key: [],
    rejects: [],
    ...given,
    stream,
    table,
    records,
    schema: given.schema ?? observeRecords(present, records).schema,
    checkpoints: given.checkpoints ?? [await nextCheckpoint(session, stream)],
    ...(staged && {
      replacement: {
        begin,
        publish,
        allowEmpty,
        ...(maxRemovedPercent !== undefined && { maxRemovedPercent }),
      },
    }),
  }
}

/** Puts a side table's part of a load together as the engine does. */
export async function sideOf(
  session: DestinationSession,
  records: readonly JsonRecord[],
  side: Pick<SideLoad, 'table' | 'write'> &
    Partial<Omit<SideLoad, 'records'>> & { readonly begin?: boolean; readonly staged?: boolean },
): Promise<SideLoad> {
  const { begin = false, staged = false, ...given } = side
  const present = begin ? null : await session.readSchema(given.table, { staged })
  return { key: [], ...given, records, schema: given.schema ?? observeRecords(present, records).schema }
}

/** Removes rows by `id`, unless told another key: the table's columns stay what they are. */
export async function erase(
  session: DestinationSession,
  records: readonly JsonRecord[],
  options: WriteOptions = {},
): Promise<LoadReceipt> {
  const schema = (await session.readSchema(options.table ?? TABLE)) ?? { columns: [] }
  return write(session, records, { mode: 'delete', key: ['id'], schema, ...options })
}

/** Stages the keys of all rows that there are, and removes the others with `publish`. */
export function reconcile(
  session: DestinationSession,
  records: readonly JsonRecord[],
  options: WriteOptions = {},
): Promise<LoadReceipt> {
  return write(session, records, { mode: 'reconcile', key: ['id'], stream: 'desk.ticket_ids', ...options })
}

/** Commits records as the engine does. */
export async function write(
  session: DestinationSession,
  records: readonly JsonRecord[],
  options: WriteOptions = {},
): Promise<LoadReceipt> {
  return session.commit(await makeLoad(session, records, options))
}

/** Merges records by `id`, unless told another key. */
export function merge(
  session: DestinationSession,
  records: readonly JsonRecord[],
  options: WriteOptions = {},
): Promise<LoadReceipt> {
  return write(session, records, { mode: 'merge', key: ['id'], ...options })
}

/** Adds records that are new by their `id`: merged where the destination can merge, else appended. */
export function add(
  { capabilities }: Destination,
  session: DestinationSession,
  records: readonly JsonRecord[],
  options: WriteOptions = {},
): Promise<LoadReceipt> {
  return capabilities.merge ? merge(session, records, options) : write(session, records, options)
}

/** An update that moves a slice one version on. */
export async function nextCheckpoint(
  session: DestinationSession,
  stream = STREAM,
  slice = 'all',
): Promise<CheckpointUpdate> {
  const present = (await session.readCheckpoints(stream)).filter((checkpoint) => checkpoint.slice === slice)
  const fromVersion = Math.max(0, ...present.map(({ version }) => version))
  return { slice, fromVersion, position: { page: fromVersion + 1 }, highWater: fromVersion + 1 }
}

/** What was done to a table: inserted, updated, unchanged, deleted. */
export function fourCounts(counted: TableCounts | undefined): number[] {
  return counted === undefined ? [] : [counted.inserted, counted.updated, counted.unchanged, counted.deleted]
}

/** A receipt's counts: inserted, updated, unchanged. */
export function counts(receipt: LoadReceipt): [number, number, number] {
  return [receipt.inserted, receipt.updated, receipt.unchanged]
}

/** Opens a session, hands it over, and closes it. */
export async function withSession<T>(
  destination: Destination,
  use: (session: DestinationSession) => Promise<T>,
  pipeline = PIPELINE,
): Promise<T> {
  const session = await destination.open(pipeline)
  try {
    return await use(session)
  } finally {
    await session[Symbol.asyncDispose]()
  }
}

/** A case on one session over an empty store. */
export function onSession(
  promise: ConformanceCase['promise'],
  name: string,
  run: (session: DestinationSession, harness: ConformanceHarness, destination: Destination) => Promise<void>,
): ConformanceCase {
  return {
    name,
    promise,
    run: async (harness) => {
      const destination = await harness.open()
      await withSession(destination, (session) => run(session, harness, destination))
    },
  }
}

/** A table's rows without `_sluice_load_id`, in the one form that comparisons use. */
export async function dataRows(harness: ConformanceHarness, table = TABLE): Promise<JsonRecord[]> {
  return (await harness.rows(table)).map((row) =>
    Object.fromEntries(
      Object.entries(row)
        .filter(([name]) => name !== '_sluice_load_id')
        .map(([name, value]) => [name, plain(value)]),
    ),
  )
}

/** One column's values, by the row's `id` column as text. */
export async function columnById(
  harness: ConformanceHarness,
  column: string,
  table = TABLE,
): Promise<Record<string, Value>> {
  const rows = await dataRows(harness, table)
  return Object.fromEntries(rows.map((row) => [String(row['id']), row[column] ?? null]))
}

export async function columnTypes(
  session: DestinationSession,
  table = TABLE,
): Promise<Record<string, ColumnType['kind']>> {
  const schema = await session.readSchema(table)
  return Object.fromEntries((schema?.columns ?? []).map(({ name, type }) => [name, type.kind]))
}

export function byId(rows: readonly JsonRecord[]): JsonRecord[] {
  return [...rows].sort((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1))
}

/** Fails unless the promise rejects with an error of this code. */
export async function assertRejects(promise: Promise<unknown>, code: string): Promise<Error> {
  let found: unknown
  try {
    await promise
  } catch (error) {
    found = error
  }
  assert.ok(found instanceof Error, `expected a rejection with ${code}, but it was committed`)
  assert.equal('code' in found ? found.code : undefined, code, `expected ${code}, found ${found.stack}`)
  return found
}

/** Two spellings of a decimal's digits as one, so that `1.50` and `1.5` compare equal. */
export function sameDigits(value: Value | undefined): string | null {
  return value === null || value === undefined ? null : plainDecimal(String(value))
}

/** Removes the white space that a store may put into JSON; only for JSON whose strings hold none. */
export function compactJson(value: Value | undefined): string {
  return String(value).replace(/\s+/g, '')
}

function plain(value: Value): Value {
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value)
  return value instanceof LongDecimal ? value.text : value
}
