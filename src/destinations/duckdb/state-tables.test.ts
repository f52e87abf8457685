import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { merge, PIPELINE, withSession } from '../conformance/harness.ts'
import { destinationAt, temporaryDirectory } from './test-warehouse.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeEach(async () => {
  directory = await temporaryDirectory()
})
afterEach(() => directory.remove())

test('a file whose list of loads lacks the later columns gets them, and keeps what it holds', async () => {
  const path = join(directory.path, 'old.duckdb')
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  await connection.run(`CREATE TABLE _sluice_loads (
    pipeline VARCHAR NOT NULL, load_id VARCHAR NOT NULL, run_id VARCHAR NOT NULL, stream VARCHAR NOT NULL,
    table_name VARCHAR NOT NULL, inserted BIGINT NOT NULL, updated BIGINT NOT NULL, unchanged BIGINT NOT NULL,
    rejected BIGINT NOT NULL, committed_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (pipeline, load_id));
    INSERT INTO _sluice_loads VALUES ('${PIPELINE}', 'old', 'r', 's', 't', 1, 2, 3, 4, now())`)
  connection.closeSync()
  instance.closeSync()

  const destination = destinationAt(path)
  await withSession(destination, async (session) => {
    await merge(session, [{ id: 1 }])
    const replayed = await merge(session, [], { id: 'old', checkpoints: [] })
    const counted = { inserted: 1, updated: 2, unchanged: 3, deleted: 0 }
    expect(replayed).toEqual({ loadId: 'old', ...counted, sides: {}, replayed: true })
  })
  const loads = await destination.query('SELECT load_id, deleted FROM _sluice_loads ORDER BY committed_at')
  expect(loads).toHaveLength(2)
})
