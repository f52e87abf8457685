// One pipeline, one warehouse, one server: killed, looked into, and run again until done.
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type SandboxServer, startSandbox } from '../../sandbox/server.ts'
import type { LogEntry } from '../../sandbox/stats.ts'
import type { TruthRow } from '../../sandbox/world.ts'
import { committed, committedBound, served, uncommittedBound } from './again.ts'
import { FAULTS, type Mode, pipelineOf } from './modes.ts'
import { type ProcessEnd, type ProcessOptions, type SluiceProcess, startSluice } from './sluice-process.ts'
import type { TinyDisk } from './tiny-disk.ts'
import { compare } from './truth.ts'
import { type Contents, look } from './warehouse.ts'

const DAY_MS = 86_400_000

/** What one process did. */
export interface Life {
  readonly end: ProcessEnd
  /** Pages that it got. */
  readonly pages: number
  /** Those of them that are in the warehouse, whole. */
  readonly committed: number
  /** Pages that it got although they had been committed before (C4). */
  readonly committedAgain: number
  /** Pages that it got although an earlier process had got them. */
  readonly again: number
  readonly contents: Contents
}

/** A promise that was not kept. */
export class BrokenPromiseError extends Error {}

export class Victim implements AsyncDisposable {
  readonly mode: Mode
  readonly directory: string
  readonly server: SandboxServer
  readonly #disk: TinyDisk | undefined
  readonly #everGot = new Set<string>()
  readonly #everCommitted = new Set<string>()
  #committedRecords = 0
  #finished = false

  private constructor(mode: Mode, directory: string, server: SandboxServer, disk: TinyDisk | undefined) {
    this.mode = mode
    this.directory = directory
    this.server = server
    this.#disk = disk
  }

  /** `disk`: where its files go, and its processes. Default: a temporary directory. */
  static async start(mode: Mode, seed: number, disk?: TinyDisk): Promise<Victim> {
    const directory = disk?.path ?? (await mkdtemp(join(tmpdir(), 'sluice-kill-')))
    // The base data ends a day before today, so that each of the export's days is over.
    const startTime = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS
    const server = await startSandbox({
      seed,
      records: mode.records,
      startTime,
      limits: { desk: null, pay: null, trackExport: null },
      ...FAULTS,
    })
    const pipeline = pipelineOf(mode, server.url, startTime)
    await writeFile(`${disk?.root ?? ''}${join(directory, 'pipeline.json')}`, pipeline)
    return new Victim(mode, directory, server, disk)
  }

  get file(): string {
    return join(this.directory, 'warehouse.duckdb')
  }

  get pipelineFile(): string {
    return join(this.directory, 'pipeline.json')
  }

