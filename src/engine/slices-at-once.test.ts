// Slices side by side: C1 to C6 over interleavings of chance, failures, interruptions and commits whose answers are lost.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InterruptedError } from '../errors.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { Stream } from '../ports/source.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { type MemoryDestination, memoryDestination } from '../testing/memory-destination.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { ofSlices } from './starting-point.ts'
import { runStream, type StreamOutcome } from './stream-run.ts'
import { type ListStreamOptions, listStream, records } from './testing/list-stream.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

interface RunSettings {
  readonly destination: MemoryDestination
  readonly runId: string
  readonly maxRecords?: number
  readonly signal?: AbortSignal
  readonly fullRefresh?: boolean
  readonly scope?: { readonly since?: string }
  readonly onEvent?: (event: SluiceEvent) => void
}

async function load(stream: Stream, settings: RunSettings): Promise<StreamOutcome> {
  await using session = await settings.destination.open('support')
  return await runStream(stream, {
    session,
    runId: settings.runId,
    clock: fakeClock({ auto: true }),
    onEvent: settings.onEvent ?? (() => {}),
    batch: { maxRecords: settings.maxRecords ?? 10, maxBytes: 1e9, maxAgeMs: 1e9 },
    scope: settings.scope ?? {},
    fullRefresh: settings.fullRefresh ?? false,
    signal: settings.signal ?? new AbortController().signal,
  })
}

const ids = (destination: MemoryDestination) =>
  destination.rows('desk_tickets').map((row) => Number(row['id']))

// PEERS: dlt resource.parallelized
// PEERS: dlt lacks an async client
// PEERS: dlt #1883
// PEERS: airbyte#68631
test('as many slices are read at once as the stream allows, the first ones first', async () => {
  const under = new Set<string>()
  let most = 0
  const begun: string[] = []
  const stream = listStream({
    slices: Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((key, at) => [key, [records(at, at)]])),
    slicesAtOnce: 3,
    async beforePage(slice) {
      under.add(slice)
      begun.push(slice)
      most = Math.max(most, under.size)
      await turn()
      under.delete(slice)
    },
  })
  const events: string[] = []
  const destination = memoryDestination()
  const outcome = await load(stream, {
    destination,
    runId: 'run',
    onEvent: (event) => {
      if ('slice' in event) events.push(`${event.type} ${event.slice}`)
    },
  })
  expect(outcome.outcome).toBe('done')
  expect(most).toBe(3)
  expect(begun).toEqual(['a', 'b', 'c', 'd', 'e'])
  for (const key of ['a', 'b', 'c', 'd', 'e']) {
    expect(events.filter((event) => event.endsWith(` ${key}`))).toEqual([
      `slice.start ${key}`,
      `page.read ${key}`,
      `slice.end ${key}`,
    ])
  }
})

test('one slice that fails stops the others at once, and what all had read completely is committed', async () => {
  let stopped: unknown
  const stream = listStream({
    slices: { a: [records(1, 2), records(3, 4)], b: [records(5, 6), records(7, 8)] },
    slicesAtOnce: 2,
    async beforePage(slice, page, signal) {
      if (page === 0) return
      if (slice === 'a') {
        await turn()
        throw new Error('a is gone')
      }
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          stopped = signal.reason
          reject(signal.reason)
        })
      })
    },
  })
  const events: SluiceEvent[] = []
  const destination = memoryDestination()
  const outcome = await load(stream, { destination, runId: 'run', onEvent: (event) => events.push(event) })
  expect(outcome).toMatchObject({ outcome: 'failed', error: new Error('a is gone') })
  expect(stopped).toEqual(new Error('a is gone'))
  expect(ids(destination).sort()).toEqual([1, 2, 5, 6])
  expect(events.filter(({ type }) => type === 'slice.end')).toEqual([])
})

test('a run that is interrupted stops all of its slices, and says that it was interrupted', async () => {
  const abort = new AbortController()
  const stream = listStream({
    slices: { a: [records(1, 2), records(3, 4)], b: [records(5, 6), records(7, 8)] },
    slicesAtOnce: 2,
    beforePage: async (slice, page) => {
      if (slice === 'b' && page === 1) abort.abort(new InterruptedError())
      await turn()
    },
  })
  const destination = memoryDestination()
  expect(await load(stream, { destination, runId: 'run', signal: abort.signal })).toMatchObject({
    outcome: 'interrupted',
  })
  expect(ids(destination).sort()).toEqual([1, 2, 5, 6])
})

test('R6: a replacement of several slices is swapped in when all are read, and goes on where it was cut short', async () => {
  let broken = true
  const pages = { a: [records(1, 6), records(7, 12)], b: [records(21, 26), records(27, 32)] }
  const stream = listStream({
    write: 'replace',
    slices: pages,
    slicesAtOnce: 2,
    beforePage: async (slice, page) => {
      if (slice === 'b' && page === 1) {
        await turn()
        if (broken) throw new Error('b is gone')
      }
    },
  })
  const destination = memoryDestination()
  expect(await load(stream, { destination, runId: 'run1' })).toMatchObject({ outcome: 'failed' })
  expect(ids(destination)).toEqual([])
  broken = false
  expect(await load(stream, { destination, runId: 'run2' })).toMatchObject({ outcome: 'done' })
  expect(ids(destination).sort((a, b) => a - b)).toEqual(
    [...records(1, 12), ...records(21, 32)].map(({ id }) => id),
  )
  expect(new Set(stream.asked).size).toBe(stream.asked.length)
})

