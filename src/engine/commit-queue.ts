import type { Clock } from '../ports/runtime.ts'
import type { SourcePage } from '../ports/source.ts'
import type { Batch } from './batch.ts'
import type { Intake } from './intake.ts'

/**
 * Fills one batch while one is being committed, and no more (DESIGN 2: bounded memory). A commit that fails is thrown
 * by whichever call comes next, and `onFailure` is called at once, so that reading stops.
 */
export class CommitQueue {
  readonly #commit: (batch: Batch, publish: boolean) => Promise<void>
  readonly #intake: Intake
  readonly #begin: () => Batch
  readonly #clock: Clock
  readonly #onFailure: (error: unknown) => void
  #filling: Batch
  #committing: Promise<void> = Promise.resolve()
  /** Settles when the last caller of `add` has its turn behind it. */
  #line: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined

  constructor(options: {
    readonly commit: (batch: Batch, publish: boolean) => Promise<void>
    readonly intake: Intake
    /** An empty batch. */
    readonly begin: () => Batch
    readonly clock: Clock
    readonly onFailure: (error: unknown) => void
  }) {
    this.#commit = options.commit
    this.#intake = options.intake
    this.#begin = options.begin
    this.#clock = options.clock
    this.#onFailure = options.onFailure
    this.#filling = options.begin()
  }

  /** What the commit that failed was refused with. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /**
   * Takes a page; resolves when there is room for the next one, or with `commitNow` when it is committed. Several slices may add at once:
   * first come, first served, and each waits with the one page that it holds. A slice must wait for each of its pages.
   */
  add(slice: string, page: SourcePage): Promise<void> {
    const turn = this.#line.then(() => this.#take(slice, page))
    this.#line = turn.catch(() => {})
    return turn
  }

  /** A batch's columns have one type each, since its rows may be encoded as they come: a page that widens one begins a new batch. */
  async #take(slice: string, page: SourcePage): Promise<void> {
    this.#throwIfFailed()
    const checked = this.#intake.check(page)
    if (checked.widened && this.#filling.hasRows) await this.#handOver()
    const now = this.#clock.now()
    this.#filling.add(slice, page, checked, now)
    if (page.commitNow === true) await this.#commitRest(false)
    else if (this.#filling.isFull(now)) await this.#handOver()
  }

  /** Commits what is left, and with `publish` completes a replacement. */
  async finish(publish: boolean): Promise<void> {
    await this.#line
    await this.#commitRest(publish)
  }

  async #commitRest(publish: boolean): Promise<void> {
    await this.#committing
    this.#throwIfFailed()
    if (!publish && this.#filling.isEmpty) return
    this.#start(publish)
    await this.#committing
    this.#throwIfFailed()
  }

  /** Commits what was filled, once what is being committed is through. */
  async #handOver(): Promise<void> {
    await this.#committing
    this.#throwIfFailed()
    this.#start(false)
  }

  #start(publish: boolean): void {
    const batch = this.#filling
    this.#filling = this.#begin()
    this.#committing = this.#commit(batch, publish).catch((error: unknown) => {
      this.#failure = { error }
      this.#onFailure(error)
    })
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
