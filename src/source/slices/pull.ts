/**
 * What a producer hands on, one by one, when it is asked for: the producer waits in `emit` until the next is wanted, and is aborted
 * where none is wanted any more.
 */
export async function* pull<T>(
  produce: (emit: (item: T) => Promise<void>, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<T, void> {
  const enough = new AbortController()
  let offered: { readonly item: T } | undefined
  let onOffer: () => void = () => {}
  let onTaken: () => void = () => {}
  const emit = (item: T) =>
    new Promise<void>((resolve) => {
      offered = { item }
      onTaken = resolve
      onOffer()
    })
  let isOver = false
  const producing = produce(emit, AbortSignal.any([signal, enough.signal])).finally(() => {
    isOver = true
    onOffer()
  })
  // Whatever becomes of it is seen at the end; nobody looks before.
  producing.catch(() => {})
  try {
    for (;;) {
      if (offered === undefined && !isOver) {
        await new Promise<void>((resolve) => {
          onOffer = resolve
        })
      }
      if (offered === undefined) break
      const { item } = offered
      offered = undefined
      yield item
      onTaken()
    }
    await producing
  } finally {
    enough.abort()
    onTaken()
    await producing.catch(() => {})
  }
}