test('a backfill reads its slices side by side and leaves their checkpoints alone', async () => {
  const destination = memoryDestination()
  const stream = listStream({ slices: { a: [records(1, 2)], b: [records(3, 4)] }, slicesAtOnce: 2 })
  expect(await load(stream, { destination, runId: 'run', scope: { since: '2026-01-01' } })).toMatchObject({
    outcome: 'done',
  })
  expect(ids(destination).sort()).toEqual([1, 2, 3, 4])
  await using session = await destination.open('support')
  expect(ofSlices(await session.readCheckpoints())).toEqual([])
})

/** How one run of the property ends, if not by itself. */
type Mishap = 'none' | 'failure' | 'interruption' | 'commit-fails' | 'answer-lost'

// PEERS: dlt test_offline parallel children
test('C1 to C6: whatever the interleaving and whatever stops a run, the table is the truth, and nothing that was committed is asked for again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        lengths: fc.array(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 }), {
          minLength: 1,
          maxLength: 7,
        }),
        slicesAtOnce: fc.integer({ min: 1, max: 5 }),
        maxRecords: fc.constantFrom(1, 3, 7, 1000),
        write: fc.constantFrom('append' as const, 'merge' as const, 'replace' as const),
        mishaps: fc.array(
          fc.record({
            kind: fc.constantFrom<Mishap>('none', 'failure', 'interruption', 'commit-fails', 'answer-lost'),
            at: fc.integer({ min: 1, max: 15 }),
          }),
          { maxLength: 4 },
        ),
        seed: fc.integer(),
      }),
      async ({ lengths, slicesAtOnce, maxRecords, write, mishaps, seed }) => {
        let id = 0
        const slices = Object.fromEntries(
          lengths.map((pages, slice) => [
            `s${slice}`,
            pages.map((length) => Array.from({ length }, (): JsonRecord => ({ id: ++id }))),
          ]),
        )
        const longestPage = Math.max(...lengths.flat())
        const random = seededRandom(seed)
        const { store } = memoryDestination()
        let ended = false
        for (const [run, { kind, at }] of [...mishaps, { kind: 'none' as const, at: 0 }].entries()) {
          const before = await positions(store)
          const abort = new AbortController()
          let countdown = at
          const strikes = (which: Mishap) => kind === which && --countdown === 0
          const options: ListStreamOptions = {
            slices,
            slicesAtOnce,
            write,
            // Nothing tells records apart: each that is loaded twice is seen.
            key: [],
            allowEmptyReplace: true,
            rereadsFinished: false,
            async beforePage(slice, page, signal) {
              for (let wait = Math.floor(random() * 4); wait > 0; wait--) await turn()
              signal.throwIfAborted()
              if (strikes('failure')) throw new Error(`${slice}/${page} is gone`)
              if (strikes('interruption')) abort.abort(new InterruptedError())
            },
          }
          const stream = listStream(options)
          let read = 0
          let committed = 0
          const destination = memoryDestination({
            store,
            failCommit: (_load, phase) =>
              (phase === 'before' && strikes('commit-fails')) ||
              (phase === 'after' && strikes('answer-lost')),
          })
          const outcome = await load(stream, {
            destination,
            runId: `run${run}`,
            maxRecords,
            signal: abort.signal,
            onEvent: (event) => {
              if (event.type === 'page.read') read += event.records
              if (event.type === 'load.commit') committed += event.records
              // Bounded memory: two batches, and a page of each slice that waits in line.
              const bound = 2 * (maxRecords - 1 + longestPage) + (slicesAtOnce - 1) * longestPage
              expect(read - committed).toBeLessThanOrEqual(bound)
            },
          })
          // C4: a slice goes on at its committed position, and each page is asked for once.
          expect(new Set(stream.asked).size).toBe(stream.asked.length)
          if (write !== 'replace') {
            for (const asked of stream.asked) {
              const [slice, page] = asked.split('/') as [string, string]
              expect(Number(page)).toBeGreaterThanOrEqual(before.get(slice) ?? 0)
            }
          }
          ended = outcome.outcome === 'done'
          if (kind === 'none') expect(outcome).toEqual({ stream: 'desk.tickets', outcome: 'done' })
        }
        expect(ended).toBe(true)
        const found = ids(memoryDestination({ store })).sort((a, b) => a - b)
        expect(found).toEqual(Array.from({ length: id }, (_, index) => index + 1))
        const after = await positions(store)
        expect([...after.keys()].sort()).toEqual(Object.keys(slices).sort())
      },
    ),
    { numRuns: 300 },
  )
}, 60_000)

/** The committed position of each slice; past every page where it was read to its end. */
async function positions(store: MemoryDestination['store']): Promise<ReadonlyMap<string, number>> {
  await using session = await memoryDestination({ store }).open('support')
  return new Map(
    ofSlices(await session.readCheckpoints())
      .filter(({ staged }) => !staged)
      .map(({ slice, position }) => [slice, position === null ? Number.MAX_SAFE_INTEGER : Number(position)]),
  )
}
