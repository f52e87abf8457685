// Plays many cases in threads, and watches that each one ends.
import { Worker } from 'node:worker_threads'
import { kindOf } from './cases.ts'
import type { CaseFinding, WorkerResult, WorkerTask } from './worker.ts'

export interface FuzzOptions {
  readonly seed: number
  readonly from: number
  readonly cases: number
  readonly kinds?: readonly string[]
  /** Threads side by side. Default 1. */
  readonly threads?: number
  /** Cases that a thread plays before it is asked for what came of them. Default 5000. */
  readonly batch?: number
  /** After so many milliseconds without an end a case is taken for one that hangs. Default 30,000. */
  readonly patienceMs?: number
  readonly onBatch?: (so: FuzzResult) => void
}

export interface FuzzResult {
  played: number
  readonly counts: Record<string, Record<string, number>>
  readonly slowest: Record<string, { caseNumber: number; ms: number }>
  readonly findings: CaseFinding[]
}

export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { from, cases, threads = 1, batch = 5000 } = options
  const end = from + cases
  const all: FuzzResult = { played: 0, counts: {}, slowest: {}, findings: [] }
  let next = from
  const work = async () => {
    while (next < end) {
      let at = next
      const to = Math.min(end, at + batch)
      next = to
      while (at < to) {
        const { result, stoppedAt } = await playBatch(options, at, to)
        add(all, result)
        at = stoppedAt === undefined ? to : stoppedAt + 1
      }
      options.onBatch?.(all)
    }
  }
  await Promise.all(Array.from({ length: threads }, work))
  return all
}

interface BatchEnd {
  readonly result: WorkerResult
  /** The case that ended the thread. */
  readonly stoppedAt?: number
}

/** What a thread played before a case ended it is lost with it, and not counted. */
function playBatch(options: FuzzOptions, from: number, to: number): Promise<BatchEnd> {
  const { seed, kinds, patienceMs = 30_000 } = options
  const current = new Int32Array(new SharedArrayBuffer(4))
  current[0] = from
  const task: WorkerTask = { seed, from, to, current, ...(kinds && { kinds }) }
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: 1500 },
  })
  return new Promise((resolve) => {
    let seen = from
    let since = performance.now()
    const watch = setInterval(() => {
      const now = Atomics.load(current, 0)
      if (now !== seen) {
        seen = now
        since = performance.now()
      } else if (performance.now() - since > patienceMs) {
        void stop(`it did not end in ${patienceMs} ms`)
      }
    }, 250)
    const stop = async (problem: string) => {
      clearInterval(watch)
      const caseNumber = Atomics.load(current, 0)
      await worker.terminate()
      const finding = { caseNumber, kind: kindOf(caseNumber).name, problem }
      resolve({ result: { counts: {}, slowest: {}, findings: [finding] }, stoppedAt: caseNumber })
    }
    worker.once('message', (result: WorkerResult) => {
      clearInterval(watch)
      void worker.terminate()
      resolve({ result })
    })
    worker.once('error', (error) => void stop(`it ended its thread: ${error.stack}`))
  })
}

function add(all: FuzzResult, { counts, slowest, findings }: WorkerResult): void {
  for (const [kind, outcomes] of Object.entries(counts)) {
    all.counts[kind] ??= {}
    const ofKind = all.counts[kind]
    for (const [outcome, count] of Object.entries(outcomes)) {
      ofKind[outcome] = (ofKind[outcome] ?? 0) + count
      all.played += count
    }
  }
  for (const [kind, slow] of Object.entries(slowest))
    if (!(slow.ms <= (all.slowest[kind]?.ms ?? 0))) all.slowest[kind] = slow
  all.findings.push(...findings)
  all.played += findings.length
}
