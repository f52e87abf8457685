/**
 * Does `work` for each item, for up to `limit` of them at once. An item is asked for when somebody is free to work on it, and not before:
 * of items that come from afar none lies waiting. After a failure no further item is begun; `onFailure` is told at once, so that
 * what is under way can be stopped. Rejects with the first failure, once all work has come to its end.
 */
export async function sideBySide<T>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
  onFailure: (error: unknown) => void,
): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  let failure: { readonly error: unknown } | undefined
  let ended = false
  /** One asks at a time: an iterator of one's own may not bear more. */
  let asking: Promise<unknown> = Promise.resolve()

  function fail(error: unknown): void {
    if (failure !== undefined) return
    failure = { error }
    onFailure(error)
  }

  async function next(): Promise<IteratorResult<T>> {
    if (ended || failure !== undefined) return { done: true, value: undefined }
    const result = await iterator.next()
    if (result.done) ended = true
    return result
  }

  async function worker(): Promise<void> {
    try {
      for (;;) {
        const asked = asking.then(next)
        asking = asked.catch(() => {})
        const { done, value } = await asked
        if (done || failure !== undefined) return
        await work(value)
      }
    } catch (error) {
      fail(error)
    }
  }

  await Promise.all(Array.from({ length: limit }, worker))
  if (failure === undefined) return
  const { error } = failure as { readonly error: unknown }
  // The iterator is left early; what it fails with then says less than what stopped it.
  if (!ended) await Promise.resolve(iterator.return?.()).catch(() => {})
  throw error
}
