import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readPages, root } from './pages.ts'

/** The codes, read from where they are declared: types are gone when a test runs. */
const declared = [
  ...(
    /type ErrorCode =([\s\S]*?)\n\n/.exec(readFileSync(`${root}src/errors.ts`, 'utf8'))?.[1] ?? ''
  ).matchAll(/'([A-Z_]+)'/g),
].map((match) => match[1]!)

test('every error code is documented, once, and no other is', () => {
  const page = readPages().find(({ path }) => path === 'docs/errors.md')!
  const documented = [...page.text.matchAll(/^\| `([A-Z_]+)` +\|/gm)].map((match) => match[1]!)
  expect(declared.length).toBeGreaterThan(20)
  expect([...documented].sort()).toEqual([...declared].sort())
})

test('every error code belongs to an error class that is thrown somewhere', () => {
  const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(`${root}src/${name}`, 'utf8'))
  const classesOf = (code: string) =>
    sources.flatMap((text) =>
      [...text.matchAll(/export class (\w+) extends SluiceError \{([\s\S]*?)\n\}/g)]
        .filter((match) => match[2]!.includes(`code = '${code}'`))
        .map((match) => match[1]!),
    )
  const idle = declared.filter(
    (code) => !classesOf(code).some((name) => sources.some((text) => text.includes(`new ${name}(`))),
  )
  expect(idle).toEqual([])
})
