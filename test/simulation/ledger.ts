import type { Checkpoint, Load, LoadReceipt } from '../../src/ports/destination.ts'
import { BrokenPromiseError } from './failure.ts'

interface Entry {
  readonly stream: string
  readonly slice: string
  readonly version: number
  readonly staged: boolean
}

/**
 * Keeps the books of every commit, apart from the destination: each load once (C3), each checkpoint from the version that the
 * commit before it left (C2). What it says at the end must be what the destination says.
 */
export class Ledger {
  readonly #loads = new Set<string>()
  readonly #checkpoints = new Map<string, Entry>()

  /** The checkpoints of a stream are gone: its next load starts from none. */
  forget(stream: string): void {
    this.#drop(stream, true)
    this.#drop(stream, false)
  }

  /** What was staged is gone; what is live is where nobody has seen it. */
  abandon(stream: string): void {
    for (const [id, entry] of this.#checkpoints) {
      const staged = this.#checkpoints.get(idOf(stream, entry.slice, true))
      if (entry.stream === stream && !entry.staged && staged !== undefined)
        this.#checkpoints.set(id, { ...entry, version: staged.version + 1 })
    }
    this.#drop(stream, true)
  }

  record(load: Load, receipt: LoadReceipt): void {
    if (receipt.replayed || this.#loads.has(load.id))
      throw new BrokenPromiseError('C3', `load ${load.id} was committed twice`)
    this.#loads.add(load.id)
    const { replacement, stream } = load
    const read = load.records.length
    const told = receipt.inserted + receipt.updated + receipt.unchanged
    if (told !== read)
      throw new BrokenPromiseError(
        'receipt',
        `load ${load.id} held ${read} records, its receipt tells of ${told}`,
      )
    for (const { slice, fromVersion } of load.checkpoints) {
      const versions = [false, true].map(
        (staged) => this.#checkpoints.get(idOf(stream, slice, staged))?.version,
      )
      const found = Math.max(...versions.map((version) => version ?? 0))
      if (found !== fromVersion)
        throw new BrokenPromiseError(
          'C2',
          `load ${load.id} moved ${stream} ${slice} from version ${fromVersion}, but it stood at ${found}`,
        )
    }
    if (replacement?.begin) this.#drop(stream, true)
    for (const { slice, fromVersion } of load.checkpoints)
      this.#checkpoints.set(idOf(stream, slice, replacement !== undefined), {
        stream,
        slice,
        version: fromVersion + 1,
        staged: replacement !== undefined,
      })
    if (!replacement?.publish) return
    this.#drop(stream, false)
    for (const [id, entry] of [...this.#checkpoints]) {
      if (entry.stream !== stream) continue
      this.#checkpoints.delete(id)
      this.#checkpoints.set(idOf(stream, entry.slice, false), { ...entry, staged: false })
    }
  }

  /** Compares with what the destination holds: one row a slice (C6) and one more while it is staged, at the version of its last commit. */
  check(stored: readonly Checkpoint[]): void {
    const shown = (entries: Iterable<readonly [string, Entry]>) =>
      JSON.stringify([...entries].map(([id, { version, staged }]) => [id, version, staged]).sort())
    const found = shown(stored.map((row) => [idOf(row.stream, row.slice, row.staged), row] as const))
    const wanted = shown(this.#checkpoints)
    if (found !== wanted)
      throw new BrokenPromiseError(
        'C6',
        `the destination's checkpoints are ${found}, the commits made ${wanted}`,
      )
  }

  #drop(stream: string, staged: boolean): void {
    for (const [id, entry] of this.#checkpoints)
      if (entry.stream === stream && entry.staged === staged) this.#checkpoints.delete(id)
  }
}

function idOf(stream: string, slice: string, staged: boolean): string {
  return `${stream} ${slice} ${staged ? 'staged' : 'live'}`
}
