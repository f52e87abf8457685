import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { readPages, root } from './pages.ts'

const pages = readPages()

test('every link between the pages leads to a page and a heading that are there', () => {
  const broken = pages.flatMap(({ path, links, anchors }) =>
    links
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [file = '', anchor] = link.split('#')
        const target = file === '' ? path : relative(root, join(root, dirname(path), file))
        if (!existsSync(root + target)) return true
        const found = file === '' ? anchors : pages.find((page) => page.path === target)?.anchors
        return anchor !== undefined && !found?.has(anchor)
      })
      .map((link) => `${path} → ${link}`),
  )
  expect(broken).toEqual([])
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
