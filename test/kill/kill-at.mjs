// Loaded before the command line with `node --import`: watches each SQL statement that the process runs, from outside the product.
// SLUICE_KILL_AT, as JSON, says where the process gets a signal, SIGKILL where none is named:
//   { "statement": "^COMMIT$", "occurrence": 3, "when": "before" | "during" | "after", "delayMicros": 200, "signals": ["SIGINT"] }
// The statement goes on when each signal has been handled; with `"hang": true` it never ends.
// SLUICE_TRACE names a file that gets each statement as a line of JSON when the process ends.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { DuckDBConnection } from '@duckdb/node-api'

const CAUGHT = ['SIGINT', 'SIGTERM']
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
  if (point.when === 'before') await strike()
  const result = original.call(this, sql, ...rest)
  // DuckDB works on its own thread while this one stands still.
  if (point.when === 'during') spin(point.delayMicros ?? 0)
  else await result
  if (point.when !== 'before') await strike()
  return result
}

function spin(micros) {
  const end = performance.now() + micros / 1000
  while (performance.now() < end);
}

async function strike() {
  // A signal's handler does not keep the process alive; the work that stands still here would.
  const alive = setInterval(() => {}, 1000)
  for (const signal of point.signals ?? ['SIGKILL']) {
    const handled = CAUGHT.includes(signal) ? once(process, signal) : undefined
    process.kill(process.pid, signal)
    // A signal to itself that can't be caught is delivered before the call returns; the loop is there to be sure.
    if (signal === 'SIGKILL') for (;;);
    await handled
  }
  if (point.hang) await new Promise(() => {})
  clearInterval(alive)
}

if (SLUICE_TRACE) {
  process.on('exit', () =>
    writeFileSync(SLUICE_TRACE, statements.map((statement) => `${JSON.stringify(statement)}\n`).join('')),
  )
}
