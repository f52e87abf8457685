// Plays cases in a thread of its own, so that one that never gives control back can be ended and told.
import { parentPort, workerData } from 'node:worker_threads'
import { kindOf, playCase } from './cases.ts'

export interface WorkerTask {
  readonly seed: number
  readonly from: number
  readonly to: number
  /** Only these kinds. Default: all. */
  readonly kinds?: readonly string[]
  /** The case that is played, for whoever watches. */
  readonly current: Int32Array
}

export interface CaseFinding {
  readonly caseNumber: number
  readonly kind: string
  readonly problem: string
}

export interface WorkerResult {
  /** By kind and outcome. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** By kind: the case that took longest, and how long, in milliseconds. */
  readonly slowest: Readonly<Record<string, { readonly caseNumber: number; readonly ms: number }>>
  readonly findings: readonly CaseFinding[]
}

const { seed, from, to, kinds, current } = workerData as WorkerTask
const counts: Record<string, Record<string, number>> = {}
const slowest: Record<string, { caseNumber: number; ms: number }> = {}
const findings: CaseFinding[] = []

const found = (problem: unknown) => {
  const caseNumber = current[0]!
  const text = problem instanceof Error ? (problem.stack ?? String(problem)) : String(problem)
  const cause =
    problem instanceof Error && problem.cause instanceof Error ? `\ncaused by ${problem.cause.stack}` : ''
  const finding = { caseNumber, kind: kindOf(caseNumber).name, problem: text + cause }
  findings.push(finding)
}
process.on('unhandledRejection', (reason) =>
  found(new Error('a rejection that nobody handles', { cause: reason })),
)
process.on('uncaughtException', (error) =>
  found(new Error('an exception that nobody catches', { cause: error })),
)
process.on('warning', (warning) => found(new Error('a warning of the process', { cause: warning })))

for (let caseNumber = from; caseNumber < to; caseNumber++) {
  const kind = kindOf(caseNumber).name
  if (kinds !== undefined && !kinds.includes(kind)) continue
  Atomics.store(current, 0, caseNumber)
  const started = performance.now()
  try {
    const outcome = await playCase(seed, caseNumber)
    counts[kind] ??= {}
    const ofKind = counts[kind]
    ofKind[outcome] = (ofKind[outcome] ?? 0) + 1
  } catch (error) {
    found(error)
  }
  const ms = performance.now() - started
  if (!(ms <= (slowest[kind]?.ms ?? 0))) slowest[kind] = { caseNumber, ms }
}
// What nobody waited for may fail still.
await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))
const result: WorkerResult = { counts, slowest, findings }
parentPort!.postMessage(result)
parentPort!.unref()
