import { expect, test } from 'vitest'
import { sideBySide } from './side-by-side.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Work that ends when it is told to. */
function bench() {
  const begun: number[] = []
  const ends = new Map<number, { end(): void; fail(error: Error): void }>()
  const work = (item: number) =>
    new Promise<void>((resolve, reject) => {
      begun.push(item)
      ends.set(item, { end: resolve, fail: reject })
    })
  const end = async (item: number) => {
    ends.get(item)!.end()
    await turn()
  }
  return { begun, ends, work, end }
}

test('an item is asked for when somebody is free to work on it, and never before', async () => {
  const { begun, work, end } = bench()
  const pulled: number[] = []
  async function* items() {
    for (let item = 1; item <= 5; item++) {
      pulled.push(item)
      yield item
    }
  }
  const all = sideBySide(items(), 2, work, () => {})
  await turn()
  expect([pulled, begun]).toEqual([
    [1, 2],
    [1, 2],
  ])
  await end(2)
  expect([pulled, begun]).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ])
  for (const item of [1, 3, 4, 5]) await end(item)
  await all
  expect(begun).toEqual([1, 2, 3, 4, 5])
})

test('an iterator is asked for one item at a time, also where it is slow', async () => {
  let asking = 0
  let most = 0
  let item = 0
  const items: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        most = Math.max(most, ++asking)
        await turn()
        asking--
        return item < 10 ? { done: false, value: ++item } : { done: true, value: undefined }
      },
    }),
  }
  const done: number[] = []
  await sideBySide(
    items,
    4,
    async (each) => void done.push(each),
    () => {},
  )
  expect(most).toBe(1)
  expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})

test('the first failure begins nothing more, is told at once, and is thrown when all work has ended', async () => {
  const { begun, ends, work, end } = bench()
  const told: unknown[] = []
  let returned = false
  function* items() {
    try {
      for (let item = 1; ; item++) yield item
    } finally {
      returned = true
    }
  }
  let settled = false
  const all = sideBySide(items(), 3, work, (error) => told.push(error))
  all
    .catch(() => {})
    .finally(() => {
      settled = true
    })
  await turn()
  ends.get(2)!.fail(new Error('two'))
  await turn()
  expect(told).toEqual([new Error('two')])
  expect(settled).toBe(false)
  ends.get(1)!.fail(new Error('one, which was stopped'))
  await end(3)
  await expect(all).rejects.toThrow('two')
  expect(begun).toEqual([1, 2, 3])
  expect(told).toHaveLength(1)
  expect(returned).toBe(true)
})

test('items that fail to come are a failure like any other, and what was begun is waited for', async () => {
  const { work, end } = bench()
  async function* items() {
    yield 1
    throw new Error('the parents are gone')
  }
  const all = sideBySide(items(), 2, work, () => {})
  const failure = expect(all).rejects.toThrow('the parents are gone')
  await turn()
  await end(1)
  await failure
})
