import { formatDuration } from '../../src/options/duration.ts'
import { type Scenario, targets } from './scenario.ts'
import type { ScenarioResult } from './simulate.ts'

export interface Row {
  readonly scenario: Scenario
  readonly result: ScenarioResult
}

/** The page docs/quota-scenarios.md. */
export function scenarioTable(rows: readonly Row[], seed: number): string {
  const met = rows.filter(isMet).length
  const goals = Object.entries(targets).map(
    ([name, { used, refused, says }]) =>
      `- *${name}* (${says}): at least ${percent(used, 0)} of what is granted is used, ${refused === 0 ? 'and nothing is refused' : `and less than ${percent(refused, 1)} of the requests are refused`}`,
  )
  return `# How much of a quota is used

Each scenario is a file in \`test/quotas/scenarios\`: how an API's limiter counts, what its replies say of it, how long they take and which of
them get lost, who else uses the same quota, and what the source declares. The whole client reads without end for an hour of
simulated time, and is measured against a client that knows everything: *granted* is what that one could have had counted. In scenarios with
neighbours it is what they left.

What is to be reached:

${goals.join('\n')}

\`npm run quotas\` makes this page (seed ${seed}); \`npm run quotas -- --scenario 05 --seed 3\` plays one of them, and shows its refusals. ${met} of ${rows.length} reach
their target.

| scenario | what it is | target | granted | used | refused | waited, a request | |
|---|---|---|--:|--:|--:|--:|---|
${rows.map(row).join('\n')}
`
}

export function isMet({ scenario, result }: Row): boolean {
  const { used, refused } = targets[scenario.target]
  return result.usedShare >= used && result.refusedShare <= refused
}

function row(each: Row): string {
  const { scenario, result } = each
  const cells = [
    scenario.name,
    scenario.says,
    scenario.target,
    Math.floor(result.granted).toLocaleString('en-US'),
    percent(result.usedShare, 1),
    result.refused === 0 ? '0' : `${result.refused} (${percent(result.refusedShare, 2)})`,
    formatDuration(Math.round(result.waitedMs / Math.max(1, result.requests))),
    isMet(each) ? 'met' : '**missed**',
  ]
  return `| ${cells.join(' | ')} |`
}

/** Rounded down: what is not reached must not look as if it were. */
function percent(share: number, digits: number): string {
  const factor = 10 ** (digits + 2)
  return `${(Math.floor(share * factor + 1e-9) / (factor / 100)).toFixed(digits)} %`
}
