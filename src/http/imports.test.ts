import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

test('the client knows no kind of credential: it is given an authenticator', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  const importing = files.filter((name) =>
    /from '(?:\.\.\/)+(?:src\/)?auth\//.test(readFileSync(`${import.meta.dirname}/${name}`, 'utf8')),
  )
  expect(files.length).toBeGreaterThan(40)
  expect(importing).toEqual([])
})
