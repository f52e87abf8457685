import type { DuckDBConnection } from '@duckdb/node-api'
import type { Load } from '../../ports/destination.ts'
import type { TableSchema } from '../../ports/schema.ts'
import { columnTypes } from '../../records/column-type.ts'
import { instant } from './instant.ts'
import { FED_ROWS, type RowFeed } from './row-feed.ts'

const rejectSchema: TableSchema = {
  columns: [
    { field: 'id', name: 'id', type: columnTypes.text },
    { field: 'record', name: 'record', type: columnTypes.json },
    { field: 'reason', name: 'reason', type: columnTypes.text },
  ],
}

/** Stores the load's rejects, each once; one that is there already is counted. Runs in the load's transaction (C1). */
export async function writeRejects(
  connection: DuckDBConnection,
  feed: RowFeed,
  pipeline: string,
  load: Load,
): Promise<void> {
  if (load.rejects.length === 0) return
  const rejects = load.rejects.map(({ id, record, reason }) => ({ id, record, reason }))
  await feed.useRecords(rejectSchema, rejects, () =>
    connection.run(
      `MERGE INTO _sluice_rejects r
       USING (SELECT id, any_value(record) AS record, any_value(reason) AS reason, count(*) AS times FROM ${FED_ROWS} GROUP BY id) f
       ON r.pipeline = $1 AND r.stream = $2 AND r.reject_id = f.id
       WHEN MATCHED THEN UPDATE SET times = r.times + f.times, last_load_id = $3, last_rejected_at = $4
       WHEN NOT MATCHED THEN INSERT VALUES ($1, $2, f.id, f.record, f.reason, f.times, $3, $4, $3, $4)`,
      [pipeline, load.stream, load.id, instant(load.at)],
    ),
  )
}
