import { expect, test } from 'vitest'
import { ConfigError, InterruptedError } from '../errors.ts'
import { QuotaPausedError, RateLimitedError } from '../http/errors.ts'
import { exitCodeOf } from './exit-code.ts'

test('what has no room within a quota, and says when it has some, ends with 75, whichever command it stopped', () => {
  expect(exitCodeOf(new QuotaPausedError('desk', '1 requests per 1d', 86_400_000, 60_000))).toBe(75)
  expect(exitCodeOf(new RateLimitedError('429', 86_400_000, 60_000))).toBe(75)
})

test('a wrong config ends with 2, an interruption with 130, anything else with 1', () => {
  expect(exitCodeOf(new ConfigError('a', 'b'))).toBe(2)
  expect(exitCodeOf(new InterruptedError())).toBe(130)
  expect(exitCodeOf(new Error('x'))).toBe(1)
})
