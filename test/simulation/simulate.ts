// One seed: the whole product over a simulated API and a simulated clock, and after it every promise checked.
//
//   some runs that the API, the warehouse and the operator disturb, while records change
//   freeze: nothing changes any more, and the minute that the API withholds passes
//   run: what was begun is finished. run: what is left is read. run: nothing is new
//   the warehouse is the truth, record by record; the books, the quotas and the run records are right
import { createSandbox, type Sandbox } from '../../sandbox/sandbox.ts'
import { sandboxTransport } from '../../sandbox/transport.ts'
import { memoryTokenStore } from '../../src/auth/token-store.ts'
import { InterruptedError } from '../../src/errors.ts'
import type { RunReport } from '../../src/observe/report.ts'
import type { Checkpoint, Load } from '../../src/ports/destination.ts'
import type { SluiceEvent } from '../../src/ports/events.ts'
import type { Runtime, Transport } from '../../src/ports/runtime.ts'
import { run } from '../../src/run.ts'
import { type FakeClock, fakeClock } from '../../src/testing/fake-clock.ts'
import { type Chance, chance } from './chance.ts'
import { compareTable } from './compare.ts'
import { BrokenPromiseError } from './failure.ts'
import { Ledger } from './ledger.ts'
import { type Fate, SimulatedProcess } from './process.ts'
import { checkReadAhead, checkReasked } from './reasked.ts'
import { duckdbWarehouse, memoryWarehouse, type SimulatedWarehouse } from './warehouse.ts'
import { type Hazard, planWorld, type RunPlan, type WorldPlan } from './world.ts'

/** What happened, in order: an event of the numbered process. */
export type Trace = (process: number, event: SluiceEvent | { type: string; at: number }) => void

export interface SimulationResult {
  readonly seed: number
  readonly plan: WorldPlan
  readonly processes: number
  readonly requests: number
  /** Rows in all tables at the end. */
  readonly rows: number
  readonly faults: number
  /** By kind: `death`, `interruption`, `failed-commit`, `conflict`. Only what really struck. */
  readonly mishaps: Readonly<Record<string, number>>
  readonly simulatedMs: number
}

const MOST_REQUESTS = 20_000
const DAY_MS = 86_400_000
/** Long past the patience of every retry and every quota of a simulated run. */
const LONGEST_RUN_MS = 10 * DAY_MS
const LONGEST_RUN_REAL_MS = 60_000
/** The API withholds its newest minute, and a stream's margin adds up to five seconds; no quota's window is longer either. */
const CALM_MS = 70_000

const KEYS = {
  users: 'id',
  tickets: 'id',
  transactions: 'id',
  charges: 'id',
  events: '$insert_id',
  exportEvents: '$insert_id',
  projects: 'id',
}

/** @throws BrokenPromiseError, or whatever else went wrong */
export async function simulate(seed: number, trace: Trace = () => {}): Promise<SimulationResult> {
  const plan = planWorld(seed)
  const clock = fakeClock({ start: plan.startTime, auto: true })
  await using warehouse =
    plan.warehouse === 'duckdb'
      ? await duckdbWarehouse(plan.pipeline.name)
      : memoryWarehouse(plan.pipeline.name)
  try {
    return await new Simulation(plan, clock, warehouse, trace).run()
  } finally {
    clock.stop()
  }
}

interface Finished {
  readonly process: SimulatedProcess
  /** Absent where the process died. */
  readonly report: RunReport | undefined
}

interface Death {
  readonly process: SimulatedProcess
  readonly checkpoints: readonly Checkpoint[]
}

class Simulation {
  readonly #plan: WorldPlan
  readonly #clock: FakeClock
  readonly #warehouse: SimulatedWarehouse
  readonly #trace: Trace
  readonly #sandbox: Sandbox
  readonly #draw: Chance
  readonly #ledger = new Ledger()
  readonly #outcomes = new Map<string, string>()
  readonly #mishaps: Record<string, number> = {}
  #processes = 0
  #requests = 0
  #refreshes = false

  constructor(plan: WorldPlan, clock: FakeClock, warehouse: SimulatedWarehouse, trace: Trace) {
    this.#plan = plan
    this.#clock = clock
    this.#warehouse = warehouse
    this.#trace = trace
    this.#sandbox = createSandbox({ ...plan.sandbox, clock })
    this.#draw = chance(plan.seed, 2)
  }

