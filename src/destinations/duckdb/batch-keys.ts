import type { Column } from '../../ports/schema.ts'
import type { FixedChunk } from './column-chunk.ts'
import type { EncodedRows } from './encoded-rows.ts'
import type { TextChunk } from './text-chunk.ts'

/** A key of the load: its column, and that column's place in the schema. */
export interface KeyColumn {
  readonly column: Column
  readonly at: number
}

/** What the keys of a batch, of one column of whole numbers, lie between. Both are in it. */
export interface KeyRange {
  readonly least: number
  readonly greatest: number
}

/** What is known of a batch's keys without asking DuckDB. */
export interface BatchKeys {
  /** True where it is sure that no two of them are equal. False says nothing. */
  readonly distinct: boolean
  readonly range?: KeyRange
}

const unknown: BatchKeys = { distinct: false }

/** Looks at the keys as they were encoded: what differs there differs in the table. */
export function batchKeys(rows: EncodedRows, key: readonly KeyColumn[]): BatchKeys {
  const [only] = key
  if (only === undefined || key.length > 1) return unknown
  const columns = rows.chunks.map((chunk) => chunk.columns[only.at])
  if (columns.some((column) => column === undefined || column.hasNulls)) return unknown
  const counts = rows.chunks.map(({ count }) => count)
  switch (only.column.type.kind) {
    case 'integer':
    case 'bigint':
      return integerKeys(columns as FixedChunk[], counts)
    case 'text':
      return { distinct: areDistinct(textHashes(columns as TextChunk[], counts), rows.length) }
    default:
      return unknown
  }
}

/** What a list in the order of its ids shows in passing: none of them comes twice. */
function integerKeys(columns: readonly FixedChunk[], counts: readonly number[]): BatchKeys {
  let least = Number.POSITIVE_INFINITY
  let greatest = Number.NEGATIVE_INFINITY
  let rises = true
  let falls = true
  let count = 0
  for (const value of integers(columns, counts)) {
    if (value <= greatest) rises = false
    if (value >= least) falls = false
    if (value < least) least = value
    if (value > greatest) greatest = value
    count++
  }
  if (count === 0) return unknown
  return {
    distinct: rises || falls || areDistinct(integers(columns, counts), count),
    range: { least, greatest },
  }
}

function areDistinct(values: Iterable<number>, count: number): boolean {
  const seen = new Set<number>()
  for (const value of values) seen.add(value)
  return seen.size === count
}

/** Beyond 2^53 neighbours become one number: they are then not sure to differ, and a range is not narrower than it is. */
function* integers(columns: readonly FixedChunk[], counts: readonly number[]): Iterable<number> {
  for (const [index, { storage }] of columns.entries()) {
    const { words } = storage
    for (let row = 0; row < counts[index]!; row++)
      yield words[row * 2 + 1]! * 4_294_967_296 + (words[row * 2]! >>> 0)
  }
}

/**
 * 53 bits of each text's bytes, by two FNV-1a hashes with different starts (Fowler, Noll, Vo). Texts of different hashes
 * differ; equal hashes leave it to DuckDB.
 */
function* textHashes(columns: readonly TextChunk[], counts: readonly number[]): Iterable<number> {
  for (const [index, { text, lengths }] of columns.entries()) {
    let offset = 0
    for (let row = 0; row < counts[index]!; row++) {
      const end = offset + lengths[row]!
      let high = 0x811c9dc5
      let low = 0x050c5d1f
      for (; offset < end; offset++) {
        high = Math.imul(high ^ text[offset]!, 0x01000193)
        low = Math.imul(low ^ text[offset]!, 0x01000193)
      }
      yield (high >>> 0) * 0x200000 + ((low ^ (low >>> 15)) >>> 11)
    }
  }
}
