// Runs are recorded beside the log, each in an object of its own that is written over: no promise rests on them, and a report may be large.
import type { RunRecord } from '../../ports/destination.ts'
import { safeName } from './safe-name.ts'
import type { ObjectStore } from './store/object-store.ts'

/** The last run that is over is looked for among so many of the latest. */
const LOOKED_AT = 20

export async function writeRun(store: ObjectStore, folder: string, run: RunRecord): Promise<void> {
  const begun = String(run.startedAt).padStart(15, '0')
  await store.put(`${folder}runs/${begun}-${safeName(run.id)}.json`, Buffer.from(JSON.stringify(run)))
}

export async function readRuns(
  store: ObjectStore,
  folder: string,
  latest = Number.POSITIVE_INFINITY,
): Promise<RunRecord[]> {
  const keys: string[] = []
  for await (const { key } of store.list(`${folder}runs/`)) if (key.endsWith('.json')) keys.push(key)
  const bodies = await Promise.all(
    (latest < keys.length ? keys.slice(-latest) : keys).map((key) => store.get(key)),
  )
  return bodies.flatMap((body) =>
    body === null ? [] : [JSON.parse(Buffer.from(body).toString('utf8')) as RunRecord],
  )
}

export async function readLastRun(store: ObjectStore, folder: string): Promise<RunRecord | null> {
  const over = (await readRuns(store, folder, LOOKED_AT)).filter(({ finishedAt }) => finishedAt !== null)
  return over.sort((a, b) => b.finishedAt! - a.finishedAt!)[0] ?? null
}
