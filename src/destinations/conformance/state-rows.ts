import type { RunRecord } from '../../ports/destination.ts'
import type { Json } from '../../ports/json.ts'
import type { ConformanceHarness } from './harness.ts'

/**
 * What a harness tells of the state tables, where they are tables of a database.
 * @param of all rows of a state table that belong to a pipeline
 */
export function stateRows(
  of: (table: string, pipeline: string) => Promise<readonly Readonly<Record<string, Json>>[]>,
): Pick<ConformanceHarness, 'rejects' | 'loads' | 'runs'> {
  return {
    rejects: async (pipeline) =>
      (await of('_sluice_rejects', pipeline)).map((row) => ({
        stream: row['stream'] as string,
        record: row['record'] as string,
        reason: row['reason'] as string,
        times: row['times'] as number,
        firstLoadId: row['first_load_id'] as string,
        lastLoadId: row['last_load_id'] as string,
      })),
    loads: async (pipeline) => (await of('_sluice_loads', pipeline)).map((row) => row['load_id'] as string),
    runs: async (pipeline) =>
      (await of('_sluice_runs', pipeline)).map((row) => ({
        id: row['run_id'] as string,
        startedAt: Date.parse(row['started_at'] as string),
        finishedAt: row['finished_at'] === null ? null : Date.parse(row['finished_at'] as string),
        outcome: row['outcome'] as RunRecord['outcome'],
        report: JSON.parse(row['report'] as string),
      })),
  }
}
