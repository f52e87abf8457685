import { expect, test } from 'vitest'
import { pull } from './pull.ts'

const signal = new AbortController().signal

test('the producer goes on when the next is wanted, and not before', async () => {
  const log: string[] = []
  const items = pull<number>(async (emit) => {
    for (const item of [1, 2, 3]) {
      log.push(`made ${item}`)
      await emit(item)
    }
  }, signal)
  for await (const item of items) log.push(`took ${item}`)
  expect(log).toEqual(['made 1', 'took 1', 'made 2', 'took 2', 'made 3', 'took 3'])
})

test('what stops the producer is thrown after what came before was taken', async () => {
  const items = pull<number>(async (emit) => {
    await emit(1)
    throw new Error('broken')
  }, signal)
  const taken: number[] = []
  await expect(
    (async () => {
      for await (const item of items) taken.push(item)
    })(),
  ).rejects.toThrow('broken')
  expect(taken).toEqual([1])
})

test('a consumer that has enough stops the producer', async () => {
  let stopped: unknown
  const items = pull<number>(async (emit, within) => {
    for (let item = 1; !within.aborted; item++) await emit(item)
    stopped = within.aborted
  }, signal)
  for await (const item of items) if (item === 2) break
  expect(stopped).toBe(true)
})

test('the caller’s signal reaches the producer, and its reason the consumer', async () => {
  const caller = new AbortController()
  const items = pull<number>(async (emit, within) => {
    for (let item = 1; ; item++) {
      within.throwIfAborted()
      await emit(item)
    }
  }, caller.signal)
  await expect(
    (async () => {
      for await (const item of items) if (item === 2) caller.abort(new Error('asked to stop'))
    })(),
  ).rejects.toThrow('asked to stop')
})

test('a producer without anything ends at once', async () => {
  const items = pull(async () => {}, signal)
  expect(await items.next()).toEqual({ done: true, value: undefined })
})
