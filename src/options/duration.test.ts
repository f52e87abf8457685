import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from './duration.ts'
import { size } from './size.ts'

test('a duration is written in the largest unit that says it in whole numbers', () => {
  expect([600_000, 90_000, 1500, 86_400_000, 7_200_000, 0, 1].map(formatDuration)).toEqual([
    '10m',
    '90s',
    '1500ms',
    '1d',
    '2h',
    '0ms',
    '1ms',
  ])
})

test('what is written is read as the same', () => {
  for (const ms of [1, 999, 1000, 61_000, 3_600_000, 604_800_000])
    expect(parseDuration(formatDuration(ms))).toBe(ms)
})

test('a duration of more digits than a number holds is none', () => {
  expect(parseDuration(`${'9'.repeat(400)}s`)).toBeUndefined()
  expect(size.safeParse(`${'9'.repeat(400)}KB`).success).toBe(false)
})
