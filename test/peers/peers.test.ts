import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { root } from '../docs/pages.ts'
import { namedTests, readNamedTests } from './named-tests.ts'
import { peersPage } from './page.ts'
import { isOpen, parts } from './rows.ts'

const rows = parts.flatMap((part) => part.rows)
const tests = readNamedTests()
const named = new Set(tests.map(({ id }) => id))

describe('what other tools have', () => {
  test('each row is there once', () => {
    const ids = rows.map(({ id }) => id)
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
  })

  test('each row is named by a test, or says why by none', () => {
    const unnamed = rows.filter((row) => !isOpen(row) && !named.has(row.id)).map(({ id }) => id)
    expect(unnamed).toEqual([])
  })

  test('a row that says why it is not covered is named by no test, and gives a reason', () => {
    const open = rows.filter(isOpen)
    expect(open.filter(({ id }) => named.has(id)).map(({ id }) => id)).toEqual([])
    const reasonless = open.filter(({ why }) => !/^(Planned|Not yet|Left out|Not a test)\b.{10}/.test(why))
    expect(reasonless).toEqual([])
  })

  test('each comment names a row that is there, above a test', () => {
    const ids = new Set(rows.map(({ id }) => id))
    const lost = tests
      .filter(({ id, title }) => !ids.has(id) || title === undefined)
      .map(({ id, file, line }) => `${file}:${line} ${id}`)
    expect(lost).toEqual([])
  })

  test('each covered row leads to a page of the documentation', () => {
    const lost = rows.filter(
      (row) => !isOpen(row) && !existsSync(`${root}docs/${row.docs.replace(/#.*/, '')}`),
    )
    expect(lost).toEqual([])
  })

  test('docs/peers.md is what `npm run docs` writes', () => {
    expect(readFileSync(`${root}docs/peers.md`, 'utf8')).toBe(peersPage(parts, tests))
  })
})

describe('a comment', () => {
  // Written apart, so that these lines name no row of this file's own.
  const mark = (id: string) => `// ${'PEERS'}: ${id}`

  test('speaks of the next test, within its groups', () => {
    const source = [
      "describe('a list', () => {",
      "  test('before', () => {})",
      `  ${mark('one')}`,
      `  ${mark('two')}`,
      "  test('has an end', () => {})",
      '})',
    ].join('\n')
    expect(namedTests('a.test.ts', source)).toEqual([
      { id: 'one', file: 'a.test.ts', line: 3, title: 'a list › has an end' },
      { id: 'two', file: 'a.test.ts', line: 4, title: 'a list › has an end' },
    ])
  })

  test('may stand in or above the table of a test, or above the data behind it', () => {
    const inTable = ['test.each([', `  ${mark('one')}`, "  ['a', 'b'],", "])('it\\'s %s', () => {})"]
    expect(namedTests('a.test.ts', inTable.join('\n'))[0]?.title).toBe("it's %s")
    const above = [mark('one'), 'const all = []', "test.each(['a', 'b'])('%s', () => {})"]
    expect(namedTests('a.test.ts', above.join('\n'))[0]?.title).toBe('%s')
    const broken = [mark('one'), 'test.each(all)(', '  `of all`,', '  () => {},', ')']
    expect(namedTests('a.test.ts', broken.join('\n'))[0]?.title).toBe('of all')
  })

  test('behind the last test speaks of none', () => {
    expect(namedTests('a.test.ts', `test('a', () => {})\n${mark('one')}\n`)[0]?.title).toBeUndefined()
  })
})
