import type { RunRecord } from '../../ports/destination.ts'
import type { Json, Value } from '../../ports/json.ts'
import { jsonbText } from './json-text.ts'
import { instant, millisecondsOf, tableIn, type Workplace } from './workplace.ts'

/** Writes or overwrites a run's record. */
export async function writeRun(workplace: Workplace, run: RunRecord): Promise<void> {
  await workplace.connection.run(
    `INSERT INTO ${tableIn(workplace, '_sluice_runs')} (pipeline, run_id, started_at, finished_at, outcome, report)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (pipeline, run_id) DO UPDATE SET started_at = excluded.started_at, finished_at = excluded.finished_at,
       outcome = excluded.outcome, report = excluded.report`,
    [
      workplace.pipeline,
      run.id,
      instant(run.startedAt),
      run.finishedAt === null ? null : instant(run.finishedAt),
      run.outcome,
      jsonbText(run.report as Value),
    ],
  )
}

type RunRow = [
  id: string,
  startedAt: number,
  finishedAt: number,
  outcome: RunRecord['outcome'],
  report: string | null,
]

/** The pipeline's last run that is over. */
export async function readLastRun(workplace: Workplace): Promise<RunRecord | null> {
  const [row] = await workplace.connection.rows<RunRow>(
    `SELECT run_id, ${millisecondsOf('started_at')}, ${millisecondsOf('finished_at')}, outcome, report
     FROM ${tableIn(workplace, '_sluice_runs')}
     WHERE pipeline = $1 AND finished_at IS NOT NULL ORDER BY finished_at DESC, run_id DESC LIMIT 1`,
    [workplace.pipeline],
  )
  if (row === undefined) return null
  const [id, startedAt, finishedAt, outcome, report] = row
  return { id, startedAt, finishedAt, outcome, report: report === null ? null : (JSON.parse(report) as Json) }
}
