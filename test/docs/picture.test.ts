import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readPages, root } from './pages.ts'

test('the picture of a run shows what the README has as text', () => {
  const svg = readFileSync(`${root}docs/run.svg`, 'utf8')
  const drawn = [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map((match) => match[1]!)
  const [during, summary] = readPages()
    .find(({ path }) => path === 'README.md')!
    .blocks.filter(({ language }) => language === 'text')
    .map(({ text }) => text.split(/\s+/).filter((word) => word !== ''))
  expect(drawn.flatMap((text) => text.split(' '))).toEqual(['$', 'npm', 'start', ...during!, ...summary!])
})
