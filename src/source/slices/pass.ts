// One walk over the partitions of a stream whose lists are read whole each time. A run that was cut short goes on with its pass: what
// it has read is not read again (C4). The next pass reads everything anew.
//
// A slice that was read to its end has the number of the pass as its high-water mark, and when the last one was, the checkpoint
// `(pass)` says so. It never says so before the slices that it speaks of are committed, or along with them.
import type { Progress, ReadOptions, Slice } from '../../ports/source.ts'

/** The key of the checkpoint that holds the number of the last pass that was completed. */
export const passSlice = '(pass)'

const mark = /^pass (\d+)$/

export class Pass {
  readonly #name: string
  readonly #last: Progress | null
  #underWay = 0
  #failed = false
  #onQuiet: (() => void) | undefined

  constructor(committed: ReadonlyMap<string, Progress>) {
    this.#last = committed.get(passSlice) ?? null
    const completed = mark.exec(String(this.#last?.highWater))?.[1]
    this.#name = `pass ${Number(completed ?? 0) + 1}`
  }

  /** Whether a slice was read to its end in this pass. */
  isDone(progress: Progress | null): boolean {
    return progress !== null && progress.position === null && progress.highWater === this.#name
  }

  /** The progress of a slice, as this pass stores it. */
  mark({ position }: Progress, before: Progress | null): Progress {
    return { position, highWater: position === null ? this.#name : (before?.highWater ?? null) }
  }

  /** The slice that is read after all others of the pass. */
  closing(): Slice & { readonly pass: Pass } {
    return { key: passSlice, progress: this.#last, closing: true, pass: this }
  }

  /** Counts the slices that are being read: they may be read side by side. */
  async during(read: () => Promise<void>): Promise<void> {
    this.#underWay++
    try {
      await read()
    } catch (error) {
      this.#failed = true
      throw error
    } finally {
      this.#underWay--
      if (this.#underWay === 0) this.#onQuiet?.()
    }
  }

  /** Resolves when every slice that was begun before was handed on: with what is true then, or with nothing where one failed. */
  async completed(): Promise<Progress | undefined> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onQuiet = resolve
      })
    }
    return this.#failed ? undefined : { position: null, highWater: this.#name }
  }
}

/** Reads a slice in its pass, where it belongs to one. The closing slice asks nothing: its progress is what the pass has come to. */
export async function readInPass(
  pass: Pass | undefined,
  slice: Slice,
  { emit }: Pick<ReadOptions, 'emit'>,
  read: () => Promise<void>,
): Promise<void> {
  if (slice.closing !== true) return await (pass?.during(read) ?? read())
  const progress = await pass?.completed()
  if (progress !== undefined) await emit({ records: [], bytes: 0, progress })
}
