// A slice of the fuzz: cases that are the same every time, and some that begin somewhere else each time.
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { chanceOf } from './chance.ts'
import { fuzz } from './fuzz.ts'
import { secretForms } from './leaks.ts'
import { pieces } from './texts.ts'
import { validPipeline } from './valid-pipeline.ts'

const otherSeed = randomInt(1_000_000_000)

/** How many of the numbers from 0 on are played, and of which kinds: the share of each kind among a thousand numbers is its own. */
const slices = [
  { kinds: ['parsers'], cases: 4000 },
  { kinds: ['configs'], cases: 4000 },
  { kinds: ['responses'], cases: 4000 },
  { kinds: ['secrets'], cases: 4000 },
  { kinds: ['wire'], cases: 10_000 },
]

test.each(slices.flatMap((slice) => [1, otherSeed].map((seed) => ({ ...slice, seed }))))(
  'nothing crashes, hangs or gives a secret away: $kinds of $cases numbers, seed $seed',
  async ({ kinds, cases, seed }) => {
    const { played, findings } = await fuzz({ seed, from: 0, cases, kinds, batch: cases })
    const told = findings.map(
      ({ caseNumber, problem }) => `npm run fuzz -- --seed ${seed} --case ${caseNumber}\n${problem}`,
    )
    expect(told.join('\n\n')).toBe('')
    expect(played).toBeGreaterThanOrEqual(10)
  },
  60_000,
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
