import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap } from './heap.ts'

test('the first is the least, whatever comes, moves and leaves: compared with a sorted list', () => {
  const step = fc.record({
    do: fc.constantFrom('add', 'move', 'delete'),
    which: fc.nat(20),
    key: fc.integer({ min: 0, max: 50 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const items = Array.from({ length: 21 }, (_, id) => ({ id, key: 0 }))
      const isBefore = (a: (typeof items)[number], b: (typeof items)[number]) =>
        a.key < b.key || (a.key === b.key && a.id < b.id)
      const heap = new Heap(isBefore)
      const there = new Set<(typeof items)[number]>()
      for (const { do: what, which, key } of steps) {
        const item = items[which]!
        if (what === 'delete') expect(heap.delete(item)).toBe(there.delete(item))
        else if (what === 'add') {
          if (!there.has(item)) item.key = key
          heap.add(item)
          there.add(item)
        } else {
          item.key = key
          heap.moved(item)
        }
        expect(heap.first).toBe([...there].sort((a, b) => (isBefore(a, b) ? -1 : 1))[0])
        expect(heap.size).toBe(there.size)
        expect(heap.has(item)).toBe(there.has(item))
      }
    }),
  )
})