  /** Runs the pipeline once in a process of its own, to its end or its death, and looks at what is left. */
  async live(
    options: ProcessOptions = {},
    meanwhile: (process: SluiceProcess) => unknown = () => {},
  ): Promise<Life> {
    const logStart = this.server.sandbox.stats.log.length
    const process = startSluice(['run', this.pipelineFile], {
      ...(this.#disk && { prefix: this.#disk.enter }),
      ...options,
    })
    // What it waits for may never come, where the process ends first.
    void Promise.resolve(meanwhile(process)).catch(() => {})
    const end = await process.ended
    return this.#account(end, this.server.sandbox.stats.log.slice(logStart))
  }

  async #account(end: ProcessEnd, log: readonly LogEntry[]): Promise<Life> {
    const contents = await this.#look()
    const pages = served(this.mode, log)
    // A list that was read to its end and starts anew by its configuration is nothing that was asked again.
    if (this.#finished && this.mode.readsAnew) {
      this.#everGot.clear()
      this.#everCommitted.clear()
    }
    const positions = [...pages.keys()]
    const again = positions.filter((position) => this.#everGot.has(position)).length
    const committedAgain = positions.filter((position) => this.#everCommitted.has(position)).length
    for (const position of positions) this.#everGot.add(position)
    const fresh = contents.committedRecords - this.#committedRecords
    const whole = committed(this.mode, pages, contents, fresh)
    for (const position of whole) this.#everCommitted.add(position)
    this.#committedRecords = contents.committedRecords
    this.#finished =
      contents.checkpoints.length > 0 && contents.checkpoints.every(({ ended, staged }) => ended && !staged)
    return { end, pages: pages.size, committed: whole.size, again, committedAgain, contents }
  }

  async #look(): Promise<Contents> {
    if (this.#disk === undefined) return look(this.file, this.mode.table, this.mode.split?.table)
    // DuckDB makes a path through /proc one of this namespace: it is shown a copy.
    const copy = await mkdtemp(join(tmpdir(), 'sluice-copy-'))
    try {
      await cp(`${this.#disk.root}${this.directory}`, copy, {
        recursive: true,
        filter: (name) => !name.endsWith('ballast'),
      })
      return await look(join(copy, basename(this.file)), this.mode.table, this.mode.split?.table)
    } finally {
      await rm(copy, { recursive: true, force: true })
    }
  }

  /** What must be true after every process, dead or done. */
  check({ contents, committedAgain, again }: Life): void {
    const { missing, ...difference } = this.#difference(contents)
    demand(
      Object.values(difference).every((list) => list.length === 0),
      'nothing doubled, nothing invented',
      difference,
    )
    const items = this.#itemsOf(contents)
    demand(items.found === items.expected, 'C1: a list is there with its record, and with no other', items)
    demand(
      contents.unknownLoads.length === 0,
      'C1: rows, checkpoints and loads in one transaction',
      contents.unknownLoads,
    )
    if (this.mode.name !== 'replace')
      demand(contents.inserted === contents.stored, 'C1: as many rows as the loads say', {
        rows: contents.stored,
        loads: contents.inserted,
      })
    else demand(contents.rows.length === 0 || missing.length === 0, 'R6: a replacement is whole', missing)
    const mostCommitted = committedBound(this.mode)
    demand(
      committedAgain <= mostCommitted,
      `C4: at most ${mostCommitted} committed pages are asked for again`,
      committedAgain,
    )
    const most = uncommittedBound(this.mode) + mostCommitted
    demand(again <= most, `C4: at most ${most} pages are asked for again in all`, again)
  }

  /** What must be true once a process has ended by itself. */
  checkDone(life: Life): void {
    demand(life.end.code === 0, 'the run ends well', life.end)
    this.check(life)
    const difference = this.#difference(life.contents)
    demand(
      Object.values(difference).every((list) => list.length === 0),
      'the warehouse is the truth',
      difference,
    )
  }

  #difference({ rows, columns }: Contents) {
    return compare(rows, columns, this.#truth(), this.mode)
  }

  /** What is to be in the table: no record that is gone, and none's list that is split off. */
  *#truth(): Iterable<TruthRow> {
    const { split } = this.mode
    for (const row of this.server.sandbox.truth[this.mode.truth]()) {
      if (split === undefined) yield row
      else if (!row.json.includes(split.gone))
        yield { ...row, json: row.json.replace(new RegExp(`"${split.field}":\\[[^\\]]*\\],?`), '') }
    }
  }

  /** The lists of the records that are in the table, as they are in theirs and as they are to be. */
  #itemsOf({ rows, items }: Contents): { readonly found: string; readonly expected: string } {
    const { split, key } = this.mode
    if (split === undefined) return { found: '', expected: '' }
    const stored = new Set(rows.map((row) => String(row[key])))
    const expected: string[] = []
    for (const row of this.server.sandbox.truth[this.mode.truth]()) {
      if (!stored.has(row.key)) continue
      const list = (JSON.parse(row.json) as Record<string, string[]>)[split.field]!
      for (const [index, item] of list.entries()) expected.push(`${row.key} ${index} ${item}`)
    }
    const found = items.map((row) => `${row[`parent_${key}`]} ${row['_sluice_index']} ${row['value']}`)
    return { found: found.sort().join(', '), expected: expected.sort().join(', ') }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close()
    if (this.#disk === undefined) await rm(this.directory, { recursive: true, force: true })
  }
}

function demand(holds: boolean, promise: string, found: unknown): void {
  if (!holds) throw new BrokenPromiseError(`${promise}; found ${JSON.stringify(found)?.slice(0, 2000)}`)
}
