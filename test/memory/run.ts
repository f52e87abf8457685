// `npm run memory`: the peak memory of `sluice run` into DuckDB, merged by key. The exit code is 1 above the limit.
import { LIMIT_MIB, measure } from './measure.ts'

process.stdout.write(`  records        rows   seconds    rows/s   peak RSS   (limit ${LIMIT_MIB} MiB)\n`)
for (const records of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000_000, 2_000_000]) {
  const { rows, ids, seconds, peakMiB } = await measure(records)
  const count = (value: number, width: number) => Math.round(value).toLocaleString('en-US').padStart(width)
  const problem =
    ids !== records || rows !== records
      ? ` ${rows} rows and ${ids} ids arrived`
      : peakMiB >= LIMIT_MIB
        ? ' too much'
        : ''
  process.stdout.write(
    `${count(records, 9)} ${count(rows, 11)} ${seconds.toFixed(1).padStart(9)} ${count(records / seconds, 9)} ${peakMiB.toFixed(0).padStart(6)} MiB ${problem}\n`,
  )
  if (problem !== '') process.exitCode = 1
}
