// A slice of `npm run shift`: the same seeds every time, and a batch that begins somewhere else each time.
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { anchoredReaders, plainReaders } from './read-shifting.ts'
import { sumOf } from './table.ts'

const fixedSeeds = 1000
const otherSeeds = 250
const otherStart = randomInt(1_000_000, 1_000_000_000)

test.each(anchoredReaders.map((reader, number) => [reader.says, reader, number] as const))(
  'whatever is inserted, deleted or updated meanwhile, every record that stays has one row: %s',
  async (_says, reader, number) => {
    const problems: string[] = []
    const tell = (seed: number, problem: string) => {
      problems.push(`${problem}\nreplay it with: npm run shift -- --seed ${seed} --reader ${number}`)
    }
    const fixed = await sumOf(reader, 0, fixedSeeds, tell)
    const other = await sumOf(reader, otherStart, otherSeeds, tell)
    expect(problems.join('\n')).toBe('')
    expect(fixed.lost + other.lost).toBe(0)
    expect(fixed.doubled + other.doubled).toBe(0)
    expect(fixed.lasting).toBeGreaterThan(10 * fixedSeeds)
  },
  120_000,
)

test.each(plainReaders.map((reader) => [reader.says, reader] as const))(
  'the same lists lose records to a reader that counts alone: %s',
  async (_says, reader) => {
    const sum = await sumOf(reader, 0, fixedSeeds, () => {})
    expect(sum.lost).toBeGreaterThan(fixedSeeds / 2)
    expect(sum.repeated).toBeGreaterThan(fixedSeeds / 2)
  },
)
