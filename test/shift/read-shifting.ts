import { type PipelineParts, runPipeline } from '../../src/engine/run.ts'
import type { SluiceEvent } from '../../src/ports/events.ts'
import type { Source, Stream } from '../../src/ports/source.ts'
import { scriptedClient, streamsOf } from '../../src/source/testing/scripted-client.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { memoryDestination } from '../../src/testing/memory-destination.ts'
import { memoryStore } from '../../src/testing/memory-store.ts'
import { chance } from '../simulation/chance.ts'
import { askedFor, habitsOf, ShiftingList } from './shifting-list.ts'

/** A way of reading. */
export interface Reader {
  readonly says: string
  readonly type: 'offset' | 'page-number'
  readonly overlap: 'anchor' | 'none'
  /** Whether the API names the number of all records. */
  readonly total: boolean
  readonly pages: number
  /** Whether a commit fails now and then, before or after it is done, and a later run goes on from what is stored. */
  readonly dies: boolean
}

const plain = { overlap: 'none', total: false, pages: 1, dies: false } as const
const anchored = { ...plain, overlap: 'anchor' } as const

/** What is promised: nothing lost, nothing doubled. */
export const anchoredReaders: readonly Reader[] = [
  { ...anchored, type: 'offset', says: 'offset, overlapping' },
  { ...anchored, type: 'offset', total: true, pages: 4, says: 'offset, overlapping, four pages at once' },
  { ...anchored, type: 'offset', dies: true, says: 'offset, overlapping, cut short and resumed' },
  { ...anchored, type: 'page-number', says: 'page number, overlapping' },
  {
    ...anchored,
    type: 'page-number',
    total: true,
    pages: 4,
    says: 'page number, overlapping, four pages at once',
  },
  { ...anchored, type: 'page-number', dies: true, says: 'page number, overlapping, cut short and resumed' },
]

export const plainReaders: readonly Reader[] = [
  { ...plain, type: 'offset', says: 'offset, counting alone' },
  { ...plain, type: 'page-number', says: 'page number, counting alone' },
]

export interface Outcome {
  /** Records that were there throughout. */
  readonly lasting: number
  /** Of these, those that the table lacks. */
  readonly lost: readonly number[]
  /** Records that have more than one row in the table. */
  readonly doubled: readonly number[]
  /** Records that the reader handed to the loading more than once in the same version. */
  readonly repeated: readonly number[]
  /** What was said of a list that is as it should be. */
  readonly alarms: readonly string[]
  readonly requests: number
  readonly writes: number
}

const sizes = { offset: [2, 3, 5, 10], 'page-number': [20, 24, 30] } as const

/** The list that the streams read at present: they are built once, for speed. */
let list: ShiftingList
const client = (atOnce: boolean) =>
  scriptedClient(async (request) => {
    const { skipped, length } = askedFor(request)
    return { body: await list.page(skipped, length, atOnce) }
  })
const streams = new Map<string, { stream: Stream; client: ReturnType<typeof client> }>()
let alarms: string[] = []

function hear(event: SluiceEvent): void {
  if (event.type === 'stream.warning') alarms.push(event.message)
  if (event.type === 'count.mismatch') alarms.push(`count ${event.found} of ${event.expected}`)
}

function streamFor(reader: Reader, size: number) {
  const name = `${reader.says} ${size}`
  const built = streams.get(name)
  if (built !== undefined) return built
  const asked = client(reader.pages > 1)
  const common = { overlap: reader.overlap, size: { param: 'limit', value: size } }
  const items = {
    path: 'items',
    records: 'items',
    key: 'id',
    concurrency: reader.pages > 1 ? { pages: reader.pages } : {},
    paginate:
      reader.type === 'offset'
        ? ({ type: 'offset', ...common, ...(reader.total && { total: 'total' }) } as const)
        : ({ type: 'page-number', ...common, ...(reader.total && { totalRecords: 'total' }) } as const),
  }
  const { items: stream } = streamsOf('api', { items }, asked, fakeClock(), hear)
  const entry = { stream, client: asked }
  streams.set(name, entry)
  return entry
}

/**
 * Reads one list, which changes as the seed says, into a table in memory: by the engine, with the checkpoints that it stores.
 * @param log takes everything that happens
 */
export async function readShifting(seed: number, reader: Reader, log?: string[]): Promise<Outcome> {
  const draw = chance(seed, 3)
  const { stream, client: asked } = streamFor(reader, draw.oneOf<number>(sizes[reader.type]))
  asked.requests.length = 0
  alarms = []
  const habits = habitsOf(seed)
  // Pages by number are larger, and so are their lists.
  const length = reader.type === 'offset' ? habits.length : 4 * habits.length
  list = new ShiftingList(seed, { ...habits, length }, log)
  const seen = new Map<number, number>()
  const repeated: number[] = []
  const heard: Stream = {
    ...stream,
    read: (slice, options) =>
      stream.read(slice, {
        ...options,
        emit(page) {
          for (const { id, version } of page.records) {
            if (seen.get(Number(id)) === version) repeated.push(Number(id))
            seen.set(Number(id), Number(version))
          }
          log?.push(`took ${page.records.map(({ id }) => id).join(' ')}`)
          return options.emit(page)
        },
      }),
  }
  const source: Source = {
    name: 'api',
    streams: [heard],
    check: async () => {},
    async [Symbol.asyncDispose]() {},
  }
  const store = memoryStore()
  let deaths = reader.dies ? draw.between(1, 3) : 0
  // A page for a commit, so that a run is cut short between any two.
  const batch = { maxRecords: reader.dies ? 1 : 1000, maxBytes: Infinity, maxAgeMs: Infinity }
  for (let run = 1; ; run++) {
    let left = deaths-- > 0 ? draw.between(1, 4) : Infinity
    const dying = draw.oneOf(['before', 'after'])
    let isDead = false
    const destination = memoryDestination({
      store,
      failCommit(load, phase) {
        if (isDead) return true
        if (phase !== dying || --left > 0) return false
        // Once the list's end is stored, the next run reads the list anew.
        isDead = load.checkpoints.some(({ slice, position }) => slice === 'all' && position !== null)
        if (isDead) log?.push(`died ${phase} a commit`)
        return isDead
      },
    })
    const parts: PipelineParts = {
      name: 'shift',
      sources: [source],
      destination,
      batch,
      concurrentStreams: 1,
    }
    const { streams: outcomes } = await runPipeline(parts, {
      runId: `run${run}`,
      clock: fakeClock(),
      onEvent: () => {},
      signal: new AbortController().signal,
    })
    if (isDead) continue
    if (outcomes[0]?.outcome !== 'done') throw outcomes[0]?.error
    break
  }
  const stored = new Set<number>()
  const doubled: number[] = []
  const { schema, rows } = store.tables.get('api_items') ?? { schema: { columns: [] }, rows: [] }
  const idAt = schema.columns.findIndex(({ name }) => name === 'id')
  for (const { values } of rows) {
    const id = Number(values[idAt])
    if (stored.has(id)) doubled.push(id)
    stored.add(id)
  }
  const lost = [...list.lasting].filter((id) => !stored.has(id))
  const { lasting, requests, writes } = list
  return { lasting: lasting.size, lost, doubled, repeated, alarms, requests, writes }
}
