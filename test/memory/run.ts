// `npm run memory`: the peak memory of `sluice run` into DuckDB, merged by key. The exit code is 1 above the limit.
import { measure } from './measure.ts'
import { duckdbTarget } from './targets.ts'

process.stdout.write(`  records   seconds    rows/s   peak RSS   (limit ${duckdbTarget.limitMiB} MiB)\n`)
for (const records of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000_000, 2_000_000]) {
  const { seconds, peakMiB } = await measure(records)
  const count = (value: number, width: number) => Math.round(value).toLocaleString('en-US').padStart(width)
  const isTooMuch = peakMiB >= duckdbTarget.limitMiB
  process.stdout.write(
    `${count(records, 9)} ${seconds.toFixed(1).padStart(9)} ${count(records / seconds, 9)} ${peakMiB.toFixed(0).padStart(6)} MiB ${isTooMuch ? ' too much' : ''}\n`,
  )
  if (isTooMuch) process.exitCode = 1
}
