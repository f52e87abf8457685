import type { JsonRecord } from '../../ports/json.ts'
import { ownerField, type SideTable } from '../../ports/source.ts'
import { carrier, itemsAt } from './carry.ts'
import { fieldChanger } from './fields.ts'
import type { TransformStep } from './transform-options.ts'

/** The place of an item in its list, from 0: with the owner's key it names the item's row. */
export const indexField = '_sluice_index'

/** What the stream says of itself to the tables that are split off from it. */
export interface SplitStream {
  readonly table: string
  readonly key: readonly string[]
}

export interface Splitter {
  readonly sides: readonly SideTable[]
  /** The record without its lists, and the lists' items by table. */
  split(record: JsonRecord, into: Map<string, JsonRecord[]>): JsonRecord
}

/** Takes lists out of records and makes rows of their items, tied to the version of the record that they came with. */
export function splitter(
  lists: NonNullable<TransformStep['split']>,
  stream: SplitStream,
  /** Names a version of a record, differently each time. */
  nextOwner: () => string,
): Splitter {
  const parts = Object.entries(lists).map(([path, { table, as = {} }]) => {
    const carried = new Set(Object.values(as))
    const ownKey = Object.fromEntries(
      stream.key.filter((field) => !carried.has(field)).map((field) => [`parent_${field}`, field]),
    )
    const fields = { ...ownKey, ...as }
    const nameOf = new Map(Object.entries(fields).map(([name, field]) => [field, name]))
    const owner = stream.key.map((field) => nameOf.get(field)!)
    const side: SideTable = {
      table: splitTable(path, table, stream.table),
      key: stream.key.length === 0 ? [] : [...owner, indexField],
      write: stream.key.length === 0 ? 'append' : 'owned',
      ...(stream.key.length > 0 && { owner }),
    }
    return { side, items: itemsAt(path), carry: carrier(fields), remove: fieldChanger(path, () => undefined) }
  })
  const tied = stream.key.length > 0

  return {
    sides: parts.map(({ side }) => side),
    split(record, into) {
      const owner = tied ? { [ownerField]: nextOwner() } : {}
      let rest = record
      for (const { side, items, carry, remove } of parts) {
        const rows = items(record).map((item, index) => ({
          ...carry(record, item),
          [indexField]: index,
          ...owner,
        }))
        const table = into.get(side.table)
        if (table === undefined) into.set(side.table, rows)
        else for (const row of rows) table.push(row)
        rest = remove(rest)
      }
      return { ...rest, ...owner }
    },
  }
}

/** The table of a list: the one that it names, or the stream's and the list, as in desk_tickets_tags. */
export function splitTable(path: string, table: string | undefined, stream: string): string {
  return table ?? `${stream}_${path.replace(/[^A-Za-z0-9_]+/g, '_')}`
}
