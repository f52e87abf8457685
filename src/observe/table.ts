export interface TableColumn {
  readonly title: string
  readonly align: 'left' | 'right'
}

/** Rows as aligned text. Cells are plain; `style` colours one after it has been padded. */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  style: (text: string, row: number, column: number) => string = (text) => text,
): string[] {
  const widths = columns.map(({ title }, column) =>
    Math.max(title.length, ...rows.map((row) => [...(row[column] ?? '')].length)),
  )
  const pad = (text: string, column: number): string => {
    const gap = ' '.repeat(Math.max(0, widths[column]! - [...text].length))
    return columns[column]!.align === 'right' ? gap + text : text + gap
  }
  const header = columns
    .map(({ title }, column) => pad(title, column))
    .join('  ')
    .trimEnd()
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  const body = rows.map((row, index) =>
    columns
      .map((_, column) => style(pad(row[column] ?? '', column), index, column))
      .join('  ')
      .trimEnd(),
  )
  return [header, rule, ...body]
}
