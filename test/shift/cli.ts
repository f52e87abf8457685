// npm run shift                                     100,000 schedules by every reader, several at once; writes docs/shifting-lists.md
// npm run shift -- --schedules 1000 --from 5000     so many, beginning with a seed; from 0 on, 5,000 or more write the page, too
// npm run shift -- --seed 17 --reader 0             one schedule by one reader, with everything that happens in it
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { anchoredReaders, plainReaders, readShifting } from './read-shifting.ts'
import { type Sum, shiftTable, sumOf } from './table.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    reader: { type: 'string' },
    schedules: { type: 'string', default: '100000' },
    from: { type: 'string', default: '0' },
  },
})
const readers = [...anchoredReaders, ...plainReaders]
const from = Number(values.from)
const schedules = Number(values.schedules)

if (values.seed !== undefined) await replay(Number(values.seed), Number(values.reader ?? 0))
else if (values.reader !== undefined) await runOne(Number(values.reader))
else await runAll()

async function replay(seed: number, number: number): Promise<void> {
  const reader = readers[number]
  if (reader === undefined) throw new Error(`there are readers 0 to ${readers.length - 1}`)
  const { log, ...outcome } = await readShifting(seed, reader)
  for (const line of log) console.log(line)
  console.log({ reader: reader.says, ...outcome })
}

/** One reader; the sum is the last line. */
async function runOne(number: number): Promise<void> {
  const sum = await sumOf(readers[number]!, from, schedules, (seed, problem) =>
    console.log(`${problem}; replay it with: npm run shift -- --seed ${seed} --reader ${number}`),
  )
  console.log(JSON.stringify(sum))
}

async function runAll(): Promise<void> {
  const sums = new Map<number, Sum>()
  const waiting = [...readers.keys()]
  const work = async () => {
    for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
      const began = performance.now()
      const sum = await apart(number)
      sums.set(number, sum)
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      const { reader, lost, doubled, lasting, requests, failed } = sum
      console.log(
        `${reader.says}: ${lost} lost, ${doubled} doubled of ${lasting}, ${requests} requests, ${failed} failed, ${seconds} s`,
      )
      if (reader.overlap === 'anchor' && lost + failed > 0) process.exitCode = 1
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  // Of fewer the page would say little.
  if (from !== 0 || schedules < 5000) return
  const inOrder = readers.map((_, number) => sums.get(number)!)
  writeFileSync(new URL('../../docs/shifting-lists.md', import.meta.url), shiftTable(inOrder, schedules))
}

/** Runs one reader in a process of its own. */
async function apart(number: number): Promise<Sum> {
  const args = ['scripts/shift.mjs', '--reader', number, '--from', from, '--schedules', schedules].map(String)
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  const lines = text.trimEnd().split('\n')
  for (const line of lines.slice(0, -1))
    if (!readers[number]!.dies || !line.includes(' doubled ')) console.log(line)
  return JSON.parse(lines.at(-1)!) as Sum
}
