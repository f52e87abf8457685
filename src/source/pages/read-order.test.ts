import { expect, test } from 'vitest'
import { firstRun, inOrder, type Run, runBehind } from './read-order.ts'

const at = (run: Run, rank: number) => ({ run, rank })
const outOf = (...page: Parameters<typeof inOrder>[0]) => [...inOrder(page).outOfOrder]

test('along one run a record stands behind those that were read before it; what came in between is beside its neighbour', () => {
  expect(outOf(at(firstRun, 1), undefined, at(firstRun, 2), at(firstRun, 3))).toEqual([])
  expect(outOf(at(firstRun, 2), at(firstRun, 2), at(firstRun, 2))).toEqual([])
  expect(outOf(at(firstRun, 3), at(firstRun, 1), at(firstRun, 4))).toEqual([1])
  expect(inOrder([at(firstRun, 3), at(firstRun, 1), undefined]).lastAt).toBe(0)
})

test('of a run nothing is known but that it stands behind the record where it began', () => {
  const second = runBehind(at(firstRun, 5))
  // Records 6 and 7 of the first run may stand behind all of the second.
  expect(outOf(at(firstRun, 5), at(second, 9), at(firstRun, 6), at(second, 10), at(firstRun, 7))).toEqual([])
  expect(outOf(at(second, 9), at(firstRun, 4))).toEqual([1])
  const third = runBehind(at(second, 9))
  expect(outOf(at(third, 11), at(second, 8), at(firstRun, 4), at(firstRun, 6), at(second, 10))).toEqual([
    1, 2,
  ])
})

test('runs far in front are not compared, so that what is kept does not grow with the list', () => {
  let run = firstRun
  let depth = 0
  for (let rank = 1; rank < 1000; rank++) {
    run = runBehind(at(run, rank))
    depth = Math.max(depth, run.depth)
  }
  expect(depth).toBe(32)
})
