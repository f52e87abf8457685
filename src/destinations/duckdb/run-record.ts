import type { DuckDBConnection } from '@duckdb/node-api'
import type { RunRecord } from '../../ports/destination.ts'
import type { Json } from '../../ports/json.ts'
import { instant } from './instant.ts'
import { storableJson } from './json-text.ts'

/** Writes or overwrites a run's record. Runs in a transaction. */
export async function writeRun(
  connection: DuckDBConnection,
  pipeline: string,
  run: RunRecord,
): Promise<void> {
  const own = [pipeline, run.id]
  await connection.run('DELETE FROM _sluice_runs WHERE pipeline = $1 AND run_id = $2', own)
  await connection.run('INSERT INTO _sluice_runs VALUES ($1, $2, $3, $4, $5, $6)', [
    ...own,
    instant(run.startedAt),
    run.finishedAt === null ? null : instant(run.finishedAt),
    run.outcome,
    storableJson(JSON.stringify(run.report)),
  ])
}

type RunRow = [
  id: string,
  startedAt: bigint,
  finishedAt: bigint,
  outcome: RunRecord['outcome'],
  report: string | null,
]

/** The pipeline's last run that is over. */
export async function readLastRun(connection: DuckDBConnection, pipeline: string): Promise<RunRecord | null> {
  const reader = await connection.runAndReadAll(
    `SELECT run_id, epoch_ms(started_at), epoch_ms(finished_at), outcome, CAST(report AS VARCHAR) FROM _sluice_runs
     WHERE pipeline = $1 AND finished_at IS NOT NULL ORDER BY finished_at DESC, run_id DESC LIMIT 1`,
    [pipeline],
  )
  const [row] = reader.getRows() as RunRow[]
  if (row === undefined) return null
  const [id, startedAt, finishedAt, outcome, report] = row
  return {
    id,
    startedAt: Number(startedAt),
    finishedAt: Number(finishedAt),
    outcome,
    report: report === null ? null : (JSON.parse(report) as Json),
  }
}
