// The log of one pipeline: its commits, each an entry of its own, numbered without a gap. An entry is published by creating the object
// of the next number, which succeeds once: that is the commit (C1, C2). What came before is folded into a snapshot from time to time.
//
// There is one log for a pipeline, not one for each stream: a run commits its streams through one session anyway, what is live of the
// whole pipeline is read with one listing, and a table is found without asking which stream loads it. What it costs is that two processes
// that load different streams meet at the next number: who loses reads the other's entry, and takes the one after it. Its data is written
// already, so it loses one small request.
//
// Invariants:
// 1. An entry is never written again, and readers take entries in order, so that all see the same states.
// 2. A writer that held the state of number n creates n + 1, then looks for n. Where the entry that it knows is not there, the log was
//    cleaned up meanwhile, and n + 1 with it: what it created is no commit, since no reader looks there any more. So cleaning deletes
//    entries in rising order, and never one that is not in the snapshot before the last; and each entry names the one before it, so
//    that what such a writer left is taken for nothing by anybody. No clock has a say in it.
// 3. A snapshot is the fold of all entries up to its number: whoever writes it writes the same.
import type { Runtime } from '../../../ports/runtime.ts'
import { DestinationError } from '../../errors.ts'
import { nonce } from '../nonce.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { apply } from './apply.ts'
import { type Change, type Entry, filesOf } from './entry.ts'
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts'
import { emptyState, KEPT_LOADS, namedFiles, type PipelineState } from './state.ts'

/** Entries after the last snapshot, at least, before the next one. */
const LEAST_ENTRIES = 32
/** And at most: each one is a request for whoever opens the log. */
const MOST_ENTRIES = 512

/** Entries that are asked for at once. */
const READ_AHEAD = 16

const DIGITS = 12

export interface Published {
  /** True where the change is a load that was committed already, from other files (C3). */
  readonly known: boolean
  /** The state that the change was made to. */
  readonly before: PipelineState
  readonly change: Change
}

export class ManifestLog {
  readonly #store: ObjectStore
  readonly #folder: string
  readonly #runtime: Pick<Runtime, 'random'>
  #state: PipelineState = emptyState
  /** Of the last snapshot that is known. */
  #snapshot = { sequence: -1, bytes: 0 }
  /** Bytes of the entries since. */
  #bytesSince = 0
  /** Files that are about to be committed, and whether somebody has cleaned them away meanwhile. */
  readonly #awaited = new Map<string, boolean>()

  /** @param folder where the log is, with a `/` at its end */
  constructor(store: ObjectStore, folder: string, runtime: Pick<Runtime, 'random'>) {
    this.#store = store
    this.#folder = folder
    this.#runtime = runtime
  }

  /** The state as of the last entry that was read. */
  get state(): PipelineState {
    return this.#state
  }

