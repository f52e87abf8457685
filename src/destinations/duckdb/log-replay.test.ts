// A process that dies leaves its last commits in DuckDB's log. Whoever opens the file next replays it.
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type JsonRecord, LongDecimal, type Value } from '../../ports/json.ts'
import type { TableSchema } from '../../ports/schema.ts'
import { observeRecords } from '../../records/observe.ts'
import { destinationAt, temporaryDirectory } from './test-warehouse.ts'

/** For each type a value of it, then those that widen it: by another number, to text, to JSON. */
const WIDENINGS: readonly { readonly name: string; readonly values: readonly Value[] }[] = [
  { name: 'whole numbers', values: [7, 1.5, 'x', {}] },
  { name: 'long whole numbers', values: [2n ** 60n, new LongDecimal('0.12345678901234567891'), 'x', []] },
  { name: 'doubles', values: [1.5, 1e300, 'x', {}] },
  { name: 'booleans', values: [true, false, 'x', {}] },
  { name: 'dates', values: ['2024-01-31', '2024-02-01', 'x', {}] },
  { name: 'times', values: ['2024-01-31T10:20:30.25+02:00', '2024-01-31T10:20:30Z', 'x', {}] },
  { name: 'texts', values: ['a "b"', 'c', 'd', []] },
]

test.each(WIDENINGS)(
  'C1: a process that dies after it widened $name leaves a file that the next one opens, with the same rows',
  async ({ values }) => {
    const directory = await temporaryDirectory()
    try {
      const path = join(directory.path, 'live.duckdb')
      await using session = await destinationAt(path).open('support')
      let schema: TableSchema | null = null
      for (const [at, value] of values.entries()) {
        const records: readonly JsonRecord[] = [{ id: at, value, [`added${at}`]: at }]
        schema = observeRecords(schema, records).schema
        await session.commit({
          id: `load${at}`,
          runId: 'run',
          at: 0,
          stream: 'desk.tickets',
          table: 'tickets',
          mode: 'merge',
          key: ['id'],
          schema,
          records,
          rejects: [],
          checkpoints: [],
        })
        // What is on the disk now is what a process that dies now leaves.
        const left = join(directory.path, `left${at}.duckdb`)
        await copyFile(path, left)
        await copyFile(`${path}.wal`, `${left}.wal`)
        const sql = 'SELECT * FROM tickets ORDER BY id'
        const found = await destinationAt(left).query(sql)
        expect(found).toHaveLength(at + 1)
        expect(found).toEqual(await session.query(sql))
      }
    } finally {
      await directory.remove()
    }
  },
)
