// Writers that sleep, others that replace, and cleaners, on one store: each operation of each happens at any moment, and the clock jumps.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../testing/seeded-random.ts'
import { makeLoad } from '../conformance/harness.ts'
import { cleanUp } from './clean-up.ts'
import type { RowWriter, WritableRows } from './formats/row-writer.ts'
import { ManifestLog } from './manifest/log.ts'
import { FilesSession } from './session.ts'
import { MemoryStore } from './store/test-memory-store.ts'

const HOUR = 3_600_000
const base = 'p/'
const own = `${base}_sluice/`

/** Rows are counted, and written nowhere. */
const writer: RowWriter = {
  format: 'jsonl',
  compression: 'none',
  extension: '.jsonl',
  rows: () => {
    const rows = {
      length: 0,
      released: false,
      append(records: readonly unknown[]) {
        rows.length += records.length
      },
      release() {
        rows.released = true
      },
    }
    return rows satisfies WritableRows
  },
  write: async () => ({}),
  [Symbol.asyncDispose]: async () => {},
}

test('C1: whatever meets, what is committed keeps its files, and who slept for too long is told', async () => {
  const outcomes = { committed: 0, refused: 0, cleaned: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.nat(70), { minLength: 1, maxLength: 5 }),
      fc.nat(),
      async (scheduler, jumps, seed) => {
        const objects: MemoryStore['objects'] = new Map()
        const runtime = { random: seededRandom(seed) }
        let operations = 0
        let ahead = 0
        const now = () => ahead + operations
        const still = async () => {}
        const turn = async () => {
          await scheduler.schedule(Promise.resolve())
          if (jumps.includes(operations++)) ahead += 2 * HOUR
        }
        const process = async (wait: () => Promise<void>) => {
          const store = new MemoryStore(objects, now, wait)
          const log = new ManifestLog(store, own, runtime)
          await log.refresh()
          return { store, log, writer, runtime, base, own, readOnly: false, graceMs: HOUR }
        }
        const begun = await process(still)
        await begun.log.publish({ kind: 'begin', pipeline: 'p' })
        const acknowledged: string[] = []
        const write = async (stream: string, replaces: boolean) => {
          await using session = new FilesSession(await process(turn))
          for (const id of [1, 2]) {
            const load = await makeLoad(session, [{ id }], {
              stream,
              table: stream,
              begin: replaces,
              publish: replaces,
            })
            await session.commit(load).then(
              () => {
                acknowledged.push(load.id)
                outcomes.committed++
              },
              (error: Error) => {
                expect(error.message).toMatch(/slept for so long/)
                outcomes.refused++
              },
            )
          }
        }
        const clean = async () => {
          const { store, log } = await process(turn)
          for (const _round of [1, 2, 3, 4])
            outcomes.cleaned += await cleanUp(store, log, { base, own, graceMs: HOUR })
        }
        const all = Promise.all([write('a', false), write('b', true), write('c', false), clean(), clean()])
        await scheduler.waitFor(all)

        const { state } = (await process(still)).log
        expect([...state.loads.keys()].sort()).toEqual([...acknowledged].sort())
        for (const { files } of state.tables.values())
          for (const { path } of files) expect(objects.has(`${base}${path}`), path).toBe(true)
        // A reader that has the time of the grace finds what was live when it began.
        for (const { path, at } of state.retired)
          if (at >= now() - HOUR) expect(objects.has(`${base}${path}`), path).toBe(true)
      },
    ),
    { numRuns: 100 },
  )
  for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(0)
})