  /** Reads what was committed since. */
  async refresh(): Promise<void> {
    if (this.#state.sequence >= 0 && (await this.#readOn())) return
    await this.#readAnew()
    // What was cleaned away with the entries that are gone can't be told.
    for (const path of this.#awaited.keys()) this.#awaited.set(path, true)
  }

  /** Told before files are written, so that a commit of them fails where somebody takes them for orphans. */
  await(paths: readonly string[]): void {
    for (const path of paths) this.#awaited.set(path, false)
  }

  /** The files are committed, or never will be. */
  forget(paths: readonly string[]): void {
    for (const path of paths) this.#awaited.delete(path)
  }

  /**
   * Whether a change can be committed, as of the last entry.
   * @throws what `apply` refuses it with
   */
  async check(change: Change): Promise<void> {
    while (!this.#isKnown(change) && (await this.#applied(this.#entry(change, ''))) === undefined);
  }

  /**
   * Commits a change: creates the entry after the last one.
   * @throws what `apply` refuses it with, where that is so as of the last entry
   */
  async publish(change: Change): Promise<Published> {
    return (await this.publishFrom(() => change))!
  }

  /**
   * Commits what `make` makes of the very state that the entry comes after: it is asked again where others committed first.
   * @param make `null` where there is nothing to commit
   * @throws as `publish`
   */
  async publishFrom(make: (state: PipelineState) => Change | null): Promise<Published | null> {
    const own = nonce(this.#runtime.random)
    let written = false
    for (;;) {
      const change = make(this.#state)
      if (change === null) return null
      if (this.#isKnown(change) || (written && this.#isOwn(change)))
        return { known: !this.#isOwn(change), before: this.#state, change }
      this.#refuseLate(change)
      const entry = this.#entry(change, own)
      const next = await this.#applied(entry)
      if (next === undefined) continue
      const body = Buffer.from(JSON.stringify(entry))
      const created = await this.#store.create(this.#entryKey(entry.sequence), body)
      if (created && (await this.#isHead())) {
        const before = this.#state
        this.#state = next
        this.#bytesSince += body.length
        return { known: false, before, change }
      }
      written ||= created
      await this.refresh()
    }
  }

  /** Whether a change is committed already that can be only once (C3). */
  #isKnown(change: Change): boolean {
    if (change.kind === 'begin') return this.#state.sequence >= 0
    if (change.kind !== 'load') return false
    const { record, checkpoints, tables } = change
    if (this.#state.loads.has(record.id)) return true
    // One that is not kept any more meets its checkpoints, or its files.
    if (checkpoints.length > 0 || this.#state.loads.size < KEPT_LOADS) return false
    return tables.some(({ table }) =>
      this.#state.tables.get(table)?.files.some(({ loadId }) => loadId === record.id),
    )
  }

  /** Whether a load that is committed is this very one: its entry may have been cleaned up before it could be looked at. */
  #isOwn(change: Change): boolean {
    const named = namedFiles(this.#state)
    return filesOf(change).some((path) => named.has(path))
  }

  #entry(change: Change, own: string): Entry {
    const { sequence, nonce: previous } = this.#state
    return { version: 1, sequence: sequence + 1, nonce: own, previous, at: this.#store.now(), change }
  }

  /** Whether the state's entry is still the one in the log. */
  async #isHead(): Promise<boolean> {
    const { sequence, nonce: known } = this.#state
    if (sequence < 0) return true
    const body = await this.#store.get(this.#entryKey(sequence))
    if (body === null) return false
    try {
      return parseEntry(body).nonce === known
    } catch (error) {
      throw this.#damaged(this.#entryKey(sequence), error)
    }
  }

  /** The state after an entry; `undefined` where the state was old, and was read anew. */
  async #applied(entry: Entry): Promise<PipelineState | undefined> {
    try {
      return apply(this.#state, entry)
    } catch (error) {
      const { sequence } = this.#state
      await this.refresh()
      if (this.#state.sequence === sequence) throw error
      return undefined
    }
  }

  /** Writes a snapshot where enough was committed since the last one. */
  async compact(): Promise<boolean> {
    const entries = this.#state.sequence - this.#snapshot.sequence
    // A large state is not written anew for a few small entries: all snapshots together stay about as large as the entries.
    const worthwhile = entries >= MOST_ENTRIES || this.#bytesSince * 2 >= this.#snapshot.bytes
    if (entries < LEAST_ENTRIES || !worthwhile) return false
    const { sequence } = this.#state
    const body = await encodeSnapshot(this.#state)
    await this.#store.create(this.#snapshotKey(sequence), body)
    this.#snapshot = { sequence, bytes: body.length }
    this.#bytesSince = 0
    return true
  }

  /** Deletes the entries that the snapshot before the last holds, and the snapshots before that one, where they are old enough. */
  async clean(before: number): Promise<number> {
    const snapshots = (await this.#snapshots()).filter(({ modifiedAt }) => modifiedAt < before)
    const kept = snapshots.at(-2)
    if (kept === undefined) return 0
    const gone: string[] = []
    for await (const { key } of this.#store.list(this.#entries)) {
      const sequence = this.#sequenceOf(key)
      if (sequence === undefined) continue
      if (sequence >= kept.sequence) break
      gone.push(key)
    }
    // One after the other: invariant 2.
    for (const key of gone) await this.#store.remove([key])
    const older = snapshots.slice(0, -2).map(({ sequence }) => this.#snapshotKey(sequence))
    await this.#store.remove(older)
    return gone.length + older.length
  }

  /** @param before the snapshot that was read in vain */
  async #readAnew(before?: number): Promise<void> {
    this.#state = emptyState
    this.#bytesSince = 0
    const last = (await this.#snapshots()).at(-1)
    if (before !== undefined && (last?.sequence ?? -1) === before) this.#gap(Math.max(0, before))
    if (last !== undefined) {
      const key = this.#snapshotKey(last.sequence)
      const body = await this.#store.get(key)
      // Cleaned up between the listing and now: there is a newer one.
      if (body === null) return this.#readAnew(last.sequence)
      this.#snapshot = { sequence: last.sequence, bytes: body.length }
      this.#state = await decodeSnapshot(body, last.sequence).catch((error: unknown) => {
        throw this.#damaged(key, error)
      })
    }
    if (!(await this.#readOn())) return this.#readAnew(last?.sequence ?? -1)
  }

  /** Reads the entries after the state's. False where that one is gone, and so may be others after it. */
  async #readOn(): Promise<boolean> {
    const { sequence } = this.#state
    const after = sequence <= 0 ? undefined : this.#entryKey(sequence - 1)
    const found: number[] = []
    for await (const { key } of this.#store.list(this.#entries, after)) {
      const number = this.#sequenceOf(key)
      if (number !== undefined) found.push(number)
    }
    if (sequence >= 0 && found.shift() !== sequence) return false
    for (let from = 0; from < found.length; from += READ_AHEAD) {
      const numbers = found.slice(from, from + READ_AHEAD)
      const bodies = await Promise.all(numbers.map((number) => this.#store.get(this.#entryKey(number))))
      for (const [at, number] of numbers.entries()) {
        const body = number === this.#state.sequence + 1 ? bodies[at]! : null
        const next = body === null ? undefined : this.#next(this.#entryKey(number), number, body)
        // What is not the next one was left by a writer that slept through a cleaning, or a commit is missing.
        if (body === null || next === undefined) return this.#isCleaned()
        this.#state = next
        this.#bytesSince += body.length
      }
    }
    return true
  }

  /**
   * False where the log was cleaned up past the state: it has to be read anew.
   * @throws DestinationError where it was not, and so a commit is missing
   */
  async #isCleaned(): Promise<false> {
    const last = (await this.#snapshots()).at(-1)
    if (last === undefined || last.sequence <= this.#state.sequence) this.#gap()
    return false
  }

  #gap(missing = this.#state.sequence + 1): never {
    throw new DestinationError(
      this.#store.description,
      `the manifest ${this.#store.location(this.#entryKey(missing))} is not there, and later ones are: a commit is missing. Nothing is read past it; ` +
        'bring the object back from a backup, or choose another path and load anew',
    )
  }

  /** The state after an entry; `undefined` where it does not follow on the state's. */
  #next(key: string, number: number, body: Uint8Array): PipelineState | undefined {
    try {
      const entry = parseEntry(body)
      if (entry.version !== 1)
        throw new Error(`it is of version ${entry.version}, and this Sluice reads version 1`)
      if (entry.sequence !== number) throw new Error(`it says that it is number ${entry.sequence}`)
      if (entry.previous !== this.#state.nonce) return undefined
      if (entry.change.kind === 'clean')
        for (const path of entry.change.paths) if (this.#awaited.has(path)) this.#awaited.set(path, true)
      return apply(this.#state, entry)
    } catch (error) {
      throw this.#damaged(key, error)
    }
  }

  #damaged(key: string, error: unknown): DestinationError {
    return new DestinationError(
      this.#store.description,
      `the manifest ${this.#store.location(key)} is damaged (${(error as Error).message}). Nothing is read past it, and nothing was changed; ` +
        'bring the object back from a backup, or choose another path and load anew',
      { cause: error },
    )
  }

  /** @throws DestinationError where the change's files were taken for orphans */
  #refuseLate(change: Change): void {
    if (!filesOf(change).some((path) => this.#awaited.get(path))) return
    throw new DestinationError(
      this.#store.description,
      'this process slept for so long that others took what it meant to commit for orphans. Nothing was published; run again',
    )
  }

  async #snapshots(): Promise<{ sequence: number; modifiedAt: number }[]> {
    const found: { sequence: number; modifiedAt: number }[] = []
    const prefix = `${this.#folder}snapshot/`
    for await (const { key, modifiedAt } of this.#store.list(prefix)) {
      const match = /^(\d+)\.json\.gz$/.exec(key.slice(prefix.length))
      if (match !== null) found.push({ sequence: Number(match[1]), modifiedAt })
    }
    return found
  }

  get #entries(): string {
    return `${this.#folder}log/`
  }

  #entryKey(sequence: number): string {
    return `${this.#entries}${String(sequence).padStart(DIGITS, '0')}.json`
  }

  #snapshotKey(sequence: number): string {
    return `${this.#folder}snapshot/${String(sequence).padStart(DIGITS, '0')}.json.gz`
  }

  #sequenceOf(key: string): number | undefined {
    const match = /^(\d+)\.json$/.exec(key.slice(this.#entries.length))
    return match === null ? undefined : Number(match[1])
  }
}

function parseEntry(body: Uint8Array): Entry {
  return JSON.parse(Buffer.from(body).toString('utf8')) as Entry
}
