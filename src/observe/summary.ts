import { clipList, clipMiddle, nameWidth, withoutName } from './clip.ts'
import { formatCount, formatCounted, formatMs, formatSeconds, formatShare } from './format.ts'
import { problemText } from './log-line.ts'
import type { QuotaReport } from './quota-counts.ts'
import type { RunReport, SideReport, StreamReport } from './report.ts'
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
  /** What it says of a side table; nothing by default. */
  readonly side?: (side: SideReport) => string
}

const rowColumns: readonly Column[] = [
  { title: 'records', cell: ({ records }) => formatCount(records) },
  ...counted('new', ({ inserted }) => inserted),
  ...counted('changed', ({ updated }) => updated),
  ...counted('known', ({ unchanged }) => unchanged),
  { title: 'rows/s', cell: ({ recordsPerSecond }) => formatCount(recordsPerSecond) },
]
const requestColumns: readonly Column[] = [
  { title: 'pages', cell: ({ pages }) => formatCount(pages) },
  { title: 'requests', cell: ({ requests }) => formatCount(requests) },
  { title: 'retries', cell: ({ retries }) => formatCount(retries) },
  { title: 'refused', cell: ({ refused }) => formatCount(refused) },
  {
    title: 'quota wait',
    cell: ({ quotaWaitSeconds }) => (quotaWaitSeconds === 0 ? '–' : formatSeconds(quotaWaitSeconds)),
  },
  { title: 'p50', cell: ({ latencyMs }) => formatMs(latencyMs.p50) },
  { title: 'p95', cell: ({ latencyMs }) => formatMs(latencyMs.p95) },
  { title: 'errors', cell: ({ errorRate }) => formatShare(errorRate) },
]
/** Only where rows were removed. */
const goneColumns = counted('gone', ({ deleted }) => deleted)

function counted(title: string, count: (of: StreamReport | SideReport) => number): Column[] {
  const cell = (of: StreamReport | SideReport) => formatCount(count(of))
  return [{ title, cell, side: cell }]
}

/** The mark and the space before each line. */
const indent = 2

/**
 * A run's summary, stream by stream, as lines of text. Figures that do not fit within `width` columns (default: any number) stand below
 * the others in tables of their own.
 */
export function formatSummary(
  report: RunReport,
  palette: Palette = plainPalette,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const tables = tablesWithin(report, palette, width)
  return [
    ...tables.flatMap(({ lines }) => [...lines, '']),
    ...notes(report, palette),
    ...problems(report, palette),
    ...quotaLines(report.quotas, palette),
    headline(report, palette),
  ]
}

/** All figures in one table where they fit, else those of the rows and those of the requests, else as many side by side as fit. */
function tablesWithin(report: RunReport, palette: Palette, width: number) {
  const draw = (columns: readonly Column[]) => statsTable(report, columns, palette, width)
  const removed = report.streams.some(({ deleted, sides }) =>
    [{ deleted }, ...sides].some((of) => of.deleted > 0),
  )
  const ofRows = removed ? [...rowColumns.slice(0, -1), ...goneColumns, ...rowColumns.slice(-1)] : rowColumns
  const all = [...ofRows, ...requestColumns]
  for (const groups of [[all], [ofRows, requestColumns]]) {
    const tables = groups.map(draw)
    if (tables.every((table) => table.width <= width)) return tables
  }
  const groups: Column[][] = []
  for (const column of all) {
    const group = groups.at(-1)
    if (group === undefined || draw([...group, column]).width > width) groups.push([column])
    else group.push(column)
  }
  return groups.map(draw)
}

function statsTable(
  { streams }: RunReport,
  columns: readonly Column[],
  palette: Palette,
  width: number,
): { readonly lines: readonly string[]; readonly width: number } {
  const rows = streams.flatMap((stream) => [
    { name: stream.stream, mark: stream.outcome, cells: columns.map(({ cell }) => cell(stream)) },
    ...sideRows(stream, columns),
  ])
  const shown = nameWidth(
    rows.map(({ name }) => name),
    width,
  )
  const table = formatTable(
    [{ title: 'stream', align: 'left' }, ...columns.map(({ title }) => ({ title, align: 'right' as const }))],
    rows.map(({ name, cells }) => [clipMiddle(name, shown), ...cells]),
  )
  const marks = {
    done: palette.good('✓'),
    failed: palette.bad('✗'),
    interrupted: palette.warn('‖'),
    paused: palette.warn('‖'),
    running: ' ',
  }
  const lines = table.map((line, index) => {
    if (index === 0) return `  ${palette.strong(line)}`
    if (index === 1) return `  ${palette.faint(line)}`
    return `${marks[rows[index - 2]!.mark]} ${line}`
  })
  // The rule below the titles is as wide as the table.
  return { lines, width: indent + table[1]!.length }
}

