import { expect, test } from 'vitest'
import { Cushion } from './cushion.ts'

test('each refusal leaves a place more to others, up to a fortieth of the budget', () => {
  const cushion = new Cushion()
  const sizes = Array.from({ length: 7 }, () => {
    cushion.sawRefusal(1, 200)
    return cushion.size
  })
  expect(sizes).toEqual([1, 2, 3, 4, 5, 5, 5])
})

test('one place is left of a budget of forty, and none of a smaller one', () => {
  const [forty, small, untold] = [new Cushion(), new Cushion(), new Cushion()]
  forty.sawRefusal(1, 40)
  forty.sawRefusal(1, 40)
  small.sawRefusal(1, 39)
  untold.sawRefusal(1, undefined)
  expect([forty.size, small.size, untold.size]).toEqual([1, 0, 0])
})

test('it comes back little by little with each window', () => {
  const cushion = new Cushion()
  cushion.sawRefusal(1, 200)
  cushion.passReset(200)
  expect(cushion.size).toBeCloseTo(0.7)
  for (let window = 0; window < 3; window++) cushion.passReset(200)
  expect(cushion.size).toBe(0)
})
