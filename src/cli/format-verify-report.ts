import { formatCount, formatCounted } from '../observe/format.ts'
import type { Difference } from '../verify/comparison.ts'
import type { VerifyReport } from '../verify/verify-stream.ts'

/** What `sluice verify` prints. */
export function formatVerifyReport(report: VerifyReport): string {
  const { stream, table, tableExists, records, rejected } = report
  const there = tableExists ? `${countedRows(report)} in ${table}` : `${table} is not there yet: run first`
  const read = `${stream}: ${formatCounted(records, 'record')} read, ${there}`
  const without = rejected === 0 ? '' : `, ${formatCounted(rejected, 'record')} without a usable key left out`
  const found = [
    ...lines('missing', 'not in the table', report.missing),
    ...lines('extra', 'not at the API', report.extra),
    ...lines('different', 'the row says something else', report.different),
    ...lines('doubled', 'more than one row of a key', report.doubled),
  ]
  return [
    read + without,
    ...(found.length === 0 ? ['  nothing is missing, extra or different'] : found),
  ].join('\n')
}

function countedRows({ rows, versions }: VerifyReport): string {
  if (versions === undefined) return formatCounted(rows, 'row')
  return `${formatCounted(rows, 'present row')} (of ${formatCount(versions)})`
}

function lines(name: string, meaning: string, { rows, examples }: Difference): string[] {
  if (rows === 0) return []
  const more = rows > examples.length ? ', …' : ''
  return [`  ${name} (${meaning}): ${formatCount(rows)}`, `    ${examples.join(', ')}${more}`]
}
