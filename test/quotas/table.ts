import { formatDuration } from '../../src/options/duration.ts'
import { type Scenario, targets } from './scenario.ts'
import type { ScenarioResult } from './simulate.ts'

export interface Row {
  readonly scenario: Scenario
  /** By each seed. */
  readonly results: readonly ScenarioResult[]
}

/** Of the page. */
export const tableSeeds: readonly number[] = [1, 2, 3]

/** The least that was used by any seed, and what was refused by all of them together. */
export function summary({ results }: Row) {
  const worst = results.reduce((a, b) => (b.usedShare < a.usedShare ? b : a))
  const sum = (of: (result: ScenarioResult) => number) => results.reduce((total, each) => total + of(each), 0)
  const refused = sum((each) => each.refused)
  const requests = sum((each) => each.requests)
  return {
    granted: worst.granted,
    usedShare: worst.usedShare,
    refused,
    arrived: refused + requests,
    refusedShare: refused / Math.max(1, refused + requests),
    waitedMs: sum((each) => each.waitedMs) / Math.max(1, requests),
  }
}

/** The page docs/quota-scenarios.md. */
export function scenarioTable(rows: readonly Row[]): string {
  const met = rows.filter(isMet).length
  const goals = Object.entries(targets).map(
    ([name, { used, refused, says }]) =>
      `- *${name}* (${says}): at least ${percent(used, 0)} of what is granted is used, ${refused === 0 ? 'and nothing is refused' : `and less than ${percent(refused, 1)} of the requests are refused`}`,
  )
  return `# How much of a quota is used

Each scenario is a file in \`test/quotas/scenarios\`: how an API's limiter counts, what its replies say of it, how long they take and which of
them get lost, who else uses the same quota, and what the source declares. The whole client reads without end for an hour of
simulated time, and is measured against a client that knows everything: *granted* is what that one could have had counted. In scenarios with
neighbours it is what they left. Each is played by ${tableSeeds.length} seeds: *used* is that of the worst of them, *refused* what was refused in all of them
together.

What is to be reached:

${goals.join('\n')}

\`npm run quotas\` makes this page (seeds ${tableSeeds.join(', ')}); \`npm run quotas -- --scenario 05 --seed 3\` plays one of them, and shows its refusals. ${met} of ${rows.length} reach
their target.

| scenario | what it is | target | granted | used | refused | waited, a request | |
|---|---|---|--:|--:|--:|--:|---|
${rows.map(row).join('\n')}
`
}

export function isMet(row: Row): boolean {
  const { used, refused } = targets[row.scenario.target]
  const { usedShare, refusedShare } = summary(row)
  return usedShare >= used && refusedShare <= refused
}

function row(each: Row): string {
  const { scenario } = each
  const { granted, usedShare, refused, refusedShare, waitedMs } = summary(each)
  const cells = [
    scenario.name,
    scenario.says,
    scenario.target,
    Math.floor(granted).toLocaleString('en-US'),
    percent(usedShare, 1),
    refused === 0 ? '0' : `${refused} (${percent(refusedShare, 2)})`,
    formatDuration(Math.round(waitedMs)),
    isMet(each) ? 'met' : '**missed**',
  ]
  return `| ${cells.join(' | ')} |`
}

/** Rounded down: what is not reached must not look as if it were. */
function percent(share: number, digits: number): string {
  const factor = 10 ** (digits + 2)
  return `${(Math.floor(share * factor + 1e-9) / (factor / 100)).toFixed(digits)} %`
}
