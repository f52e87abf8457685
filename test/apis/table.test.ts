import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { root } from '../docs/pages.ts'
import { documentedSources } from './harness.ts'

const page = readFileSync(`${root}docs/apis.md`, 'utf8')
const services = [...page.matchAll(/^\| \[([^\]]+)\]\(#([^)]+)\)/gm)].map(([, name, anchor]) => ({
  name: name!,
  anchor: anchor!,
}))

test.each(services)('$name has a section with a pipeline, and a test', ({ name, anchor }) => {
  expect(Object.keys(documentedSources(name))).not.toEqual([])
  expect(existsSync(`${root}test/apis/${anchor}.test.ts`)).toBe(true)
})

test('every section has its row', () => {
  const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, name]) => name)
  expect(services.map(({ name }) => name).toSorted()).toEqual(sections.toSorted())
})

test('twenty-five services are documented', () => {
  expect(services).toHaveLength(25)
})
