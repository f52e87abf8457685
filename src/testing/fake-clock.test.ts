import { expect, test } from 'vitest'
import { fakeClock } from './fake-clock.ts'

test('advance wakes sleepers in the order of their time, and first come first within one instant', async () => {
  const clock = fakeClock({ start: 0 })
  const woken: string[] = []
  const sleep = (name: string, ms: number) => clock.sleep(ms).then(() => woken.push(`${name}@${clock.now()}`))
  void sleep('late', 50)
  void sleep('first', 20)
  void sleep('second', 20)
  await clock.advance(30)
  expect(woken).toEqual(['first@20', 'second@20'])
  expect(clock.now()).toBe(30)
  await clock.advance(20)
  expect(woken).toEqual(['first@20', 'second@20', 'late@50'])
})

test('an aborted sleep rejects with the reason and is forgotten', async () => {
  const clock = fakeClock({ start: 0 })
  const abort = new AbortController()
  const asleep = clock.sleep(1000, abort.signal)
  abort.abort(new Error('enough'))
  await expect(asleep).rejects.toThrow('enough')
  expect(clock.sleepers).toBe(0)
  await expect(clock.sleep(1, abort.signal)).rejects.toThrow('enough')
})

test('an automatic clock passes a day of sleeps as soon as nothing else is left to do', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  for (let hour = 0; hour < 24; hour++) await clock.sleep(3_600_000)
  expect(clock.now()).toBe(86_400_000)
})
