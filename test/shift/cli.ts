// npm run shift                                     100,000 schedules by every reader, several at once; writes docs/shifting-lists.md
// npm run shift -- --schedules 1000 --from 5000     so many, beginning with a seed; from 0 on, 5,000 or more write the page, too
// npm run shift -- --minutes 30                     as many of them as begin within this time
// npm run shift -- --keep /tmp/shift                keeps what each part of them came to in this folder, and goes on from what is there
// npm run shift -- --seed 17 --reader 0             one schedule by one reader, with everything that happens in it
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { anchoredReaders, plainReaders, readShifting } from './read-shifting.ts'
import { type Sum, shiftTable, sumOf, total } from './table.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    reader: { type: 'string' },
    schedules: { type: 'string', default: '100000' },
    from: { type: 'string', default: '0' },
    keep: { type: 'string' },
    minutes: { type: 'string', default: 'Infinity' },
  },
})
/** Schedules that one process plays, one after the other. */
const partSize = 20_000
const readers = [...anchoredReaders, ...plainReaders]
const from = Number(values.from)
const schedules = Number(values.schedules)

if (values.seed !== undefined) await replay(Number(values.seed), Number(values.reader ?? 0))
else if (values.reader !== undefined) await runOne(Number(values.reader))
else await runAll()

async function replay(seed: number, number: number): Promise<void> {
  const reader = readers[number]
  if (reader === undefined) throw new Error(`there are readers 0 to ${readers.length - 1}`)
  const log: string[] = []
  try {
    const outcome = await readShifting(seed, reader, log)
    log.push(JSON.stringify({ reader: reader.says, ...outcome }, null, 1))
  } finally {
    for (const line of log) console.log(line)
  }
}

/** One reader; the sum is the last line. */
async function runOne(number: number): Promise<void> {
  const sum = await sumOf(readers[number]!, from, schedules, (seed, problem) =>
    console.log(`${problem}; replay it with: npm run shift -- --seed ${seed} --reader ${number}`),
  )
  console.log(JSON.stringify(sum))
}

interface Part {
  readonly number: number
  readonly first: number
  readonly count: number
}

async function runAll(): Promise<void> {
  const parts = new Map(readers.map((_, number) => [number, [] as Sum[]]))
  const waiting: Part[] = []
  for (let first = from; first < from + schedules; first += partSize) {
    const count = Math.min(partSize, from + schedules - first)
    for (const number of readers.keys()) waiting.push({ number, first, count })
  }
  // What is promised is shown first; of the others one part will do until then.
  const isLater = ({ number, first }: Part) => first > from && readers[number]!.overlap === 'none'
  waiting.sort((a, b) => Number(isLater(a)) - Number(isLater(b)))
  const end = performance.now() + Number(values.minutes) * 60_000
  const work = async () => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const began = performance.now()
      const sum = kept(part) ?? (began > end ? undefined : await apart(part))
      if (sum === undefined) continue
      keep(part, sum)
      parts.get(part.number)!.push(sum)
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      const { reader, lost, doubled, repeated, alarms, lasting, requests, failed } = sum
      console.log(
        `${reader.says}, ${part.count} from ${part.first}: ${lost} lost, ${doubled} doubled, ${repeated} read twice of ${lasting}, ${alarms} false alarms, ${requests} requests, ${failed} failed, ${seconds} s`,
      )
      if (reader.overlap === 'anchor' && lost + doubled + alarms + failed > 0) process.exitCode = 1
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  const sums = [...parts.values()].filter((each) => each.length > 0).map(total)
  // Of fewer the page would say little.
  if (from !== 0 || sums.length < readers.length || schedules < 5000) return
  writeFileSync(new URL('../../docs/shifting-lists.md', import.meta.url), shiftTable(sums))
}

function fileOf({ number, first, count }: Part): string | undefined {
  return values.keep === undefined ? undefined : join(values.keep, `${number}-${first}-${count}.json`)
}

function kept(part: Part): Sum | undefined {
  const file = fileOf(part)
  return file !== undefined && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Sum) : undefined
}

function keep(part: Part, sum: Sum): void {
  const file = fileOf(part)
  if (file === undefined) return
  mkdirSync(values.keep!, { recursive: true })
  writeFileSync(file, JSON.stringify(sum))
}

/** Runs one reader in a process of its own. */
async function apart({ number, first, count }: Part): Promise<Sum> {
  const args = ['scripts/shift.mjs', '--reader', number, '--from', first, '--schedules', count].map(String)
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  const lines = text.trimEnd().split('\n')
  for (const line of lines.slice(0, -1)) console.log(line)
  return JSON.parse(lines.at(-1)!) as Sum
}
