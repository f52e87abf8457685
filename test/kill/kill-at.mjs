// Loaded before the command line with `node --import`: watches each SQL statement that the process runs, from outside the product.
// SLUICE_KILL_AT, as JSON, says where the process dies by SIGKILL:
//   { "statement": "^COMMIT$", "occurrence": 3, "when": "before" | "during" | "after", "delayMicros": 200 }
// SLUICE_TRACE names a file that gets each statement as a line of JSON when the process ends.
import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { DuckDBConnection } from '@duckdb/node-api'

const { SLUICE_KILL_AT, SLUICE_TRACE } = process.env
const point = SLUICE_KILL_AT ? JSON.parse(SLUICE_KILL_AT) : undefined
const pattern = point && new RegExp(point.statement)
const statements = []
let met = 0

const original = DuckDBConnection.prototype.run
DuckDBConnection.prototype.run = async function run(sql, ...rest) {
  const statement = sql.replaceAll(/\s+/g, ' ').trim()
  statements.push(statement)
  if (!pattern?.test(statement) || ++met !== point.occurrence) return original.call(this, sql, ...rest)
  if (point.when === 'before') die()
  const result = original.call(this, sql, ...rest)
  // DuckDB works on its own thread while this one stands still.
  if (point.when === 'during') spin(point.delayMicros ?? 0)
  else await result
  die()
}

function spin(micros) {
  const end = performance.now() + micros / 1000
  while (performance.now() < end);
}

/** The signal to itself is delivered before the call returns; the loop is there to be sure. */
function die() {
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

if (SLUICE_TRACE) {
  process.on('exit', () =>
    writeFileSync(SLUICE_TRACE, statements.map((statement) => `${JSON.stringify(statement)}\n`).join('')),
  )
}