/** A stream's side tables, where a column says anything of them. */
function sideRows({ sides }: StreamReport, columns: readonly Column[]) {
  if (!columns.some(({ side }) => side !== undefined)) return []
  return sides.map((of) => ({
    name: `  ${of.table}`,
    mark: 'running' as const,
    cells: columns.map(({ side }) => side?.(of) ?? ''),
  }))
}

function notes(report: RunReport, palette: Palette): string[] {
  return report.streams.flatMap((stream) => {
    const lines: string[] = []
    if (stream.error !== null) {
      const stopped =
        stream.pausedUntil === null
          ? palette.bad(`${stream.stream} failed (${stream.error.code})`)
          : palette.warn(`${stream.stream} is paused until ${stream.pausedUntil} (${stream.error.code})`)
      lines.push(stopped, `  ${withoutName(stream.stream, stream.error.message)}`)
    }
    const rejected = stream.sides.reduce((sum, side) => sum + side.rejected, stream.rejected)
    if (rejected > 0) {
      lines.push(
        palette.warn(
          `${stream.stream}: ${formatCounted(rejected, 'record')} rejected, kept in _sluice_rejects`,
        ),
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

/** All limits of which something is to be said: of requests in flight only that they were waited for. */
function quotaLines(quotas: readonly QuotaReport[], palette: Palette): string[] {
  const lines = quotas
    .filter(
      ({ kind, granted, refused, waitedSeconds, pausedUntil }) =>
        kind === 'reported' || granted !== null || refused > 0 || waitedSeconds > 0 || pausedUntil !== null,
    )
    .map((one) => palette.faint(quotaText(one, quotas)))
  return lines.length > 0 ? [...lines, ''] : []
}

/**
 * As in `desk, 700 requests per 1m: 6,930 of 7,000 used (99 %), none refused, 12 m 03 s waited`.
 * @param among the limits that it is to be told apart from: two endpoints may have limits of the same words
 */
export function quotaText(one: QuotaReport, among: readonly QuotaReport[] = []): string {
  const { sources, streams, quota, kind, used, refused, waitedSeconds, pausedUntil } = one
  const ambiguous = among.some(
    (other) => other !== one && other.quota === quota && other.sources.some((of) => sources.includes(of)),
  )
  const whose = ambiguous && streams.length > 0 ? streams : sources
  const parts = [
    ...(kind === 'found' ? [] : [amountText(one)]),
    // Of what nobody tells, and of a limit that no request was counted in, waiting is all that there is to say.
    ...(used === 0 && refused === 0 ? [] : [refusedText(one)]),
    waitedSeconds === 0 ? 'no wait' : `${formatSeconds(waitedSeconds)} waited`,
    ...(pausedUntil === null ? [] : [`no room before ${pausedUntil}`]),
  ]
  return `${clipList(whose, shownNames)}, ${quota}: ${parts.filter(Boolean).join(', ')}`
}

const shownNames = 3

function amountText({ granted, used, shared }: QuotaReport): string {
  if (used === 0) return ''
  if (granted === null) return `${formatCount(used)} used`
  const of = `${formatCount(used)} of ${formatCount(granted)} used`
  return shared ? `${of} here, shared with other processes` : `${of} (${formatShare(used / granted)})`
}

function refusedText({ kind, refused }: QuotaReport): string {
  if (refused > 0) return `${formatCount(refused)} refused`
  return kind === 'found' ? 'none refused, as found by an earlier run' : 'none refused'
}

function headline(report: RunReport, palette: Palette): string {
  const fresh = report.streams.reduce((sum, { inserted }) => sum + inserted, 0)
  const changed = report.streams.reduce((sum, { updated }) => sum + updated, 0)
  const gone = report.streams.reduce((sum, { deleted }) => sum + deleted, 0)
  const failed = report.streams.filter(({ outcome }) => outcome === 'failed').length
  const told =
    fresh + changed === 0 ? 'nothing new' : `${formatCount(fresh)} new, ${formatCount(changed)} changed`
  const what = gone === 0 ? told : `${told}, ${formatCount(gone)} gone`
  const text = `${report.pipeline}: ${formatCounted(report.records, 'record')} read in ${formatSeconds(report.seconds)}, ${what}`
  if (failed > 0) return palette.bad(`${text}; ${failed} of ${report.streams.length} streams failed`)
  if (report.outcome === 'failed') return palette.bad(`${text}; the run failed at its end`)
  if (report.outcome === 'interrupted') {
    return palette.warn(
      `${text}; interrupted: what was complete is committed, the next run goes on from there`,
    )
  }
  if (report.pausedUntil !== null) {
    return palette.warn(
      `${text}; paused until ${report.pausedUntil}: what was complete is committed, a run from then on goes on`,
    )
  }
  return palette.good(text)
}
