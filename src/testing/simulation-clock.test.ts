import fc from 'fast-check'
import { expect, test } from 'vitest'
import { simulationClock } from './simulation-clock.ts'

test('sleepers wake at their time and in their order, and those that are called off never', async () => {
  const one = fc.record({ ms: fc.integer({ min: 0, max: 50 }), calledOff: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(one, { maxLength: 60 }), async (sleepers) => {
      const clock = simulationClock(1000)
      const woken: { index: number; at: number }[] = []
      for (const [index, { ms, calledOff }] of sleepers.entries()) {
        const controller = new AbortController()
        clock.sleep(ms, controller.signal).then(
          () => woken.push({ index, at: clock.now() }),
          () => {},
        )
        if (calledOff) controller.abort()
      }
      await clock.run(1100)
      const expected = sleepers
        .map(({ ms, calledOff }, index) => ({ index, at: 1000 + ms, calledOff }))
        .filter(({ calledOff }) => !calledOff)
        .sort((a, b) => a.at - b.at || a.index - b.index)
        .map(({ index, at }) => ({ index, at }))
      expect(woken).toEqual(expected)
      expect(clock.now()).toBe(1100)
    }),
  )
})

test('what a sleeper does when it wakes, and further sleeps, come before time moves on', async () => {
  const clock = simulationClock(0)
  const steps: string[] = []
  const sleeper = async (name: string, ms: number) => {
    for (let step = 0; step < 3; step++) {
      await clock.sleep(ms)
      await Promise.resolve()
      steps.push(`${name} at ${clock.now()}`)
    }
  }
  void sleeper('a', 10)
  void sleeper('b', 15)
  await clock.run(30)
  expect(steps).toEqual(['a at 10', 'b at 15', 'a at 20', 'b at 30', 'a at 30'])
})
