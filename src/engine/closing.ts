import { messageOf } from './two-failures.ts'

/**
 * Does some work with a resource and closes it, whatever happened. Where the work is done and the closing fails, the result counts and
 * `onCloseFailure` is told; where the work fails, that is thrown, whether or not the closing fails too.
 */
export async function closeAfter<Resource extends AsyncDisposable, Result>(
  resource: Resource,
  work: (resource: Resource) => Promise<Result>,
  onCloseFailure: (error: unknown) => void,
): Promise<Result> {
  let result: Result
  try {
    result = await work(resource)
  } catch (error) {
    await close(resource).catch(() => undefined)
    throw error
  }
  await close(resource).catch(onCloseFailure)
  return result
}

/**
 * Closes resources in order, each of them, also where one before it can't be closed.
 * @throws the one failure, or an AggregateError of several
 */
export async function closeAll(resources: readonly AsyncDisposable[]): Promise<void> {
  const failures: unknown[] = []
  for (const resource of resources) await close(resource).catch((error: unknown) => failures.push(error))
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, failures.map(messageOf).join('; '))
}

/** Rejects, never throws: whatever a resource of someone else's does. */
async function close(resource: AsyncDisposable): Promise<void> {
  await resource[Symbol.asyncDispose]()
}
