import { UnsupportedError } from '../destinations/errors.ts'
import { ConfigError } from '../errors.ts'
import type { Destination, DestinationSession } from '../ports/destination.ts'
import { ownerField, type ReadScope, type Stream, tombstoneField } from '../ports/source.ts'
import { validateKeys } from '../records/record-key.ts'
import { canonicalForm } from './canonical.ts'
import { Comparison, type Differences, type Found } from './comparison.ts'
import { differingValues, shownKey, shownRow, type ValueDifference } from './differing-values.ts'

/** Rows that differ, with some of their keys. */
export interface Difference {
  readonly rows: number
  /** Keys as people write them; without a key the rows, as far as a line goes. */
  readonly examples: readonly string[]
}

export interface VerifyReport extends Differences<Difference> {
  readonly stream: string
  readonly table: string
  readonly different: Difference & {
    /** What differs in the rows of the examples, column by column. */
    readonly values: readonly ValueDifference[]
  }
  /** Records that were read. */
  readonly records: number
  /** Rows of the table that were compared; of one with history the present ones. */
  readonly rows: number
  /** With `write: history`: the rows of all versions. */
  readonly versions?: number
  /** False where the table is not there yet. */
  readonly tableExists: boolean
  /** Records without a usable key: no row can be theirs. */
  readonly rejected: number
}

export interface VerifyOptions {
  readonly signal?: AbortSignal
  /** Told now and then how many records were read. */
  readonly onRecords?: (records: number) => void
}

/**
 * Reads a stream anew from its beginning and compares it with its table: what is missing there, what is there and not at the API, and
 * what says something else. Nothing is changed. The rows are read after the records: what a run loads meanwhile is not taken for extra,
 * unless it is new at the API, too.
 * @throws ConfigError where the stream loads no rows
 * @throws UnsupportedError where the destination can't read rows back
 * @throws DestinationSchemaError where the table was changed by someone else
 */
export async function verifyStream(
  stream: Stream,
  destination: Pick<Destination, 'description'>,
  session: DestinationSession,
  { signal = new AbortController().signal, onRecords = () => {} }: VerifyOptions = {},
): Promise<VerifyReport> {
  if (stream.write === 'delete' || stream.write === 'reconcile')
    throw new ConfigError(
      stream.name,
      `\`write: ${stream.write}\` loads no rows: verify the stream that loads ${stream.table}`,
    )
  if (session.readRows === undefined)
    throw new UnsupportedError(destination.description, 'read rows back, so that nothing can be compared')
  const known = await session.readSchema(stream.table)
  const schema = known ?? { columns: [] }
  const columns = schema.columns.map(({ name }) => name)
  const form = canonicalForm(
    schema,
    stream.key,
    [tombstoneField, ownerField],
    session.asStored?.bind(session),
  )
  await using comparison = await Comparison.open()
  let records = 0
  let rejected = 0
  const whole: ReadScope = {}
  for await (const slice of stream.slices(new Map(), whole, signal)) {
    await stream.read(slice, {
      signal,
      emit: async (page) => {
        const live = page.records.filter((record) => !record[tombstoneField])
        const { valid, rejects } =
          stream.key.length === 0 ? { valid: live, rejects: [] } : validateKeys(live, stream.key)
        for (const record of valid) comparison.add('api', form.ofRecord(record))
        records += valid.length
        rejected += rejects.length
        onRecords(records)
      },
    })
  }
  let rows = 0
  for await (const part of session.readRows(stream.table, columns)) {
    signal.throwIfAborted()
    for (const row of part) comparison.add('stored', form.ofRow(row))
    rows += part.length
  }
  const { missing, extra, different, doubled } = await comparison.differences(stream.key.length > 0)
  const shown = ({ rows, examples }: Found): Difference => ({
    rows,
    examples: examples.map(({ key, api, stored }) =>
      key === '' ? shownRow(columns, (api ?? stored)!) : shownKey(key),
    ),
  })
  const values = different.examples.flatMap(({ key, api, stored }) =>
    differingValues(key, columns, api!, stored!),
  )
  const versions = stream.write === 'history' ? await session.countRows?.(stream.table) : undefined
  return {
    stream: stream.name,
    table: stream.table,
    tableExists: known !== null,
    records,
    rows,
    ...(versions !== undefined && { versions }),
    rejected,
    missing: shown(missing),
    extra: shown(extra),
    different: { ...shown(different), values },
    doubled: shown(doubled),
  }
}
