import { cursor, definePipeline, duckdb, offset, type RestOptions, rest, run } from 'sluice'
import { firstDay, pagesADay, smallPage } from './latency.ts'

export interface LatencyCase {
  readonly name: string
  readonly what: string
  /** What the others of its group are compared with. */
  readonly group: 'pages' | 'slices'
  readonly stream: (pages: number) => RestOptions['streams'][string]
}

const byPages = (atOnce: number): LatencyCase => ({
  name: `pages-${atOnce}`,
  what: atOnce === 1 ? 'pages of one list, one after the other' : `${atOnce} pages of one list at once`,
  group: 'pages',
  stream: () => ({
    path: 'list',
    records: 'data',
    paginate: offset({ total: 'total', size: { param: 'limit', value: smallPage } }),
    concurrency: { pages: atOnce },
    key: 'id',
  }),
})

const bySlices = (atOnce: number): LatencyCase => ({
  name: `slices-${atOnce}`,
  what:
    atOnce === 1
      ? 'days, one after the other'
      : `${atOnce} days at once, the pages of each one after the other`,
  group: 'slices',
  stream: (pages) => ({
    path: 'days',
    records: 'data',
    paginate: cursor({ token: 'next', param: 'cursor' }),
    slices: {
      by: 'time',
      size: '1d',
      start: new Date(firstDay).toISOString().slice(0, 10),
      from: { param: 'from', format: 'epoch' },
      to: { param: 'to', format: 'epoch', inclusive: false },
      // Days after the last one that has records are asked for, too: the margin leaves them out.
      margin: `${Math.ceil((Date.now() - firstDay) / 1000) - (pages / pagesADay) * 86_400}s`,
    },
    concurrency: { slices: atOnce },
    key: 'id',
  }),
})

export const latencyCases: readonly LatencyCase[] = [
  byPages(1),
  byPages(4),
  byPages(8),
  bySlices(1),
  bySlices(4),
  bySlices(8),
]

/** Loads the list into a new DuckDB file. Gives the number of records that were inserted. */
export async function load(one: LatencyCase, origin: string, pages: number, path: string): Promise<number> {
  const pipeline = definePipeline({
    name: 'bench',
    destination: duckdb({ path }),
    sources: { bench: rest({ baseUrl: origin, streams: { rows: one.stream(pages) } }) },
  })
  const { outcome, streams } = await run(pipeline)
  if (outcome !== 'done') throw new Error(`${one.name}: the run is ${outcome}: ${streams[0]?.error?.message}`)
  return streams[0]!.inserted
}
