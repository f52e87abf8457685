import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import type { DestinationSession, LoadReceipt } from '../../ports/destination.ts'
import type { JsonRecord } from '../../ports/json.ts'
import { observeRecords } from '../../records/observe.ts'
import { destinationAt } from './test-database.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose](), 60_000)

interface Item extends JsonRecord {
  id: number
  version: number | null
  note: string | null
}

const item: fc.Arbitrary<Item> = fc.record({
  id: fc.integer({ min: 0, max: 12 }),
  version: fc.option(fc.integer({ min: 0, max: 4 })),
  note: fc.option(fc.constantFrom('a', 'b', 'grüße', 'a text of more than twelve bytes', '')),
})

// Some with more rows than one buffer of text holds.
const many = fc
  .array(item, { minLength: 3000, maxLength: 5000 })
  .map((items) => items.map((value, at): Item => ({ ...value, id: value.id === 0 ? 0 : at % 1000 })))
// A list in the order of its ids, as it is read for the first time.
const rising = fc
  .tuple(fc.constantFrom(0, 600, 10_000), fc.array(item, { minLength: 600, maxLength: 900 }))
  .map(([from, items]) => items.map((value, at): Item => ({ ...value, id: from + at })))
const batches = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: fc.array(item, { maxLength: 30 }) },
    { weight: 1, arbitrary: many },
    { weight: 8, arbitrary: rising },
  ),
  {
    minLength: 1,
    maxLength: 4,
  },
)

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

// PEERS: dlt merge is idempotent
test('whatever the batches, the table and the receipts are those of a plain map', async () => {
  const session = await destinationAt(server.url, 'merge').open('property')
  let run = 0
  await fc.assert(
    fc.asyncProperty(
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
        const rows = has('id') ? await session.query(`SELECT * FROM merge.${table} ORDER BY id`) : []
        const stored = rows.map((row) => ({
          id: row['id'],
          version: row['version'] ?? null,
          note: row['note'] ?? null,
        }))
        expect(stored).toEqual([...model.values()].sort((a, b) => a.id - b.id))
      },
    ),
    { numRuns: 40 },
  )
  await session[Symbol.asyncDispose]()
}, 60_000)
