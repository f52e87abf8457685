import type { Load } from '../../ports/destination.ts'
import { jsonbText } from './json-text.ts'
import { instant, tableIn, type Workplace } from './workplace.ts'

/** Stores the load's rejects, each once; one that is there already is counted. Runs in the load's transaction (C1). */
export async function writeRejects(workplace: Workplace, load: Load): Promise<void> {
  if (load.rejects.length === 0) return
  await workplace.connection.run(
    `INSERT INTO ${tableIn(workplace, '_sluice_rejects')} AS r
       (pipeline, stream, reject_id, record, reason, times, first_load_id, first_rejected_at, last_load_id, last_rejected_at)
     SELECT $1, $2, f.id, min(f.record)::json, min(f.reason), count(*), $3, $4, $3, $4
     FROM unnest($5::text[], $6::text[], $7::text[]) f(id, record, reason) GROUP BY f.id
     ON CONFLICT (pipeline, stream, reject_id) DO UPDATE SET times = r.times + excluded.times,
       last_load_id = excluded.last_load_id, last_rejected_at = excluded.last_rejected_at`,
    [
      workplace.pipeline,
      load.stream,
      load.id,
      instant(load.at),
      load.rejects.map(({ id }) => id),
      load.rejects.map(({ record }) => jsonbText(record)),
      load.rejects.map(({ reason }) => reason.replaceAll('\0', '\ufffd')),
    ],
  )
}
