import { clipMiddle } from './clip.ts'
import { formatCount, formatMs, formatSeconds, formatShare } from './format.ts'
import { problemText } from './log-line.ts'
import type { RunReport, StreamReport } from './report.ts'
import { formatTable } from './table.ts'

/** Colours text; the identity where there is no colour. */
export interface Palette {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly warn: (text: string) => string
  readonly faint: (text: string) => string
  readonly strong: (text: string) => string
}

export const plainPalette: Palette = {
  good: (text) => text,
  bad: (text) => text,
  warn: (text) => text,
  faint: (text) => text,
  strong: (text) => text,
}

interface Column {
  readonly title: string
  readonly cell: (stream: StreamReport) => string
}

const rowColumns: readonly Column[] = [
  { title: 'records', cell: ({ records }) => formatCount(records) },
  { title: 'new', cell: ({ inserted }) => formatCount(inserted) },
  { title: 'changed', cell: ({ updated }) => formatCount(updated) },
  { title: 'known', cell: ({ unchanged }) => formatCount(unchanged) },
  { title: 'rows/s', cell: ({ recordsPerSecond }) => formatCount(recordsPerSecond) },
]
const requestColumns: readonly Column[] = [
  { title: 'pages', cell: ({ pages }) => formatCount(pages) },
  { title: 'requests', cell: ({ requests }) => formatCount(requests) },
  { title: 'retries', cell: ({ retries }) => formatCount(retries) },
  { title: '429s', cell: ({ refused }) => formatCount(refused) },
  {
    title: 'quota wait',
    cell: ({ quotaWaitSeconds }) => (quotaWaitSeconds === 0 ? '–' : formatSeconds(quotaWaitSeconds)),
  },
  { title: 'p50', cell: ({ latencyMs }) => formatMs(latencyMs.p50) },
  { title: 'p95', cell: ({ latencyMs }) => formatMs(latencyMs.p95) },
  { title: 'errors', cell: ({ errorRate }) => formatShare(errorRate) },
]
/** The mark and the space before each line. */
const indent = 2
const shortestName = 8

/**
 * A run's summary, stream by stream, as lines of text. What does not fit beside the rows' figures within `width` columns (default: any
 * number) stands below them in a table of its own.
 */
export function formatSummary(
  report: RunReport,
  palette: Palette = plainPalette,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const whole = statsTable(report, [...rowColumns, ...requestColumns], palette)
  const tables =
    whole.width <= width
      ? [whole]
      : [rowColumns, requestColumns].map((columns) => statsTable(report, columns, palette, width))
  return [
    ...tables.flatMap(({ lines }) => [...lines, '']),
    ...notes(report, palette),
    ...problems(report, palette),
    headline(report, palette),
  ]
}

function statsTable(
  { streams }: RunReport,
  columns: readonly Column[],
  palette: Palette,
  width = Number.POSITIVE_INFINITY,
): { readonly lines: readonly string[]; readonly width: number } {
  const draw = (nameWidth: number) =>
    formatTable(
      [
        { title: 'stream', align: 'left' },
        ...columns.map(({ title }) => ({ title, align: 'right' as const })),
      ],
      streams.map((stream) => [
        clipMiddle(stream.stream, nameWidth),
        ...columns.map(({ cell }) => cell(stream)),
      ]),
    )
  let table = draw(Number.POSITIVE_INFINITY)
  // The rule below the titles is as wide as the table.
  const drawn = indent + table[1]!.length
  if (drawn > width) {
    const longest = Math.max(...streams.map(({ stream }) => stream.length))
    table = draw(Math.max(shortestName, longest - (drawn - width)))
  }
  const marks = {
    done: palette.good('✓'),
    failed: palette.bad('✗'),
    interrupted: palette.warn('‖'),
    running: ' ',
  }
  const lines = table.map((line, index) => {
    if (index === 0) return `  ${palette.strong(line)}`
    if (index === 1) return `  ${palette.faint(line)}`
    return `${marks[streams[index - 2]!.outcome]} ${line}`
  })
  return { lines, width: drawn }
}

function notes(report: RunReport, palette: Palette): string[] {
  return report.streams.flatMap((stream) => {
    const lines: string[] = []
    if (stream.error !== null) {
      lines.push(palette.bad(`${stream.stream} failed (${stream.error.code})`), `  ${stream.error.message}`)
    }
    if (stream.rejected > 0) {
      const count = `${formatCount(stream.rejected)} ${stream.rejected === 1 ? 'record' : 'records'}`
      lines.push(
        palette.warn(`${stream.stream}: ${count} rejected, kept in _sluice_rejects`),
        `  ${stream.rejectReason ?? ''}`,
      )
    }
    for (const warning of stream.warnings)
      lines.push(palette.warn(`${stream.stream}: a warning`), `  ${warning}`)
    return lines.length > 0 ? [...lines, ''] : []
  })
}

function problems(report: RunReport, palette: Palette): string[] {
  return report.problems.flatMap(({ problem, code, message }) => {
    const colour = problem === 'report-not-stored' ? palette.bad : palette.warn
    return [colour(`${problemText(problem)} (${code})`), `  ${message}`, '']
  })
}

function headline(report: RunReport, palette: Palette): string {
  const fresh = report.streams.reduce((sum, { inserted }) => sum + inserted, 0)
  const changed = report.streams.reduce((sum, { updated }) => sum + updated, 0)
  const failed = report.streams.filter(({ outcome }) => outcome === 'failed').length
  const what =
    fresh + changed === 0 ? 'nothing new' : `${formatCount(fresh)} new, ${formatCount(changed)} changed`
  const text = `${report.pipeline}: ${formatCount(report.records)} records read in ${formatSeconds(report.seconds)}, ${what}`
  if (failed > 0) return palette.bad(`${text}; ${failed} of ${report.streams.length} streams failed`)
  if (report.outcome === 'failed') return palette.bad(`${text}; the run failed at its end`)
  if (report.outcome === 'interrupted') {
    return palette.warn(
      `${text}; interrupted: what was complete is committed, the next run goes on from there`,
    )
  }
  return palette.good(text)
}
