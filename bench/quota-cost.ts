// What a quota itself costs: to take of one that nobody waits for, alone and in the client's chain, and to serve a long line and many tenants.
import type { Call, Layer } from '../src/http/layer.ts'
import { quotaLayer } from '../src/http/quota-layer.ts'
import { systemRuntime } from '../src/http/system-runtime.ts'
import type { Clock } from '../src/ports/runtime.ts'
import { combineQuotas } from '../src/quota/combine.ts'
import { concurrency } from '../src/quota/meters/concurrency.ts'
import { requestWindow } from '../src/quota/meters/request-window.ts'
import { tokenBucket } from '../src/quota/meters/token-bucket.ts'
import { createQuota } from '../src/quota/options.ts'
import type { Quota } from '../src/quota/quota.ts'
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

/** Microseconds that a request is in the client's quota layer: before it goes on, and in all. */
export async function inLayer(rounds: number): Promise<{ acquire: number; all: number }> {
  const runtime = systemRuntime()
  const { clock } = runtime
  const declared = [{ requests: 1e9, per: 60_000 }, { concurrent: 1000 }] as const
  const account = { quotas: [createQuota({ quotas: [...declared], rateLimitHeaders: 'auto' }, clock)] }
  let enteredAt = 0
  let acquiring = 0
  const nothing = () => {}
  const layer: Layer = quotaLayer({
    source: 'api',
    priority: undefined,
    patienceMs: 60_000,
    maxConcurrent: 10,
    clock,
    onHold: nothing,
    onWait: nothing,
    onPause: nothing,
    onUse: nothing,
  })
  const call: Call = {
    request: { method: 'GET', url: 'https://api.example/items', headers: {} },
    url: 'https://api.example/items',
    signal: undefined,
    stream: 'api.items',
    account,
    quotas: [],
    attach: undefined,
    repeatable: true,
    attempt: 1,
    recheck: nothing,
  }
  const send = layer(async (sent) => {
    acquiring += performance.now() - enteredAt
    sent.permit?.answered?.()
    return undefined as never
  })
  const pass = async (times: number) => {
    for (let round = 0; round < times; round++) {
      enteredAt = performance.now()
      await send(call, undefined as never)
    }
  }
  await pass(rounds / 10)
  acquiring = 0
  const began = performance.now()
  await pass(rounds)
  const all = performance.now() - began
  await runtime.transport.close()
  return { acquire: (acquiring * 1000) / rounds, all: (all * 1000) / rounds }
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
export function longLine(waiters: number): Promise<LongLine> {
  return serveAll(waiters, (clock) => {
    const bucket = tokenBucket({ requests: 1000, perMs: 1000, burst: 1 }, clock)
    return () => bucket
  })
}

/** Waiters each of whom has a bucket of its own beside the one of all. */
export function manyTenants(waiters: number): Promise<LongLine> {
  return serveAll(waiters, (clock) => {
    const bucket = tokenBucket({ requests: 1000, perMs: 1000, burst: 1 }, clock)
    return () => combineQuotas([bucket, tokenBucket({ requests: 1, perMs: 1000, burst: 1 }, clock)])
  })
}

async function serveAll(waiters: number, quotasOn: (clock: Clock) => () => Quota): Promise<LongLine> {
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
  const quotaOf = quotasOn(watched)
  const served: number[] = []
  const began = performance.now()
  await Promise.all(
    Array.from({ length: waiters }, async (_, index) => {
      const permit = await quotaOf().acquire()
      served.push(index)
      permit.release()
    }),
  )
  const ms = performance.now() - began
  return { waiters, ms, timers, inOrder: served.every((index, place) => index === place) }
}
