// Files that nobody will read: those of commits that never happened, and those that are live no more and whose readers are done.
import type { ManifestLog } from './manifest/log.ts'
import { namedFiles } from './manifest/state.ts'
import type { ObjectStore } from './store/object-store.ts'

/**
 * Deletes what is nobody's and older than `graceMs`, by the store's clock, and entries of the log that snapshots hold. What is about to be
 * deleted is published first: a writer that slept over its files learns so, and does not commit them.
 * @param base the pipeline's folder, with a `/` at its end
 * @returns how many objects were deleted
 */
export async function cleanUp(
  store: ObjectStore,
  log: ManifestLog,
  { base, own, graceMs }: { readonly base: string; readonly own: string; readonly graceMs: number },
): Promise<number> {
  const named = namedFiles(log.state)
  const listed: { readonly path: string; readonly modifiedAt: number }[] = []
  for await (const { key, modifiedAt } of store.list(base)) {
    const path = key.slice(base.length)
    // The log cleans up after itself, and runs are kept.
    const isData = !key.startsWith(own) || key.startsWith(`${own}rejects/`) || path.includes('.partial-')
    if (isData && !named.has(path)) listed.push({ path, modifiedAt })
  }
  const before = store.now() - graceMs
  const orphans = listed.filter(({ modifiedAt }) => modifiedAt < before).map(({ path }) => path)
  const retired = log.state.retired.filter(({ at }) => at < before).map(({ path }) => path)
  const paths = [...orphans, ...retired]
  if (paths.length > 0) {
    await log.publish({ kind: 'clean', paths })
    await store.remove(paths.map((path) => `${base}${path}`))
  }
  return paths.length + (await log.clean(before))
}
