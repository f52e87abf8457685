// A process that can die. What it was doing stays where it is: its promises never settle again, so that nothing of it reaches the
// API or the warehouse after its death, as with SIGKILL.
import { DestinationError } from '../../src/destinations/errors.ts'
import type { Destination, DestinationSession, Load } from '../../src/ports/destination.ts'
import type { EventSink, SluiceEvent } from '../../src/ports/events.ts'
import type { HttpResponse, Runtime } from '../../src/ports/runtime.ts'
import { BrokenPromiseError } from './failure.ts'
import type { Ledger } from './ledger.ts'

/** What becomes of a commit: nothing is written, or everything is, and then the commit fails or the process dies. */
export type Fate = { readonly phase: 'before' | 'after'; readonly end: 'error' | 'death' } | undefined

export interface ProcessOptions {
  readonly runtime: Runtime
  readonly destination: Destination
  readonly ledger: Ledger
  /** Asked at each commit. */
  readonly fate: (load: Load) => Fate
  readonly onEvent: EventSink
}

/** A page that was asked for and answered. */
export interface Answered {
  readonly path: string
  /** The whole URL, which names the page. */
  readonly url: string
}

export interface PageRead {
  readonly slice: string
  readonly records: number
}

export class SimulatedProcess {
  readonly destination: Destination
  readonly runtime: Runtime
  readonly onEvent: EventSink
  /** Resolves when the process dies. */
  readonly died: Promise<void>
  /** Pages in the order in which they were first answered with 200. */
  readonly answered: Answered[] = []
  /** The pages that were read, by stream, in the order in which they were handed on. */
  readonly pagesRead = new Map<string, PageRead[]>()
  /** The slices that were begun, by stream. */
  readonly slicesBegun = new Map<string, Set<string>>()
  /** Records that were committed, by stream. */
  readonly committed = new Map<string, number>()
  /** The first promise that was broken where nobody could throw it. */
  broken: BrokenPromiseError | undefined
  #dead = false
  #tellDeath!: () => void
  readonly #sessions = new Set<DestinationSession>()
  readonly #committing = new Set<Promise<unknown>>()
  readonly #known = new Set<string>()
  /** Until when each source asked to be left alone, and each URL. */
  readonly #pauses = new Map<string, { readonly since: number; readonly until: number }>()

  constructor(options: ProcessOptions) {
    this.died = new Promise((resolve) => {
      this.#tellDeath = resolve
    })
    const { runtime } = options
    this.runtime = {
      random: runtime.random,
      clock: {
        now: () => runtime.clock.now(),
        sleep: (ms, signal) => this.#alive(runtime.clock.sleep(ms, signal)),
      },
      transport: (request, signal) => this.#alive(this.#send(runtime, request, signal)),
    }
    this.destination = {
      ...options.destination,
      open: async (pipeline, how) => this.#session(await options.destination.open(pipeline, how), options),
    }
    this.onEvent = (event) => {
      if (this.#dead) return
      this.#note(event)
      options.onEvent(event)
    }
  }

  /** SIGKILL. */
  kill(): void {
    this.#dead = true
    this.#tellDeath()
  }

  /** What an operating system does after a death: files are closed. A commit that had begun ends first, since its thread can't be stopped here. */
  async bury(): Promise<void> {
    await Promise.allSettled(this.#committing)
    for (const session of this.#sessions) await session[Symbol.asyncDispose]()
  }

  #alive<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => this.#dead || resolve(value),
        (error: unknown) => this.#dead || reject(error),
      )
    })
  }

  async #send(
    { clock, transport }: Runtime,
    request: Parameters<Runtime['transport']>[0],
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    if (this.#dead) return new Promise(() => {})
    const url = new URL(request.url)
    const isToken = url.pathname.endsWith('/tokens')
    // A desk request that has its permit may still wait for a token when another one is told to wait: only its own URL binds it.
    const source = url.pathname.split('/', 2)[1]!
    const bound = source === 'desk' ? request.url : source
    const pause = this.#pauses.get(bound) ?? { since: 0, until: 0 }
    const sentAt = clock.now()
    // What goes out in the very millisecond of the refusal had its permit before.
    if (sentAt > pause.since && sentAt < pause.until && !isToken)
      this.broken ??= new BrokenPromiseError(
        'Q4',
        `${request.url} was asked ${pause.until - sentAt} ms before the time that Retry-After named`,
      )
    const response = await transport(request, signal)
    const retryAfter = response.headers['retry-after']
    if (response.status >= 400 && typeof retryAfter === 'string' && !isToken)
      this.#pause(bound, clock.now(), Number(retryAfter) * 1000)
    if (response.status === 200 && !isToken && !this.#known.has(request.url)) {
      this.#known.add(request.url)
      this.answered.push({ path: url.pathname, url: request.url })
    }
    return response
  }

  #pause(bound: string, now: number, ms: number): void {
    const until = this.#pauses.get(bound)?.until ?? 0
    if (now + ms > until) this.#pauses.set(bound, { since: now, until: now + ms })
  }

  #session(inner: DestinationSession, { fate, ledger }: ProcessOptions): DestinationSession {
    this.#sessions.add(inner)
    const meet = (end: 'error' | 'death', load: Load, phase: string): never => {
      if (end === 'death') this.kill()
      throw new DestinationError('simulated', `told to fail ${phase} the commit of load ${load.id}`)
    }
    const commit = async (load: Load) => {
      const met = fate(load)
      if (met?.phase === 'before') meet(met.end, load, 'before')
      const receipt = await inner.commit(load)
      this.committed.set(
        load.stream,
        (this.committed.get(load.stream) ?? 0) + load.records.length + load.rejects.length,
      )
      try {
        ledger.record(load, receipt)
      } catch (error) {
        this.broken ??= error as BrokenPromiseError
      }
      if (met?.phase === 'after') meet(met.end, load, 'after')
      return receipt
    }
    return {
      readCheckpoints: (stream) => this.#alive(inner.readCheckpoints(stream)),
      readSchema: (table, options) => this.#alive(inner.readSchema(table, options)),
      commit: (load) => {
        if (this.#dead) return new Promise(() => {})
        const committing = commit(load)
        this.#committing.add(committing)
        return this.#alive(committing)
      },
      moveCheckpoints: (move) => this.#alive(inner.moveCheckpoints(move)),
      recordRun: (run) => (this.#dead ? new Promise(() => {}) : this.#alive(inner.recordRun(run))),
      abandonReplacement: async (stream, table, staged) => {
        await this.#alive(inner.abandonReplacement(stream, table, staged))
        ledger.abandon(stream)
      },
      resetStream: async (stream, table, staged) => {
        const count = await this.#alive(inner.resetStream(stream, table, staged))
        ledger.forget(stream)
        return count
      },
      [Symbol.asyncDispose]: async () => {
        if (this.#dead) return new Promise(() => {})
        this.#sessions.delete(inner)
        await inner[Symbol.asyncDispose]()
      },
    }
  }

  #note(event: SluiceEvent): void {
    if (event.type === 'slice.start') {
      const begun = this.slicesBegun.get(event.stream) ?? new Set()
      this.slicesBegun.set(event.stream, begun.add(event.slice))
    }
    if (event.type !== 'page.read') return
    const { stream, slice, records } = event
    const pages = this.pagesRead.get(stream)
    if (pages === undefined) this.pagesRead.set(stream, [{ slice, records }])
    else pages.push({ slice, records })
  }
}
