// Finds the tests that name a row: each comment `// PEERS: <id>` speaks of the test whose title is the next one in its file.
import { readdirSync, readFileSync } from 'node:fs'
import { root } from '../docs/pages.ts'

export interface NamedTest {
  /** The row that it names. */
  readonly id: string
  /** Path below the root: `src/pagination/cursor.test.ts`. */
  readonly file: string
  /** Line of the comment. */
  readonly line: number
  /** Titles of the groups that it is in, and its own, with › between. undefined where no test follows. */
  readonly title: string | undefined
}

interface Title {
  readonly line: number
  readonly indent: number
  readonly text: string
}

// `describe('…'`, `test.each([…])('…'`, and the last line of a table, `])('…'`. Biome keeps the indentation true.
const titles = /^([ \t]*)(?:(?:describe|test|it)\b[^\n]*?\(|\]\)\()\s*(['"`])((?:\\.|(?!\2)[^\\])*)\2/gm
const comments = /^[ \t]*\/\/ PEERS: (.*\S)[ \t]*$/gm

/** The tests of one source that name a row. */
export function namedTests(file: string, source: string): NamedTest[] {
  const lineOf = (index: number) => source.slice(0, index).split('\n').length
  const found: Title[] = [...source.matchAll(titles)].map((match) => ({
    line: lineOf(match.index),
    indent: match[1]!.length,
    text: match[3]!.replaceAll(/\\(.)/g, '$1'),
  }))
  return [...source.matchAll(comments)].map((match) => {
    const line = lineOf(match.index)
    const at = found.findIndex((title) => title.line > line)
    return { id: match[1]!, file, line, title: at < 0 ? undefined : fullTitle(found, at) }
  })
}

/** A title with those of the groups around it, which are known by their lesser indentation. */
function fullTitle(found: readonly Title[], at: number): string {
  const path = [found[at]!.text]
  let indent = found[at]!.indent
  for (let index = at - 1; index >= 0; index--) {
    const title = found[index]!
    if (title.indent < indent) {
      path.unshift(title.text)
      indent = title.indent
    }
  }
  return path.join(' › ')
}

/** Those of all test files. */
export function readNamedTests(): NamedTest[] {
  return ['src', 'test', 'sandbox', 'bench', 'examples'].flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name}`)
      .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
      .sort()
      .flatMap((file) => namedTests(file, readFileSync(root + file, 'utf8'))),
  )
}
