// The documentation as the tests see it: pages, their fenced blocks, headings and links.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Block {
  /** As in `docs/parts.md:12`. */
  readonly place: string
  readonly language: string
  readonly text: string
  /** What the comment before the block asks the tests to do, as in `<!-- test: stream -->`. */
  readonly note: string | undefined
  /** The text of a `text` block that follows at once: what the example prints. */
  readonly prints: string | undefined
}

export interface Page {
  /** Path below the root: `docs/guide.md`. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  readonly anchors: ReadonlySet<string>
  /** Targets of links, as written. */
  readonly links: readonly string[]
}

export function readPages(): Page[] {
  const docs = readdirSync(`${root}docs`).filter((name) => name.endsWith('.md'))
  const others = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md']
  return [...others, ...docs.map((name) => `docs/${name}`)].map((path) =>
    parsePage(path, readFileSync(root + path, 'utf8')),
  )
}

export function parsePage(path: string, text: string): Page {
  const blocks: Block[] = []
  const prose: string[] = []
  const lines = text.split('\n')
  let note: string | undefined
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!
    const fence = /^(\s*)```(\w*)\s*$/.exec(line)
    if (fence === null) {
      const asked = /^<!-- test: (.+?) -->$/.exec(line)
      if (asked) note = asked[1]
      else if (line.trim() !== '') note = undefined
      prose.push(line)
      continue
    }
    const start = index + 1
    index = lines.findIndex((each, at) => at >= start && each.trim() === '```')
    if (index < 0) throw new Error(`${path}:${start} is a block without an end`)
    const body = lines.slice(start, index).map((each) => each.slice(fence[1]!.length))
    blocks.push({
      place: `${path}:${start}`,
      language: fence[2]!,
      text: `${body.join('\n')}\n`,
      note,
      prints: printed(lines, index),
    })
    note = undefined
  }
  const plain = prose.join('\n')
  const headings = prose.flatMap((line) => /^#{1,6} (.+)$/.exec(line)?.[1] ?? [])
  return {
    path,
    text,
    blocks,
    anchors: anchorsOf(headings),
    links: [...withoutCode(plain).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!),
  }
}

/** A `text` block right behind the block that ends at `end`. */
function printed(lines: readonly string[], end: number): string | undefined {
  const next = lines.findIndex((line, at) => at > end && line.trim() !== '')
  if (next < 0 || lines[next] !== '```text') return undefined
  const close = lines.findIndex((line, at) => at > next && line === '```')
  return lines.slice(next + 1, close).join('\n')
}

function withoutCode(text: string): string {
  return text.replace(/`[^`\n]*`/g, '')
}

/** Headings of one text are told apart by a number: `#notes`, `#notes-1`. */
function anchorsOf(headings: readonly string[]): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const anchor of headings.map(anchorOf)) {
    let free = anchor
    for (let n = 1; anchors.has(free); n++) free = `${anchor}-${n}`
    anchors.add(free)
  }
  return anchors
}

/** The anchor of a heading, as renderers of Markdown make it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
