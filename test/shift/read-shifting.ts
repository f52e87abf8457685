import type { JsonRecord } from '../../src/ports/json.ts'
import type { Progress, Stream } from '../../src/ports/source.ts'
import { scriptedClient, streamOf } from '../../src/source/testing/scripted-client.ts'
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
  /** Whether reading is cut short now and then, and goes on from what is stored. */
  readonly dies: boolean
}

const plain = { overlap: 'none', total: false, pages: 1, dies: false } as const
const anchored = { ...plain, overlap: 'anchor' } as const

/** What is promised: nothing lost. */
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
  /** Of these, those that were never handed on. */
  readonly lost: readonly number[]
  /** Records that were handed on twice in the same version. */
  readonly doubled: readonly number[]
  readonly requests: number
  readonly writes: number
  readonly log: readonly string[]
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

function streamFor(reader: Reader, size: number) {
  const name = `${reader.says} ${size}`
  const built = streams.get(name)
  if (built !== undefined) return built
  const asked = client(reader.pages > 1)
  const common = { overlap: reader.overlap, size: { param: 'limit', value: size } }
  const stream = streamOf(
    'api',
    'items',
    {
      path: 'items',
      records: 'items',
      key: 'id',
      concurrency: reader.pages > 1 ? { pages: reader.pages } : {},
      paginate:
        reader.type === 'offset'
          ? { type: 'offset', ...common, ...(reader.total && { total: 'total' }) }
          : { type: 'page-number', ...common, ...(reader.total && { totalRecords: 'total' }) },
    },
    asked,
  )
  const entry = { stream, client: asked }
  streams.set(name, entry)
  return entry
}

class Death extends Error {}

/** Reads one list, which changes as the seed says. */
export async function readShifting(seed: number, reader: Reader): Promise<Outcome> {
  const draw = chance(seed, 3)
  const { stream, client: asked } = streamFor(reader, draw.oneOf<number>(sizes[reader.type]))
  asked.requests.length = 0
  const habits = habitsOf(seed)
  // Pages by number are larger, and so are their lists.
  const length = reader.type === 'offset' ? habits.length : 4 * habits.length
  list = new ShiftingList(seed, { ...habits, length })
  const mine = list
  const seen = new Map<number, number>()
  const doubled: number[] = []
  let progress: Progress | null = null
  let deaths = reader.dies ? draw.between(1, 3) : 0
  const take = (record: JsonRecord) => {
    const id = Number(record['id'])
    const version = Number(record['version'])
    if (seen.get(id) === version) doubled.push(id)
    seen.set(id, version)
  }
  for (;;) {
    let left = deaths-- > 0 ? draw.between(1, 4) : Infinity
    try {
      await stream.read(
        { key: 'all', progress },
        {
          signal: new AbortController().signal,
          async emit(page) {
            for (const record of page.records) take(record)
            mine.log.push(`took ${page.records.map(({ id }) => id).join(' ')}`)
            // A checkpoint is stored as JSON.
            if (page.progress !== undefined) progress = JSON.parse(JSON.stringify(page.progress)) as Progress
            if (--left === 0 && progress?.position !== null) throw new Death()
          },
        },
      )
      break
    } catch (error) {
      if (!(error instanceof Death)) throw error
      mine.log.push('died')
    }
  }
  const lost = [...mine.lasting].filter((id) => !seen.has(id))
  return {
    lasting: mine.lasting.size,
    lost,
    doubled,
    requests: mine.requests,
    writes: mine.writes,
    log: mine.log,
  }
}
