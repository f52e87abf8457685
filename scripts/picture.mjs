// Draws a terminal's text, colours included, as an SVG: `node scripts/picture.mjs < capture.txt > docs/run.svg`.
// A capture: `script -qfc "npm start" capture.txt`, of which the lines to show are kept, with their escape sequences.
import { readFileSync } from 'node:fs'

const cell = { width: 8.4, height: 19 }
const margin = { side: 20, top: 46, bottom: 18 }
/** Select Graphic Rendition codes (ECMA-48) that the command line uses. */
const styles = { 1: 'b', 2: 'd', 31: 'r', 32: 'g', 33: 'y' }

const lines = readFileSync(0, 'utf8').replaceAll('\r', '').trimEnd().split('\n').map(cellsOf)
const columns = Math.max(...lines.map((cells) => cells.length))
const width = Math.ceil(columns * cell.width + 2 * margin.side)
const height = lines.length * cell.height + margin.top + margin.bottom

const text = lines.flatMap((cells, row) =>
  runsOf(cells).map(({ column, style, text }) => {
    const x = (margin.side + column * cell.width).toFixed(1)
    const y = margin.top + row * cell.height + 14
    // Fonts differ in the width of what they draw: each run is fitted to its cells.
    const length = (text.length * cell.width).toFixed(1)
    const kind = style === '' ? '' : ` class="${style}"`
    return `<text x="${x}" y="${y}" textLength="${length}"${kind}>${escaped(text)}</text>`
  }),
)

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="A run of the example, in a terminal">
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d6deeb;white-space:pre}.b{font-weight:700}.d{fill:#7f8ba0}.r{fill:#ff7b72}.g{fill:#7ee787}.y{fill:#f2cc60}</style>
<rect width="${width}" height="${height}" rx="10" fill="#0d1420"/>
<circle cx="22" cy="20" r="6" fill="#ff5f57"/><circle cx="42" cy="20" r="6" fill="#febc2e"/><circle cx="62" cy="20" r="6" fill="#28c840"/>
${text.join('\n')}
</svg>
`)

/** A line's characters, each with its style. */
function cellsOf(line) {
  const cells = []
  let style = ''
  for (const [piece, code] of line.matchAll(/\u001b\[([\d;]*)m|./gu)) {
    if (code === undefined) cells.push({ character: piece, style })
    else style = styles[code] ?? ''
  }
  return cells
}

/** Neighbours of one style, without the gaps of two spaces or more between columns. */
function runsOf(cells) {
  const runs = []
  for (const [column, { character, style }] of cells.entries()) {
    const last = runs.at(-1)
    if (last !== undefined && last.style === style && last.column + last.text.length === column) {
      last.text += character
    } else runs.push({ column, style, text: character })
  }
  return runs.flatMap(({ column, style, text }) =>
    [...text.matchAll(/\S+(?: \S+)*/g)].map((match) => ({
      column: column + match.index,
      style,
      text: match[0],
    })),
  )
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
