import { type Reader, readShifting } from './read-shifting.ts'

/** What many schedules came to. */
export interface Sum {
  readonly reader: Reader
  lasting: number
  lost: number
  doubled: number
  /** Schedules in which a record was lost, and in which one was handed on twice. */
  schedulesLost: number
  schedulesDoubled: number
  requests: number
  writes: number
  failed: number
}

/** Reads `count` schedules from the seed `from` on. `tell` hears of those that lost a record that overlapping pages must not lose, or failed. */
export async function sumOf(
  reader: Reader,
  from: number,
  count: number,
  tell: (seed: number, problem: string) => void,
): Promise<Sum> {
  const sum: Sum = {
    reader,
    lasting: 0,
    lost: 0,
    doubled: 0,
    schedulesLost: 0,
    schedulesDoubled: 0,
    requests: 0,
    writes: 0,
    failed: 0,
  }
  for (let seed = from; seed < from + count; seed++) {
    try {
      const { lasting, lost, doubled, requests, writes } = await readShifting(seed, reader)
      sum.lasting += lasting
      sum.lost += lost.length
      sum.doubled += doubled.length
      if (lost.length > 0) sum.schedulesLost++
      if (doubled.length > 0) sum.schedulesDoubled++
      sum.requests += requests
      sum.writes += writes
      if (reader.overlap === 'none') continue
      if (lost.length > 0) tell(seed, `${reader.says}: seed ${seed} lost ${lost.join(', ')}`)
      if (doubled.length > 0) tell(seed, `${reader.says}: seed ${seed} doubled ${doubled.join(', ')}`)
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

/** The page docs/shifting-lists.md. */
export function shiftTable(sums: readonly Sum[], schedules: number): string {
  const count = (value: number) => value.toLocaleString('en-US')
  const rows = sums.map(
    ({ reader, lasting, lost, schedulesLost, doubled, schedulesDoubled, requests, failed }) =>
      `| ${[reader.says, count(lasting), count(lost), count(schedulesLost), count(doubled), count(schedulesDoubled), count(requests), count(failed)].join(' | ')} |`,
  )
  return `# What a list loses that shifts

Lists of up to 2,500 records in pages of 2, 3, 5 or 10, and of up to 10,000 in pages of 20, 24 or 30 by number, read while others insert, delete and update records: before each request and while it is under
way, one at a time or many in a row, near the place or anywhere. The order of the records that stay is the same throughout. *Lasting* are the records that
were there from the first request to the last; *lost* are those of them that were never handed on; *doubled* are records that were handed on twice in the
same version, before the destination's key makes one of them. All readers read the same ${count(schedules)} schedules.

\`npm run shift\` makes this page; \`npm run shift -- --seed 17 --reader 0\` plays one schedule by one reader (counted from 0 in the order of the table), and
shows each page and each write. [Lists that shift](pagination.md#lists-that-shift) says how it works.

| reader | lasting | lost | in schedules | doubled | in schedules | requests | failed |
|---|--:|--:|--:|--:|--:|--:|--:|
${rows.join('\n')}
`
}
