import { formatCount, formatCounted } from '../observe/format.ts'
import type { Difference, VerifyReport } from '../verify/verify-stream.ts'

/** What `sluice verify` prints. */
export function formatVerifyReport(report: VerifyReport): string {
  const { stream, table, tableExists, records, rejected } = report
  const there = tableExists ? `${countedRows(report)} in ${table}` : `${table} is not there yet: run first`
  const read = `${stream}: ${formatCounted(records, 'record')} read, ${there}`
  const without = rejected === 0 ? '' : `, ${formatCounted(rejected, 'record')} without a usable key left out`
  const found = [
    ...lines('missing', 'not in the table', report.missing),
    ...lines('extra', 'not at the API', report.extra),
    ...differentLines(report.different),
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

/** Columns that are shown of one row. */
const SHOWN_COLUMNS = 3

function differentLines({ rows, examples, values }: VerifyReport['different']): string[] {
  if (rows === 0) return []
  const found = examples.flatMap((key) => {
    const own = values.filter((value) => value.key === key)
    const shown = own.slice(0, SHOWN_COLUMNS).map(({ column, api, table }) => {
      return `    ${key}: ${column} is ${api ?? 'nothing'} at the API, ${table ?? 'nothing'} in the table`
    })
    const more = own.length - shown.length
    return more === 0 ? shown : [...shown, `    ${key}: and ${formatCounted(more, 'more column')}`]
  })
  const more = rows > examples.length ? ['    …'] : []
  return [`  different (the row says something else): ${formatCount(rows)}`, ...found, ...more]
}
