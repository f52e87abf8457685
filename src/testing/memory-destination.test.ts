import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeLoad, withSession, write } from '../destinations/conformance/harness.ts'
import { conformanceCasesFor } from '../destinations/conformance.ts'
import { keepsHistoryLikeAMap } from '../destinations/history-model.arbitrary.ts'
import type { Json } from '../ports/json.ts'
import { memoryDestination } from './memory-destination.ts'
import { memoryHarness } from './memory-harness.ts'

describe('the memory destination conforms', () => {
  for (const { name, run } of conformanceCasesFor(memoryDestination().capabilities))
    test(name, () => run(memoryHarness()))
})

// PEERS: dlt test_dummy_client
test('a commit that is told to fail before its point of no return leaves nothing, after it everything', async () => {
  let fail: 'before' | 'after' | undefined = 'before'
  const destination = memoryDestination({ failCommit: (_load, phase) => phase === fail })
  await withSession(destination, async (session) => {
    const load = await makeLoad(session, [{ id: 1 }])
    await expect(session.commit(load)).rejects.toThrow(
      `memory: told to fail before the commit of load ${load.id}`,
    )
    expect(destination.rows('tickets')).toEqual([])
    expect(await session.readCheckpoints()).toEqual([])
    fail = 'after'
    await expect(session.commit(load)).rejects.toThrow('told to fail after the commit')
    fail = undefined
    expect(destination.rows('tickets')).toEqual([{ id: 1, _sluice_load_id: load.id }])
    expect((await session.commit(load)).replayed).toBe(true)
  })
})

test('what a process held is found again by the next one that opens the store', async () => {
  const first = memoryDestination()
  await withSession(first, (session) => write(session, [{ id: 1 }]))
  const second = memoryDestination({ store: first.store })
  await withSession(second, (session) => write(session, [{ id: 2 }]))
  expect(second.rows('tickets').map((row) => row['id'])).toEqual([1, 2])
})

test('whatever is told of records, in whatever order, batches and repetition, their history is that of a plain model', async () => {
  const destination = memoryDestination()
  await withSession(destination, async (session) => {
    const rowsOf = async (table: string) => destination.rows(table) as Record<string, Json>[]
    await fc.assert(keepsHistoryLikeAMap(session, 'h', rowsOf), { numRuns: 20 })
  })
})
