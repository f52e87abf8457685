import assert from 'node:assert/strict'
import { runPipeline } from '../../engine/run.ts'
import { ofSlices } from '../../engine/starting-point.ts'
import type { Checkpoint, Destination, DestinationSession } from '../../ports/destination.ts'
import type { Stream } from '../../ports/source.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import {
  type ConformanceCase,
  type ConformanceHarness,
  dataRows,
  PIPELINE,
  STREAM,
  TABLE,
  withSession,
} from './harness.ts'

const PAGES = 9
const PAGE_SIZE = 10
const PAGES_A_BATCH = 2

interface ListStream extends Stream {
  /** The numbers of the pages that were asked for. */
  readonly asked: number[]
}

/**
 * A list in pages, whose position is the number of pages read. Its records have no key: nothing but the checkpoint keeps one from being
 * loaded twice.
 * @param isOrdered whether it comes in the order of its ids: then the high-water mark moves with each page, else at its end
 */
function listStream(isOrdered: boolean): ListStream {
  const asked: number[] = []
  const ids = Array.from({ length: PAGES * PAGE_SIZE }, (_, at) => (isOrdered ? at + 1 : ((at * 7) % 90) + 1))
  return {
    asked,
    name: STREAM,
    table: TABLE,
    write: 'append',
    key: [],
    allowEmptyReplace: false,
    onReject: 'keep',
    *slices(committed) {
      yield { key: 'all', progress: committed.get('all') ?? null }
    },
    async read({ progress }, { emit }) {
      for (let page = Number(progress?.position ?? 0); page < PAGES; page++) {
        asked.push(page)
        const records = ids.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE).map((id) => ({ id }))
        const isLast = page + 1 === PAGES
        const highWater = isOrdered ? (page + 1) * PAGE_SIZE : isLast ? Math.max(...ids) : null
        await emit({ records, bytes: 100, progress: { position: isLast ? null : page + 1, highWater } })
      }
    },
    preview: () => ({ method: 'GET', url: 'https://desk.example/tickets', headers: {} }),
  }
}

type Death = { readonly at: number; readonly when: 'before' | 'after' }

/** The destination as a process sees it that dies at a commit: before it, or before its answer comes. */
function until(destination: Destination, { at, when }: Death): Destination {
  return {
    ...destination,
    open: async (pipeline, options) => {
      let commits = 0
      const commit =
        (session: DestinationSession): DestinationSession['commit'] =>
        async (load) => {
          commits++
          if (commits === at && when === 'after') await session.commit(load)
          if (commits >= at) throw new Error('the process died')
          return session.commit(load)
        }
      return new Proxy(await destination.open(pipeline, options), {
        get(session, name) {
          const value: unknown = name === 'commit' ? commit(session) : Reflect.get(session, name, session)
          return typeof value === 'function' ? value.bind(session) : value
        },
      })
    },
  }
}

let runs = 0
async function runOver(destination: Destination, stream: Stream): Promise<string> {
  const source = {
    name: 'desk',
    streams: [stream],
    check: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
  const parts = {
    name: PIPELINE,
    sources: [source],
    destination,
    batch: { maxRecords: PAGES_A_BATCH * PAGE_SIZE, maxBytes: 1e9, maxAgeMs: 1e9 },
    concurrentStreams: 1,
  }
  const { outcome } = await runPipeline(parts, {
    runId: `run-${++runs}`,
    clock: fakeClock(),
    onEvent: () => {},
    signal: new AbortController().signal,
  })
  return outcome
}

async function checkpointOf(destination: Destination): Promise<Checkpoint | undefined> {
  return withSession(destination, async (session) => ofSlices(await session.readCheckpoints(STREAM))[0])
}

const idsOf = async (harness: ConformanceHarness) =>
  (await dataRows(harness)).map((row) => Number(row['id'])).sort((a, b) => a - b)

const deaths: readonly Death[] = [
  { at: 1, when: 'before' },
  { at: 3, when: 'before' },
  { at: 3, when: 'after' },
]

/** Whole runs of the engine, over a list. */
export const runCases: readonly ConformanceCase[] = [
  ...deaths.map(({ at, when }): ConformanceCase => {
    const death = when === 'before' ? `before commit ${at}` : `before it heard of commit ${at}`
    return {
      promise: 'C4',
      name: `C4: a run that died ${death} asks again for what was not committed alone, and loads each record once`,
      async run(harness) {
        await harness
          .open()
          .then((destination) => runOver(until(destination, { at, when }), listStream(true)))
        const stream = listStream(true)
        assert.equal(await runOver(await harness.reopen(), stream), 'done')
        const committed = PAGES_A_BATCH * (when === 'before' ? at - 1 : at)
        assert.deepEqual(
          stream.asked,
          Array.from({ length: PAGES - committed }, (_, page) => committed + page),
        )
        assert.deepEqual(
          await idsOf(harness),
          Array.from({ length: PAGES * PAGE_SIZE }, (_, id) => id + 1),
        )
      },
    }
  }),

  {
    promise: 'C5',
    name: 'C5: in a list in order the high-water mark stands at the last record that was committed, with everything below it',
    async run(harness) {
      const destination = await harness.open()
      await runOver(until(destination, { at: 3, when: 'before' }), listStream(true))
      const checkpoint = await checkpointOf(destination)
      const below = 2 * PAGES_A_BATCH * PAGE_SIZE
      assert.deepEqual([checkpoint?.position, checkpoint?.highWater], [2 * PAGES_A_BATCH, below])
      assert.deepEqual(
        await idsOf(harness),
        Array.from({ length: below }, (_, id) => id + 1),
      )
    },
  },

  {
    promise: 'C5',
    name: 'C5: in a list in no order the position moves with each commit, and the high-water mark when all is committed',
    async run(harness) {
      const destination = await harness.open()
      await runOver(until(destination, { at: 3, when: 'before' }), listStream(false))
      const midway = await checkpointOf(destination)
      assert.deepEqual([midway?.position, midway?.highWater], [2 * PAGES_A_BATCH, null])
      assert.equal(await runOver(destination, listStream(false)), 'done')
      const atEnd = await checkpointOf(destination)
      assert.deepEqual([atEnd?.position, atEnd?.highWater], [null, PAGES * PAGE_SIZE])
      assert.equal(new Set(await idsOf(harness)).size, PAGES * PAGE_SIZE)
    },
  },
]
