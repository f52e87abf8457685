import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const api = createRequire(import.meta.url).resolve('@duckdb/node-api')

/** Answers each line with one: `ok` and what was asked for, or DuckDB's refusal. */
const program = `
  const { DuckDBInstance } = require(${JSON.stringify(api)})
  let instance
  let connection
  const deeds = {
    async open(path, mode) {
      instance = await DuckDBInstance.create(path, { access_mode: mode })
      connection = await instance.connect()
    },
    async openWhenFree(path, mode) {
      for (;;) {
        try {
          return await deeds.open(path, mode)
        } catch (error) {
          if (!error.message.includes('Could not set lock')) throw error
          await new Promise(setImmediate)
        }
      }
    },
    rows: async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJson(),
    async close() {
      connection?.closeSync()
      instance?.closeSync()
      connection = instance = undefined
    },
  }
  require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
    const [deed, ...words] = JSON.parse(line)
    const answer = await deeds[deed](...words).then(
      (result) => ({ result: result ?? null }),
      (error) => ({ error: error.message }),
    )
    process.stdout.write(JSON.stringify(answer) + '\\n')
  })`

/** Another process that uses DuckDB files, as a notebook or the shell of DuckDB would. */
export class Neighbour implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>

  constructor() {
    this.#child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** @throws DuckDB's refusal */
  open(path: string, mode: 'READ_ONLY' | 'READ_WRITE'): Promise<unknown> {
    return this.#ask('open', path, mode)
  }

  /** The same, as soon as nobody is in the way. */
  openWhenFree(path: string, mode: 'READ_ONLY' | 'READ_WRITE'): Promise<unknown> {
    return this.#ask('openWhenFree', path, mode)
  }

  rows(sql: string): Promise<unknown> {
    return this.#ask('rows', sql)
  }

  close(): Promise<unknown> {
    return this.#ask('close')
  }

  async #ask(...words: readonly string[]): Promise<unknown> {
    this.#child.stdin!.write(`${JSON.stringify(words)}\n`)
    const { value } = await this.#answers.next()
    const { result, error } = JSON.parse(value as string) as { result: unknown; error?: string }
    if (error !== undefined) throw new Error(error)
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end()
    this.#child.kill()
    await once(this.#child, 'exit')
  }
}
