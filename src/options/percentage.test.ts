import { expect, test } from 'vitest'
import { percentage } from './percentage.ts'

test('a share is written with a percent sign, above 0 and up to 100', () => {
  const read = (text: string) => percentage.parse(text)
  expect(['20%', '0.5 %', '100%', '033%'].map(read)).toEqual([20, 0.5, 100, 33])
})

test('anything else is refused, and the message quotes it', () => {
  for (const given of ['0%', '100.1%', '20', '-5%', 'all', '999%', 20]) {
    const { error } = percentage.safeParse(given)
    expect(error?.issues.map(({ message }) => message)).toEqual([
      `${JSON.stringify(given)} is no share: write a number above 0 and up to 100 with a percent sign, as in "20%"`,
    ])
  }
})
