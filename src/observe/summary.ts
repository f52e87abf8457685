import { formatCount, formatMs, formatSeconds, formatShare } from './format.ts'
import type { RunReport, StreamReport } from './report.ts'
import { formatTable, type TableColumn } from './table.ts'

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

const columns: readonly TableColumn[] = [
  { title: 'stream', align: 'left' },
  { title: 'records', align: 'right' },
  { title: 'new', align: 'right' },
  { title: 'changed', align: 'right' },
  { title: 'known', align: 'right' },
  { title: 'pages', align: 'right' },
  { title: 'requests', align: 'right' },
  { title: 'retries', align: 'right' },
  { title: '429s', align: 'right' },
  { title: 'quota wait', align: 'right' },
  { title: 'rows/s', align: 'right' },
  { title: 'p50', align: 'right' },
  { title: 'p95', align: 'right' },
  { title: 'errors', align: 'right' },
]

/** A run's summary, stream by stream, as lines of text. */
export function formatSummary(report: RunReport, palette: Palette = plainPalette): string[] {
  const marks = {
    done: palette.good('✓'),
    failed: palette.bad('✗'),
    interrupted: palette.warn('‖'),
    running: ' ',
  }
  const table = formatTable(columns, report.streams.map(cells))
  const lines = table.map((line, index) => {
    if (index === 0) return `  ${palette.strong(line)}`
    if (index === 1) return `  ${palette.faint(line)}`
    return `${marks[report.streams[index - 2]!.outcome]} ${line}`
  })
  return [...lines, '', ...notes(report, palette), headline(report, palette)]
}

function cells(stream: StreamReport): string[] {
  return [
    stream.stream,
    formatCount(stream.records),
    formatCount(stream.inserted),
    formatCount(stream.updated),
    formatCount(stream.unchanged),
    formatCount(stream.pages),
    formatCount(stream.requests),
    formatCount(stream.retries),
    formatCount(stream.refused),
    formatSeconds(stream.quotaWaitSeconds),
    formatCount(stream.recordsPerSecond),
    formatMs(stream.latencyMs.p50),
    formatMs(stream.latencyMs.p95),
    formatShare(stream.errorRate),
  ]
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
    return lines.length > 0 ? [...lines, ''] : []
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
  if (report.outcome === 'interrupted') {
    return palette.warn(
      `${text}; interrupted: what was complete is committed, the next run goes on from there`,
    )
  }
  return palette.good(text)
}
