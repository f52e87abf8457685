import { expect, test } from 'vitest'
import { slots } from './slots.ts'

test('slots go to those who wait in the order in which they came', async () => {
  const places = slots(2)
  const order: number[] = []
  await places.take()
  await places.take()
  const waiting = [1, 2, 3].map((number) => places.take().then(() => void order.push(number)))
  await Promise.resolve()
  expect(order).toEqual([])
  for (let count = 0; count < 3; count++) places.release()
  await Promise.all(waiting)
  expect(order).toEqual([1, 2, 3])
})

test('an aborted wait gives its place up, and takes no slot', async () => {
  const places = slots(1)
  await places.take()
  const abort = new AbortController()
  const waiting = places.take(abort.signal)
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await expect(places.take(abort.signal)).rejects.toThrow('enough')
  places.release()
  await expect(places.take()).resolves.toBeUndefined()
})
