import { expect, test } from 'vitest'
import { Faults, faultRate } from './faults.ts'

test('a rate has a name or is a number from 0 to 1', () => {
  expect(['none', 'some', 'many', '0.5', 1].map(faultRate)).toEqual([0, 0.02, 0.15, 0.5, 1])
})

test.each(['lots', '', '1.5', -1])('a rate of %j is refused with what is allowed', (value) => {
  expect(() => faultRate(value)).toThrow(
    `faults must be none, some, many or a number from 0 to 1, not ${JSON.stringify(value)}`,
  )
})

test('the same seed gives the same faults for a URL, whatever was asked in between', () => {
  const kinds = ['reset', 'slow', 'throttle'] as const
  const alone = new Faults(4, 0.5)
  const among = new Faults(4, 0.5)
  const first = Array.from({ length: 40 }, () => alone.next('/a', kinds))
  const second = Array.from({ length: 40 }, () => {
    among.next('/b', kinds)
    return among.next('/a', kinds)
  })
  expect(second).toEqual(first)
  expect(new Set(first).size).toBeGreaterThan(2)
})

test('at a rate of 1 a URL still works at the third time of asking', () => {
  const faults = new Faults(1, 1)
  const results = Array.from({ length: 9 }, () => faults.next('/a', ['reset']))
  expect(results).toEqual([
    'reset',
    'reset',
    undefined,
    'reset',
    'reset',
    undefined,
    'reset',
    'reset',
    undefined,
  ])
})

test('the share of requests that fail is near the rate', () => {
  const faults = new Faults(2, 0.15)
  const failed = Array.from({ length: 5_000 }, (_, i) => faults.next(`/page/${i}`, ['reset'])).filter(Boolean)
  expect(failed.length / 5_000).toBeCloseTo(0.15, 1)
})

test('a token is not revoked again before ten requests went well', () => {
  const faults = new Faults(3, 1)
  const kinds = Array.from({ length: 60 }, (_, i) => faults.next(`/page/${i}`, ['revoke']))
  const at = kinds.flatMap((kind, i) => (kind ? [i] : []))
  expect(at.length).toBeGreaterThan(3)
  for (let i = 1; i < at.length; i++) expect((at[i] as number) - (at[i - 1] as number)).toBeGreaterThan(10)
})

test('a forced fault strikes what matches, as often as it was told, at a rate of 0 too', () => {
  const faults = new Faults(1, 0)
  faults.force('/pay', 'html', 2)
  expect(['/desk', '/pay/1', '/pay/2', '/pay/3'].map((url) => faults.next(url, []))).toEqual([
    undefined,
    'html',
    'html',
    undefined,
  ])
})
