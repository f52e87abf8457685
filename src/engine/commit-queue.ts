import type { Clock } from '../ports/runtime.ts'
import type { SourcePage } from '../ports/source.ts'
import { Batch, type BatchLimits } from './batch.ts'

/**
 * Fills one batch while one is being committed, and no more (DESIGN 2: bounded memory). A commit that fails is thrown
 * by whichever call comes next, and `onFailure` is called at once, so that reading stops.
 */
export class CommitQueue {
  readonly #commit: (batch: Batch, publish: boolean) => Promise<void>
  readonly #limits: BatchLimits
  readonly #clock: Clock
  readonly #onFailure: (error: unknown) => void
  #filling: Batch
  #committing: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined

  constructor(options: {
    readonly commit: (batch: Batch, publish: boolean) => Promise<void>
    readonly limits: BatchLimits
    readonly clock: Clock
    readonly onFailure: (error: unknown) => void
  }) {
    this.#commit = options.commit
    this.#limits = options.limits
    this.#clock = options.clock
    this.#onFailure = options.onFailure
    this.#filling = new Batch(options.limits)
  }

  /** What the commit that failed was refused with. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** Takes a page; resolves when there is room for the next one. */
  async add(slice: string, page: SourcePage): Promise<void> {
    this.#throwIfFailed()
    const now = this.#clock.now()
    this.#filling.add(slice, page, now)
    if (!this.#filling.isFull(now)) return
    await this.#committing
    this.#throwIfFailed()
    this.#start(false)
  }

  /** Commits what is left, and with `publish` completes a replacement. */
  async finish(publish: boolean): Promise<void> {
    await this.#committing
    this.#throwIfFailed()
    if (!publish && this.#filling.isEmpty) return
    this.#start(publish)
    await this.#committing
    this.#throwIfFailed()
  }

  #start(publish: boolean): void {
    const batch = this.#filling
    this.#filling = new Batch(this.#limits)
    this.#committing = this.#commit(batch, publish).catch((error: unknown) => {
      this.#failure = { error }
      this.#onFailure(error)
    })
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
