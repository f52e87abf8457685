import { expect, test } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { startInstant, startOption } from './start.ts'

const clock = fakeClock({ start: Date.parse('2026-02-10T12:00:00Z') })

// PEERS: dlt incremental initial_value
// PEERS: Airbyte MinMaxDatetime
test('a start is a date, a time, or so long before now', () => {
  expect(startInstant(startOption.parse('2024-01-31'), clock)).toBe('2024-01-31T00:00:00Z')
  expect(startInstant(startOption.parse('2024-01-31T09:30:00+01:00'), clock)).toBe('2024-01-31T08:30:00Z')
  expect(startInstant(startOption.parse('36h'), clock)).toBe('2026-02-09T00:00:00Z')
  expect(startInstant(startOption.parse('31d'), clock)).toBe('2026-01-10T12:00:00Z')
})

test('an option that is no time says how to write one', () => {
  expect(startOption.safeParse('last week').error?.issues[0]?.message).toBe(
    '"last week" is no time: write an ISO date or time, as in "2024-01-31" or "2024-01-31T09:30:00Z", or how long before now, as in "30d"',
  )
})
