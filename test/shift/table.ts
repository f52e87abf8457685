import { type Reader, readShifting } from './read-shifting.ts'

/** What many schedules came to. */
export interface Sum {
  readonly reader: Reader
  schedules: number
  lasting: number
  lost: number
  doubled: number
  repeated: number
  /** Schedules in which a record was lost. */
  schedulesLost: number
  /** Warnings of lists that are as they should be. */
  alarms: number
  requests: number
  writes: number
  failed: number
}

/** Reads `count` schedules from the seed `from` on. `tell` hears of those in which overlapping pages did what they must not. */
export async function sumOf(
  reader: Reader,
  from: number,
  count: number,
  tell: (seed: number, problem: string) => void,
): Promise<Sum> {
  const sum: Sum = {
    reader,
    schedules: count,
    lasting: 0,
    lost: 0,
    doubled: 0,
    repeated: 0,
    schedulesLost: 0,
    alarms: 0,
    requests: 0,
    writes: 0,
    failed: 0,
  }
  for (let seed = from; seed < from + count; seed++) {
    try {
      const { lasting, lost, doubled, repeated, alarms, requests, writes } = await readShifting(seed, reader)
      sum.lasting += lasting
      sum.lost += lost.length
      sum.doubled += doubled.length
      if (lost.length > 0) sum.schedulesLost++
      sum.repeated += repeated.length
      sum.alarms += alarms.length
      sum.requests += requests
      sum.writes += writes
      if (reader.overlap === 'none') continue
      if (lost.length > 0) tell(seed, `${reader.says}: seed ${seed} lost ${lost.join(', ')}`)
      if (doubled.length > 0) tell(seed, `${reader.says}: seed ${seed} doubled ${doubled.join(', ')}`)
      for (const alarm of alarms) tell(seed, `${reader.says}: seed ${seed} gave a false alarm: ${alarm}`)
    } catch (error) {
      sum.failed++
      if (reader.overlap === 'none') continue
      tell(
        seed,
        `${reader.says}: seed ${seed} failed: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
  return sum
}

/** Adds up what several parts of the schedules came to. */
export function total(sums: readonly Sum[]): Sum {
  const all: Sum = { ...sums[0]! }
  for (const sum of sums.slice(1))
    for (const name of Object.keys(sum) as (keyof Sum)[]) if (name !== 'reader') all[name] += sum[name]
  return all
}

/** The page docs/shifting-lists.md. */
export function shiftTable(sums: readonly Sum[]): string {
  const count = (value: number) => value.toLocaleString('en-US')
  const rows = sums.map((sum) => {
    const { schedules, lasting, lost, schedulesLost, doubled, repeated } = sum
    const read = [schedules, lasting, lost, schedulesLost, doubled, repeated]
    return `| ${[sum.reader.says, ...[...read, sum.alarms, sum.requests, sum.failed].map(count)].join(' | ')} |`
  })
  return `# What a list loses that shifts

Lists of up to 2,500 records in pages of 2, 3, 5 or 10, and of up to 10,000 in pages of 20, 24 or 30 by number, read while others insert, delete and update records: before each request and while it is under
way, one at a time or many in a row, near the place or anywhere. The order of the records that stay is the same throughout. The engine loads what is read into a
table in memory, by key, which is held to the promises of every destination. Readers that are cut short die up to three times, before a commit or after it, and the next run goes on from the
checkpoint that is stored. A schedule is made from its number: the same list, and the same habits of those that write to it, for every reader.

| column | what it counts |
|---|---|
| lasting | records that were there from the first request to the last |
| lost | those of them that the table lacks in the end, and the schedules that have any |
| doubled | records that have two rows in the table |
| read twice | records that the reader handed on again in the same version: the table knows them by their key |
| false alarms | warnings that the order is not stable, or that the count is not what the API says |
| failed | schedules that stopped with an error |

\`npm run shift\` makes this page; \`npm run shift -- --seed 17 --reader 0\` plays one schedule by one reader (counted from 0 in the order of the table), and
shows each page and each write. [Lists that shift](pagination.md#lists-that-shift) says how it works.

| reader | schedules | lasting | lost | in schedules | doubled | read twice | false alarms | requests | failed |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
${rows.join('\n')}
`
}
