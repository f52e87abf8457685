import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { parsePage, readPages, root } from './pages.ts'

const pages = readPages()
/** The change log, and what stands beside the code. */
const others = [
  'CHANGELOG.md',
  ...['src', 'test', 'sandbox', 'examples', 'bench'].flatMap(markdownBelow),
].map((path) => parsePage(path, readFileSync(root + path, 'utf8')))
const everywhere = [...pages, ...others]

function markdownBelow(folder: string): string[] {
  return readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
}

test('every link between the pages leads to a page and a heading that are there', () => {
  const broken = everywhere.flatMap(({ path, links, anchors }) =>
    links
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [file = '', anchor] = link.split('#')
        const target = file === '' ? path : relative(root, join(root, dirname(path), file))
        if (!existsSync(root + target)) return true
        const found = file === '' ? anchors : everywhere.find((page) => page.path === target)?.anchors
        return anchor !== undefined && !found?.has(anchor)
      })
      .map((link) => `${path} → ${link}`),
  )
  expect(broken).toEqual([])
})

test('a link leads to the page of a subject, not to a section of another page that sends the reader on', () => {
  const names = new Set(pages.map(({ path }) => basename(path, '.md')))
  // The reference has the options of each subject, under its name.
  const roundabout = everywhere.flatMap(({ path, links }) =>
    links
      .filter((link) => !/(^|reference\.md)#/.test(link) && names.has(link.split('#')[1] ?? ''))
      .map((link) => `${path} → ${link}`),
  )
  expect(roundabout).toEqual([])
})

test('every page of docs/ can be reached from the README', () => {
  const linked = new Set(
    pages.find(({ path }) => path === 'README.md')!.links.map((link) => link.split('#')[0]),
  )
  expect(
    pages.map(({ path }) => path).filter((path) => path.startsWith('docs/') && !linked.has(path)),
  ).toEqual([])
})

test('every file that the pages name in code is there', () => {
  const missing = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/`((?:src|docs|test|bench|sandbox|examples|scripts)\/[\w./-]+)`/g)]
      .map((match) => match[1]!)
      .filter((name) => !existsSync(root + name))
      .map((name) => `${path} → ${name}`),
  )
  expect(missing).toEqual([])
})
