// npm run shift                                     100,000 schedules by every reader; writes docs/shifting-lists.md
// npm run shift -- --schedules 1000 --from 5000     so many, beginning with a seed
// npm run shift -- --seed 17 --reader 0             one schedule by one reader, with everything that happens in it
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { anchoredReaders, plainReaders, readShifting } from './read-shifting.ts'
import { type Sum, shiftTable, sumOf } from './table.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    reader: { type: 'string', default: '0' },
    schedules: { type: 'string', default: '100000' },
    from: { type: 'string', default: '0' },
  },
})
const readers = [...anchoredReaders, ...plainReaders]

if (values.seed !== undefined) {
  const reader = readers[Number(values.reader)]
  if (reader === undefined) throw new Error(`there are readers 0 to ${readers.length - 1}`)
  const { log, ...outcome } = await readShifting(Number(values.seed), reader)
  for (const line of log) console.log(line)
  console.log({ reader: reader.says, ...outcome })
} else {
  const from = Number(values.from)
  const schedules = Number(values.schedules)
  const sums: Sum[] = []
  for (const [number, reader] of readers.entries()) {
    const began = performance.now()
    const sum = await sumOf(reader, from, schedules, (seed, problem) =>
      console.log(`${problem}; replay it with: npm run shift -- --seed ${seed} --reader ${number}`),
    )
    sums.push(sum)
    console.log(
      `${reader.says}: ${sum.lost} lost, ${sum.doubled} doubled of ${sum.lasting}, ${sum.requests} requests, ${sum.failed} failed, ${((performance.now() - began) / 1000).toFixed(1)} s`,
    )
    if (reader.overlap === 'anchor' && sum.lost + sum.failed > 0) process.exitCode = 1
  }
  if (from === 0 && schedules === 100_000)
    writeFileSync(new URL('../../docs/shifting-lists.md', import.meta.url), shiftTable(sums, schedules))
}