  async run(): Promise<SimulationResult> {
    const { seed, runs, startTime } = this.#plan
    let death: Death | undefined
    for (const each of runs) {
      await this.#clock.sleep(each.pauseMs)
      if (each.mutates) this.#sandbox.mutate()
      death = await this.#disturbedRun(each, death)
    }
    this.#sandbox.freeze()
    let last: RunReport | undefined
    for (let calm = 0; calm < 3; calm++) {
      await this.#clock.sleep(CALM_MS)
      const finished = await this.#execute('none', false)
      if (death !== undefined) this.#checkAfterDeath(death, finished.process)
      death = undefined
      last = finished.report!
    }
    const rows = await this.#checkAll(last!)
    return {
      seed,
      plan: this.#plan,
      processes: this.#processes,
      requests: this.#requests,
      rows,
      faults: Object.values(this.#sandbox.stats.faults).reduce((sum, count) => sum + count, 0),
      mishaps: this.#mishaps,
      simulatedMs: this.#clock.now() - startTime,
    }
  }

  async #disturbedRun(plan: RunPlan, death: Death | undefined): Promise<Death | undefined> {
    if (plan.hazard === 'rivals') {
      const replaces = plan.fullRefresh
      const delay = this.#draw.oneOf([0, 0, 50, 1000, 5000])
      const second = async () => {
        if (delay > 0) await this.#clock.sleep(delay)
        return this.#execute('rivals', replaces && this.#draw.happens(0.5))
      }
      await Promise.all([this.#execute('rivals', replaces), second()])
      return undefined
    }
    const { process, report } = await this.#execute(plan.hazard, plan.fullRefresh)
    if (death !== undefined && !plan.fullRefresh) this.#checkAfterDeath(death, process)
    if (report !== undefined || plan.fullRefresh) return undefined
    return { process, checkpoints: await this.#warehouse.checkpoints() }
  }

  /** One process, from its start to its end or its death. */
  async #execute(hazard: Hazard, fullRefresh: boolean): Promise<Finished> {
    const number = ++this.#processes
    const stop = new AbortController()
    const ended = new AbortController()
    const strike = this.#strikeOf(hazard, () => {
      this.#happened(hazard, number)
      if (hazard === 'death') process.kill()
      else stop.abort(new InterruptedError())
    })
    const process = new SimulatedProcess({
      runtime: this.#runtime(),
      destination: this.#warehouse.destination(),
      ledger: this.#ledger,
      fate: (load) => this.#fateOf(hazard, load, number),
      onEvent: (event) => {
        this.#trace(number, event)
        strike.onEvent()
      },
    })
    if (strike.afterMs !== undefined)
      this.#clock.sleep(strike.afterMs, ended.signal).then(strike.now, () => {})
    let report: RunReport | undefined
    try {
      report = await Promise.race([
        run(this.#plan.pipeline, {
          runtime: process.runtime,
          destination: process.destination,
          tokenStore: memoryTokenStore(),
          onEvent: process.onEvent,
          signal: stop.signal,
          fullRefresh,
        }),
        process.died.then(() => undefined),
        this.#watchdog(ended.signal),
      ])
    } finally {
      ended.abort()
    }
    if (report === undefined) await process.bury()
    if (process.broken !== undefined) throw process.broken
    if (report !== undefined) this.#checkOutcome(hazard, fullRefresh, report)
    return { process, report }
  }

  #runtime(): Runtime {
    const inner = sandboxTransport(this.#sandbox)
    const transport: Transport = async (request, signal) => {
      if (++this.#requests > MOST_REQUESTS)
        throw new BrokenPromiseError('the run ends', `it sent more than ${MOST_REQUESTS} requests`)
      return inner(request, signal)
    }
    return { clock: this.#clock, transport, random: this.#draw.random }
  }

  /** When a death or an interruption strikes: at some moment of simulated time, or at some event. */
  #strikeOf(hazard: Hazard, strike: () => void) {
    const draw = this.#draw
    let left = hazard === 'death' || hazard === 'interruption' ? 1 : 0
    const now = () => {
      if (left-- > 0) strike()
    }
    if (left === 0) return { afterMs: undefined, onEvent: () => {}, now }
    if (draw.happens(0.4))
      return { afterMs: draw.between(0, 10 ** draw.between(1, 5)), onEvent: () => {}, now }
    let events = draw.between(1, draw.oneOf([10, 60, 200]))
    return { afterMs: undefined, onEvent: () => --events === 0 && now(), now }
  }

  #fateOf(hazard: Hazard, load: Load, number: number): Fate {
    const draw = this.#draw
    const phase = draw.oneOf(['before', 'after'])
    if (hazard === 'failed-commit' && draw.happens(0.2)) {
      this.#happened(
        `commit fails ${phase} ${load.id.slice(load.id.indexOf('.') + 1)}`,
        number,
        'failed-commit',
      )
      return { phase, end: 'error' }
    }
    if (hazard === 'death' && draw.happens(0.05)) {
      this.#happened(`death ${phase} commit ${load.id.slice(load.id.indexOf('.') + 1)}`, number, 'death')
      return { phase, end: 'death' }
    }
    return undefined
  }

  #happened(what: string, process: number, kind = what): void {
    this.#mishaps[kind] = (this.#mishaps[kind] ?? 0) + 1
    this.#trace(process, { type: `simulation: ${what}`, at: this.#clock.now() })
  }

  /** Fires when nothing else is left to happen: the automatic clock then goes straight to it. */
  #watchdog(ended: AbortSignal): Promise<never> {
    const fail = () => new BrokenPromiseError('the run ends', 'it waits, and nothing will ever wake it')
    // Work on other threads is invisible to the clock, which would go to its last sleeper meanwhile.
    if (this.#plan.warehouse === 'duckdb' || this.#plan.compressed)
      return new Promise((_, reject) => {
        const timer = setTimeout(() => reject(fail()), LONGEST_RUN_REAL_MS)
        ended.addEventListener('abort', () => clearTimeout(timer))
      })
    return new Promise((_, reject) => {
      this.#clock.sleep(LONGEST_RUN_MS, ended).then(
        () => reject(fail()),
        () => {},
      )
    })
  }

  #checkOutcome(hazard: Hazard, fullRefresh: boolean, report: RunReport): void {
    // A refresh that was cut short is gone on with by the runs after it.
    this.#refreshes ||= fullRefresh
    this.#outcomes.set(report.runId, report.outcome)
    for (const { stream, outcome, error } of report.streams) {
      if (outcome === 'done') continue
      // Right after changes the desk withholds what changed: a small table is then empty, and must not replace a full one (R6).
      if (error?.code === 'REPLACE_EMPTY' && this.#refreshes && stream.startsWith('desk.')) continue
      if (outcome === 'interrupted' && hazard === 'interruption') continue
      if (hazard === 'failed-commit' && error?.code === 'DESTINATION_FAILED') continue
      if (hazard === 'rivals' && error?.code === 'CHECKPOINT_CONFLICT') {
        this.#mishaps['conflict'] = (this.#mishaps['conflict'] ?? 0) + 1
        continue
      }
      throw new BrokenPromiseError(
        'no run fails by itself',
        `${stream} is ${outcome}: ${JSON.stringify(error)}`,
      )
    }
  }

  #checkAfterDeath({ process, checkpoints }: Death, next: SimulatedProcess): void {
    for (const stream of this.#plan.streams) {
      checkReasked(stream, process, next, checkpoints)
      checkReadAhead(stream, process, this.#plan.pipeline.batch.records)
    }
  }

  /** Returns how many rows there are. */
  async #checkAll(last: RunReport): Promise<number> {
    const { streams, quotasHold } = this.#plan
    let count = 0
    for (const { name, table } of streams) {
      const rows = await this.#warehouse.rows(name.replace('.', '_'))
      compareTable(name, KEYS[table], this.#sandbox.truth[table](), rows)
      count += rows.length
    }
    for (const { name, replaces } of streams) {
      const { inserted, updated } = last.streams.find(({ stream }) => stream === name)!
      if (!replaces && inserted + updated > 0)
        throw new BrokenPromiseError(
          'exactly once',
          `the last run loaded ${inserted + updated} records of ${name}`,
        )
    }
    const checkpoints = await this.#warehouse.checkpoints()
    this.#ledger.check(checkpoints)
    const staged = checkpoints.find((checkpoint) => checkpoint.staged)
    if (staged !== undefined)
      throw new BrokenPromiseError('R6', `${staged.stream} has a replacement that was never published`)
    if ((await this.#warehouse.rejects()) > 0)
      throw new BrokenPromiseError('rejects', 'a record was rejected')
    const runs = await this.#warehouse.runs()
    for (const [id, outcome] of this.#outcomes) {
      if (runs.get(id) !== outcome)
        throw new BrokenPromiseError(
          'run record',
          `run ${id} was ${outcome}, its record says ${runs.get(id)}`,
        )
    }
    const { breachesTotal, breaches } = this.#sandbox.stats
    if (quotasHold && breachesTotal > 0)
      throw new BrokenPromiseError('Q1', `requests past a quota: ${JSON.stringify(breaches)}`)
    return count
  }
}
