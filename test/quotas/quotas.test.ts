// Each scenario for some minutes; `npm run quotas` plays each for an hour, and writes the table.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readScenarios, targets } from './scenario.ts'
import { simulate } from './simulate.ts'

const scenarios = readScenarios()
const seed = 1

test.each(scenarios)(
  'Q1, Q4: $name: $says',
  async (scenario) => {
    const { slice } = scenario
    const { usedShare, refusedShare } = await simulate(scenario, { seed, forMs: slice.for })
    expect({ usedShare, refusedShare }).toEqual({
      usedShare: expect.toSatisfy((share: number) => share >= slice.used, `${slice.used} or more`),
      refusedShare: expect.toSatisfy((share: number) => share <= slice.refused, `${slice.refused} or less`),
    })
  },
  60_000,
)

test('a scenario is the same each time that it is played with one seed, and another with another', async () => {
  const scenario = scenarios.find(({ faults }) => faults.reset > 0)!
  const [once, again, other] = await Promise.all(
    [1, 1, 2].map((seed) => simulate(scenario, { seed, forMs: 130_000 })),
  )
  expect(again).toEqual(once)
  expect(other).not.toEqual(once)
})

test('no model uses more than its limiter grants', async () => {
  for (const scenario of scenarios)
    expect((await simulate(scenario, { seed, forMs: 20_000 })).usedShare).toBeLessThanOrEqual(1)
}, 60_000)

test('docs/quota-scenarios.md has each scenario, with its target', () => {
  const page = readFileSync(new URL('../../docs/quota-scenarios.md', import.meta.url), 'utf8')
  const rows = page.split('\n').flatMap((line) => {
    const [, name, says, target] = line
      .split(' | ')
      .join('|')
      .split('|')
      .map((cell) => cell.trim())
    return /^\d\d-/.test(name ?? '') ? [{ name, says, target }] : []
  })
  expect(rows).toEqual(scenarios.map(({ name, says, target }) => ({ name, says, target })))
  for (const { says } of Object.values(targets)) expect(page).toContain(says)
})
