// What loads do to a table, in the plainest words: the property tests of merging compare a destination with it.
import fc from 'fast-check'
import { expect } from 'vitest'
import type { DestinationSession, LoadReceipt } from '../ports/destination.ts'
import type { Json, JsonRecord } from '../ports/json.ts'
import { observeRecords } from '../records/observe.ts'

export interface Item extends JsonRecord {
  id: number
  version: number | null
  note: string | null
}

export const item: fc.Arbitrary<Item> = fc.record({
  id: fc.integer({ min: 0, max: 12 }),
  version: fc.option(fc.integer({ min: 0, max: 4 })),
  note: fc.option(fc.constantFrom('a', 'b', 'grüße', 'a text of more than twelve bytes', '')),
})

type Counts = Pick<LoadReceipt, 'inserted' | 'updated' | 'unchanged'>

/** What one load does to a table, in the plainest words. */
function apply(
  table: Map<number, Item>,
  batch: readonly Item[],
  mode: 'append' | 'merge',
  versioned: boolean,
): Counts {
  const rank = ({ version }: Item) => (versioned ? (version ?? -1) : 0)
  const best = new Map<number, Item>()
  for (const record of batch) {
    const known = best.get(record.id)
    if (known === undefined || (mode === 'merge' && rank(record) >= rank(known))) best.set(record.id, record)
  }
  let inserted = 0
  let updated = 0
  for (const [id, record] of best) {
    const row = table.get(id)
    if (row === undefined) inserted++
    else if (mode === 'append' || rank(record) < rank(row)) continue
    else if (row.version === record.version && row.note === record.note) continue
    else updated++
    table.set(id, record)
  }
  return { inserted, updated, unchanged: batch.length - inserted - updated }
}

async function commit(
  session: DestinationSession,
  table: string,
  batch: readonly Item[],
  load: { readonly id: string; readonly mode: 'append' | 'merge'; readonly versioned: boolean },
): Promise<Counts> {
  const present = await session.readSchema(table)
  const { inserted, updated, unchanged } = await session.commit({
    id: load.id,
    runId: 'run',
    at: 0,
    stream: table,
    table,
    mode: load.mode,
    key: ['id'],
    ...(load.versioned && { version: 'version' }),
    schema: observeRecords(present, batch).schema,
    records: batch,
    rejects: [],
    checkpoints: [],
  })
  return { inserted, updated, unchanged }
}

/** Commits drawn batches, and compares the table and each receipt with a plain map. */
export function mergesLikeAMap(
  session: DestinationSession,
  batches: fc.Arbitrary<Item[][]>,
  rowsOf: (table: string) => Promise<readonly Readonly<Record<string, Json>>[]>,
) {
  let run = 0
  return fc.asyncProperty(
    batches,
    fc.constantFrom('append', 'merge'),
    fc.boolean(),
    async (given, mode, versioned) => {
      const table = `t${++run}`
      const model = new Map<number, Item>()
      for (const [at, batch] of given.entries()) {
        const counts = await commit(session, table, batch, { id: `${table}.${at}`, mode, versioned })
        expect(counts).toEqual(apply(model, batch, mode, versioned))
      }
      const schema = await session.readSchema(table)
      const has = (name: string) => schema?.columns.some((column) => column.name === name) ?? false
      const rows = has('id') ? await rowsOf(table) : []
      const stored = rows.map((row) => ({
        id: row['id'],
        version: row['version'] ?? null,
        note: row['note'] ?? null,
      }))
      expect(stored).toEqual([...model.values()].sort((a, b) => a.id - b.id))
    },
  )
}
