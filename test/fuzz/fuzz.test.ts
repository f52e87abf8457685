// A slice of the fuzz: cases that are the same every time, and some that begin somewhere else each time.
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { chanceOf } from './chance.ts'
import { fuzz } from './fuzz.ts'
import { secretForms } from './leaks.ts'
import { pieces } from './texts.ts'
import { validPipeline } from './valid-pipeline.ts'

const otherSeed = randomInt(1_000_000_000)

/** Of all kinds, as they are mixed; a thread takes longer to begin than to play a thousand of them. */
const cases = 6000

test.each([1, otherSeed])(
  'nothing crashes, hangs or gives a secret away (6000 cases of seed %i)',
  async (seed) => {
    const { counts, findings } = await fuzz({ seed, from: 0, cases, batch: cases })
    const told = findings.map(
      ({ caseNumber, problem }) => `npm run fuzz -- --seed ${seed} --case ${caseNumber}\n${problem}`,
    )
    expect(told.join('\n\n')).toBe('')
    expect(Object.keys(counts).sort()).toEqual(['configs', 'parsers', 'responses', 'secrets', 'wire'])
  },
  120_000,
)

test('a case is the same each time that it is drawn', () => {
  const draw = () => {
    const chance = chanceOf(17, 4)
    return JSON.stringify([validPipeline(chance), pieces(chance, ['a', 'b'])])
  }
  expect(draw()).toBe(draw())
})

test('a secret is looked for as it is, in URLs, in JSON and in base64', () => {
  const { forms } = secretForms('KEY', 'pa"ss wo/rd')
  const found = (text: string) => forms.some((form) => text.includes(form))
  expect(found('?key=pa%22ss%20wo%2Frd')).toBe(true)
  expect(found(JSON.stringify({ key: 'pa"ss wo/rd' }))).toBe(true)
  expect(found(Buffer.from('user:pa"ss wo/rd').toString('base64'))).toBe(true)
  expect(found('pa"ss')).toBe(false)
})
