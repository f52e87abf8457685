import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { grantedPlaces, type PlaceHolder } from './place-share.ts'

const holder = (amount: number, wanted = amount, since = 0): PlaceHolder => ({ amount, wanted, since })
const granted = (
  concurrent: number,
  { held = 0, wanted }: { held?: number; wanted: number },
  own: PlaceHolder | undefined,
  others: readonly PlaceHolder[],
  now = 10_000,
) => grantedPlaces({ concurrent, held, wanted }, own, others, now).granted

describe('places of requests in flight', () => {
  test('who is alone gets all that are wanted', () => {
    expect(granted(5, { wanted: 3 }, undefined, [])).toBe(3)
    expect(granted(5, { wanted: 9 }, undefined, [])).toBe(5)
  })
  test('who asks while nobody waits gets what is free', () => {
    expect(granted(5, { wanted: 9 }, undefined, [holder(4)])).toBe(1)
  })
  test('who holds more than its share is asked for what another needs for its own', () => {
    expect(granted(6, { held: 6, wanted: 6 }, holder(6), [holder(0, 2)])).toBe(4)
    expect(granted(6, { held: 6, wanted: 6 }, holder(6), [holder(0, 9)])).toBe(3)
  })
  test('what is asked back counts until it is given back', () => {
    const grant = grantedPlaces({ concurrent: 6, held: 6, wanted: 6 }, holder(6), [holder(0, 9)], 0)
    expect(grant).toMatchObject({ granted: 3, amount: 6 })
    expect(granted(6, { wanted: 9 }, holder(0, 9), [holder(6, 6)])).toBe(0)
  })
  test('an odd place stays with who has it', () => {
    expect(granted(5, { held: 3, wanted: 9 }, holder(3, 9), [holder(2, 9)])).toBe(3)
    expect(granted(5, { held: 2, wanted: 9 }, holder(2, 9), [holder(3, 9)])).toBe(2)
  })
  test('where there are fewer than processes, each holds one for a turn, and who has waited longest is next', () => {
    const waiting = [holder(0, 1, 5000), holder(0, 1, 6000)]
    expect(granted(1, { held: 1, wanted: 1 }, holder(1, 1, 9500), waiting)).toBe(1)
    expect(granted(1, { held: 1, wanted: 1 }, holder(1, 1, 9000), waiting)).toBe(0)
    expect(granted(1, { wanted: 1 }, holder(1, 1, 1000), waiting)).toBe(0)
    expect(granted(1, { wanted: 1 }, waiting[1], [waiting[0]!])).toBe(0)
    expect(granted(1, { wanted: 1 }, waiting[0], [waiting[1]!])).toBe(1)
  })

  test('Q1: whoever asks, in whatever order, there are never more in use than there are', () => {
    const step = fc.record({
      who: fc.nat({ max: 3 }),
      keeps: fc.nat({ max: 9 }),
      wanted: fc.nat({ max: 9 }),
      afterMs: fc.nat({ max: 900 }),
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 60 }), (concurrent, steps) => {
        const known = new Map<number, PlaceHolder>()
        let now = 0
        for (const { who, keeps, wanted, afterMs } of steps) {
          now += afterMs
          const own = known.get(who)
          const held = Math.min(keeps, own?.amount ?? 0)
          const others = [...known].filter(([other]) => other !== who).map(([, other]) => other)
          const grant = grantedPlaces({ concurrent, held, wanted: Math.max(held, wanted) }, own, others, now)
          expect(grant.granted).toBeGreaterThanOrEqual(0)
          known.set(who, grant)
          const used = [...known.values()].reduce((sum, { amount }) => sum + amount, 0)
          expect(used).toBeLessThanOrEqual(concurrent)
        }
      }),
    )
  })
})
