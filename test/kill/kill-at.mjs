// Loaded before the command line with `node --import`: watches each step of the process towards its destination, from outside the product: a
// SQL statement of DuckDB or PostgreSQL, what goes through a COPY, and what is done to a file below a folder named `lake`.
// SLUICE_KILL_AT, as JSON, says where the process gets a signal, SIGKILL where none is named:
//   { "statement": "^COMMIT$", "occurrence": 3, "when": "before" | "during" | "after", "delayMicros": 200, "signals": ["SIGINT"] }
// The statement goes on when each signal has been handled; with `"hang": true` it never ends. With `"jumpMs": 3600000` there is no signal: the
// machine's clock is put forward, or back.
// SLUICE_CLOCK_OFFSET: what the clock is ahead from the beginning, in milliseconds.
// SLUICE_TRACE names a file that gets each step as a line of JSON when the process ends.
import { once } from 'node:events'
import { promises, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname, extname } from 'node:path'
import process from 'node:process'
import { DuckDBConnection } from '@duckdb/node-api'
import pg from 'pg'

const CAUGHT = ['SIGINT', 'SIGTERM']
const { SLUICE_KILL_AT, SLUICE_TRACE, SLUICE_CLOCK_OFFSET } = process.env
const point = SLUICE_KILL_AT ? JSON.parse(SLUICE_KILL_AT) : undefined
const pattern = point && new RegExp(point.statement)
const statements = []
let met = 0
let clockAhead = Number(SLUICE_CLOCK_OFFSET ?? 0)

const now = Date.now
Date.now = () => now() + clockAhead

/** Runs `work`, with what is to happen there before, during and after it. */
function step(sql, work) {
  // Names that differ from one run to the next.
  const statement = sql
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/"?\bkill_\d+\b"?/g, '"kill"')
    .trim()
  statements.push(statement)
  if (!pattern?.test(statement) || ++met !== point.occurrence) return work()
  return struck(work)
}

async function struck(work) {
  if (point.when === 'before') await strike()
  const result = work()
  // The other side works on while this one stands still.
  if (point.when === 'during') spin(point.delayMicros ?? 0)
  else await result
  if (point.when !== 'before') await strike()
  return result
}

const run = DuckDBConnection.prototype.run
DuckDBConnection.prototype.run = async function (sql, ...rest) {
  return step(sql, () => run.call(this, sql, ...rest))
}

const query = pg.Client.prototype.query
pg.Client.prototype.query = function (config, ...rest) {
  const text = typeof config === 'string' ? config : (config.text ?? '')
  if (typeof config.submit !== 'function') return step(text, () => query.call(this, config, ...rest))
  // COPY: its statement goes first, then come the rows, then its end.
  const { write, end } = config
  config.write = function (chunk, done) {
    step(`${text} (rows)`, async () => write.call(this, chunk, done))
    return true
  }
  config.end = function (done) {
    step(`${text} (end)`, () => new Promise((resolve) => end.call(this, resolve))).then(done)
  }
  return query.call(this, config, ...rest)
}

/** What is done to a file, named by its folder and its kind. */
function fileStep(what, path, work) {
  const text = String(path)
  if (!text.includes('/lake')) return work()
  const name = basename(text).startsWith('.partial') ? '.partial' : `*${extname(text)}`
  return step(`${what} ${basename(dirname(text))}/${name}`, work)
}

for (const name of ['mkdir', 'rename', 'rm']) {
  const original = promises[name]
  promises[name] = (path, ...rest) => fileStep(name, path, () => original(path, ...rest))
}
const { link, open } = promises
promises.link = (from, to) => fileStep('link', to, () => link(from, to))
promises.open = async (path, ...rest) => {
  const handle = await open(path, ...rest)
  for (const name of ['sync', 'writeFile']) {
    const original = handle[name]
    handle[name] = (...given) => fileStep(name, path, () => original.apply(handle, given))
  }
  return handle
}
syncBuiltinESMExports()

function spin(micros) {
  const end = performance.now() + micros / 1000
  while (performance.now() < end);
}

async function strike() {
  if (point.jumpMs !== undefined) {
    clockAhead += point.jumpMs
    return
  }
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
