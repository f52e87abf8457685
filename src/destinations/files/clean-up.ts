// Files that nobody will read: those of commits that never happened, and those that are live no more and whose readers are done.
import type { ManifestLog } from './manifest/log.ts'
import { namedFiles, type PipelineState } from './manifest/state.ts'
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
  // What is nobody's is told by the state that the entry comes after, not by the one before the listing: a writer that slept over its files
  // may commit them meanwhile. Once it is published nobody can commit them any more.
  const published = await log.publishFrom((state) => {
    const paths = [...unnamed(state, orphans), ...retiredBefore(state, before)]
    return paths.length === 0 ? null : { kind: 'clean', paths }
  })
  const gone = published?.change.kind === 'clean' ? published.change.paths : []
  await store.remove(gone.map((path) => `${base}${path}`))
  return gone.length + (await log.clean(before))
}

function unnamed(state: PipelineState, paths: readonly string[]): string[] {
  const named = namedFiles(state)
  return paths.filter((path) => !named.has(path))
}

function retiredBefore({ retired }: PipelineState, before: number): string[] {
  return retired.filter(({ at }) => at < before).map(({ path }) => path)
}
