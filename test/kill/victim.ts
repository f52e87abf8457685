// One pipeline, one warehouse, one server: killed, looked into, and run again until done.
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SandboxServer, startSandbox } from '../../sandbox/server.ts'
import type { LogEntry } from '../../sandbox/stats.ts'
import type { TruthRow } from '../../sandbox/world.ts'
import { committed, committedBound, served, uncommittedBound } from './again.ts'
import { FAULTS, type Mode, pipelineOf } from './modes.ts'
import { type ProcessEnd, type ProcessOptions, type SluiceProcess, startSluice } from './sluice-process.ts'
import { onDisk, type Place, type Target } from './targets.ts'
import type { TinyDisk } from './tiny-disk.ts'
import { compare, type Difference } from './truth.ts'
import type { Contents } from './warehouse.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** A run takes a second or two; a loaded machine makes it ten. */
const PATIENCE_MS = 120_000

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
  readonly #place: Place
  readonly #disk: TinyDisk | undefined
  /** Where the pipeline looks anew at what has changed: the records as they were before. */
  #before: readonly TruthRow[] = []
  readonly #everGot = new Set<string>()
  readonly #everCommitted = new Set<string>()
  #committedRecords = 0
  #finished = false
  /** False while what is there before is loaded. */
  #isBegun = false

  private constructor(
    mode: Mode,
    directory: string,
    server: SandboxServer,
    place: Place,
    disk: TinyDisk | undefined,
  ) {
    this.mode = mode
    this.directory = directory
    this.server = server
    this.#place = place
    this.#disk = disk
  }

  /** `target`: default DuckDB. `disk`: where its files go, and its processes. Default: a temporary directory. */
  static async start(
    mode: Mode,
    seed: number,
    { target = onDisk.duckdb, disk }: { readonly target?: Target; readonly disk?: TinyDisk } = {},
  ): Promise<Victim> {
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
    const victim = new Victim(mode, directory, server, await target.place(), disk)
    if (mode.first !== undefined) await victim.#loadFirst(mode.first)
    await victim.#write(mode)
    victim.#isBegun = true
    return victim
  }

  /** Loads what is there before anything is killed, and has the world change. */
  async #loadFirst(first: NonNullable<Mode['first']>): Promise<void> {
    await this.#write(first)
    const { end } = await this.live()
    demand(end.code === 0, 'the first run ends well', end)
    this.#everGot.clear()
    this.#everCommitted.clear()
    this.#finished = false
    if (first.round === undefined) return
    const { sandbox } = this.server
    this.#before = [...sandbox.truth[this.mode.truth]()]
    sandbox.mutate({ at: sandbox.startTime + HOUR_MS, deletes: 0, ...first.round })
  }

  async #write({ source }: Pick<Mode, 'source'>): Promise<void> {
    const { url, sandbox } = this.server
    const pipeline = pipelineOf(this.mode, source(url, sandbox.startTime), this.#place.destination)
    await writeFile(`${this.#disk?.root ?? ''}${this.pipelineFile}`, pipeline)
  }

  get file(): string {
    return join(this.directory, 'warehouse.duckdb')
  }

  get pipelineFile(): string {
    return join(this.directory, 'pipeline.json')
  }

  /** Starts a process that runs the pipeline. */
  run(options: ProcessOptions = {}): SluiceProcess {
    const { only } = (this.#isBegun && this.mode.first) || {}
    return startSluice(['run', this.pipelineFile, ...(only === undefined ? [] : ['--only', only])], {
      ...(this.#disk && { prefix: this.#disk.enter }),
      ...options,
    })
  }

  /** Runs the pipeline once in a process of its own, to its end or its death, and looks at what is left. */
  async live(
    options: ProcessOptions = {},
    meanwhile: (process: SluiceProcess) => unknown = () => {},
  ): Promise<Life> {
    const started = performance.now()
    const logStart = this.server.sandbox.stats.log.length
    const process = this.run(options)
    const patience = setTimeout(() => process.kill('SIGKILL'), PATIENCE_MS)
    // What it waits for may never come, where the process ends first.
    const [end] = await Promise.all([process.ended, Promise.resolve(meanwhile(process)).catch(() => {})])
    clearTimeout(patience)
    demand(performance.now() - started < PATIENCE_MS, 'a run ends', end)
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
    const tables = { table: this.mode.table, list: this.mode.split?.table }
    if (this.#disk === undefined) return this.#place.look(this.directory, tables)
    // DuckDB makes a path through /proc one of this namespace: it is shown a copy.
    const copy = await mkdtemp(join(tmpdir(), 'sluice-copy-'))
    try {
      await cp(`${this.#disk.root}${this.directory}`, copy, {
        recursive: true,
        filter: (name) => !name.endsWith('ballast'),
      })
      return await this.#place.look(copy, tables)
    } finally {
      await rm(copy, { recursive: true, force: true })
    }
  }

  /** What must be true in the end, whoever brought it, and however often the API was asked. Returns what is there. */
  async checkTruth(): Promise<Contents> {
    const contents = await this.#look()
    this.#checkWhole(contents)
    this.#checkComplete(contents)
    return contents
  }

  /** What must be true after every process, dead or done. */
  check({ contents, committedAgain, again }: Life): void {
    this.#checkWhole(contents)
    const mostCommitted = committedBound(this.mode)
    demand(
      committedAgain <= mostCommitted,
      `C4: at most ${mostCommitted} committed pages are asked for again`,
      committedAgain,
    )
    const most = uncommittedBound(this.mode) + mostCommitted
    demand(again <= most, `C4: at most ${most} pages are asked for again in all`, again)
  }

  /** Nothing is there twice, or in part. */
  #checkWhole(contents: Contents): void {
    const { missing, ...difference } = this.#difference(contents)
    demand(isSame({ missing: [], ...difference }), 'nothing doubled, nothing invented', difference)
    const items = this.#itemsOf(contents)
    demand(items.found === items.expected, 'C1: a list is there with its record, and with no other', items)
    demand(
      contents.unknownLoads.length === 0,
      'C1: rows, checkpoints and loads in one transaction',
      contents.unknownLoads,
    )
    if (this.mode.write !== 'replace')
      demand(contents.inserted === contents.stored, 'C1: as many rows as the loads say', {
        rows: contents.stored,
        loads: contents.inserted,
      })
    if (this.mode.write === 'replace')
      demand(contents.rows.length === 0 || missing.length === 0, 'R6: a replacement is whole', missing)
    if (this.mode.write === 'reconcile')
      demand(
        missing.length === 0 || isSame(this.#difference(contents, 'end')),
        'R6: what is gone is removed at once, or nothing is',
        missing,
      )
    const declared = contents.columns.map(({ name }) => name)
    demand(
      [...contents.present].sort().join() === declared.sort().join(),
      'C1: a column is there with its schema, or neither is',
      { table: contents.present, schema: declared },
    )
    this.#checkVersions(contents)
  }

  /** What must be true once a process has ended by itself. */
  checkDone(life: Life): void {
    demand(life.end.code === 0, 'the run ends well', life.end)
    this.check(life)
    this.#checkComplete(life.contents)
  }

  #checkComplete(contents: Contents): void {
    const difference = this.#difference(contents, 'end')
    demand(isSame(difference), 'the warehouse is the truth', difference)
    if (this.#before.length === 0) return
    const ended = compare(contents.ended, contents.columns, this.#replaced(), this.mode)
    demand(isSame(ended), 'each version that has ended is there, once', ended)
  }

  /** Versions that have ended: those that were there before, each once. */
  #checkVersions({ rows, ended, columns }: Contents): void {
    if (this.#before.length === 0) return
    const { missing: _, ...difference } = compare(ended, columns, this.#replaced(), this.mode)
    demand(isSame({ missing: [], ...difference }), 'no version twice, and none invented', difference)
    const before = new Map(this.#before.map((row) => [row.key, changedAt(row)]))
    const begun = rows.flatMap((row) => {
      const key = String(row[this.mode.key])
      const known = before.get(key)
      return known === undefined || Date.parse(known) === Date.parse(String(row['updated_at'])) ? [] : [key]
    })
    const closed = ended.map((row) => String(row[this.mode.key]))
    demand(
      begun.sort().join() === closed.sort().join(),
      'C1: a version ends with the commit by which the next one begins',
      { begun, closed },
    )
  }

  /** The records before the changes, of those that have another time of change now: what has no other is the same version. */
  #replaced(): TruthRow[] {
    const now = new Map([...this.#truth('end')].map((row) => [row.key, changedAt(row)]))
    return this.#before.filter((row) => now.get(row.key) !== changedAt(row))
  }

  #difference({ rows, columns }: Contents, when: 'under way' | 'end' = 'under way') {
    const truth = [...this.#truth(when)]
    if (when === 'end' || this.#before.length === 0) return compare(rows, columns, truth, this.mode)
    // A record is as it was before the changes, or as it is after them.
    const stored = new Map(
      rows.map((row) => [String(row[this.mode.key]), String(row['generated_timestamp'])]),
    )
    const before = new Map(this.#before.map((row) => [row.key, row]))
    const expected = truth.map((row) =>
      row.json.includes(`"generated_timestamp":${stored.get(row.key)},`) ? row : (before.get(row.key) ?? row),
    )
    return compare(rows, columns, expected, this.mode)
  }

  /** What is to be in the table: no record that is gone, and none's list that is split off. */
  *#truth(when: 'under way' | 'end'): Iterable<TruthRow> {
    const { split, first } = this.mode
    const { sandbox } = this.server
    for (const row of sandbox.truth[this.mode.truth]()) {
      if (when === 'end' && first?.keeps?.(row, sandbox.startTime) === false) continue
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
    await this.#place[Symbol.asyncDispose]()
    if (this.#disk === undefined) await rm(this.directory, { recursive: true, force: true })
  }
}

function changedAt({ json }: TruthRow): string {
  return /"updated_at":"([^"]*)"/.exec(json)![1]!
}

function isSame(difference: Difference): boolean {
  return Object.values(difference).every((list) => list.length === 0)
}

function demand(holds: boolean, promise: string, found: unknown): void {
  if (!holds) throw new BrokenPromiseError(`${promise}; found ${JSON.stringify(found)?.slice(0, 2000)}`)
}
