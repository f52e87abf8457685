// What a quota itself costs: to take of one that nobody waits for, and to serve a long line.
import { systemRuntime } from '../src/http/system-runtime.ts'
import { concurrency } from '../src/quota/meters/concurrency.ts'
import { requestWindow } from '../src/quota/meters/request-window.ts'
import { tokenBucket } from '../src/quota/meters/token-bucket.ts'
import { fakeClock } from '../src/testing/fake-clock.ts'

/** Microseconds for an acquisition, its answer and its release, where the quota allows it. */
export async function uncontended(rounds: number): Promise<Record<string, number>> {
  const runtime = systemRuntime()
  const { clock } = runtime
  const quotas = {
    window: requestWindow({ requests: 1e9, perMs: 60_000 }, clock),
    bucket: tokenBucket({ requests: 1e9, perMs: 1000 }, clock),
    concurrency: concurrency(10, clock),
  }
  const costs: Record<string, number> = {}
  for (const [name, quota] of Object.entries(quotas)) {
    const take = async (times: number) => {
      for (let round = 0; round < times; round++) {
        const permit = await quota.acquire()
        permit.answered?.()
        permit.release()
      }
    }
    await take(rounds / 10)
    const began = performance.now()
    await take(rounds)
    costs[name] = ((performance.now() - began) * 1000) / rounds
  }
  await runtime.transport.close()
  return costs
}

export interface LongLine {
  readonly waiters: number
  /** All of them together, in milliseconds of this machine. */
  readonly ms: number
  readonly inOrder: boolean
  /** The most timers that were set at once. */
  readonly timers: number
}

/** Waiters of one bucket, on a clock that does not wait. */
export async function longLine(waiters: number): Promise<LongLine> {
  const clock = fakeClock({ start: 0, auto: true })
  let timers = 0
  const watched: typeof clock = {
    ...clock,
    sleep(ms, signal) {
      const sleep = clock.sleep(ms, signal)
      timers = Math.max(timers, clock.sleepers)
      return sleep
    },
  }
  const quota = tokenBucket({ requests: 1000, perMs: 1000, burst: 1 }, watched)
  const served: number[] = []
  const began = performance.now()
  await Promise.all(
    Array.from({ length: waiters }, async (_, index) => {
      const permit = await quota.acquire()
      served.push(index)
      permit.release()
    }),
  )
  const ms = performance.now() - began
  return { waiters, ms, timers, inOrder: served.every((index, place) => index === place) }
}
