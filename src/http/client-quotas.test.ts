import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bench, caught, tokens } from '../../test/http/client-bench.ts'
import type { Quota, QuotaCharge } from '../quota/quota.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../testing/scripted-transport.ts'

/** Counts what it holds, and lets each request through a second after the one before. */
function slowQuota(clock: { now(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> }) {
  const seen: number[] = []
  let next = 0
  let held = 0
  const quota: Quota = {
    name: '1 request per 1s',
    async acquire({ signal, onWait } = {}) {
      const at = Math.max(next, clock.now())
      next = at + 1000
      if (at > clock.now()) onWait?.(at - clock.now())
      await clock.sleep(at - clock.now(), signal)
      held++
      return { answered: (reply) => void seen.push(reply?.status ?? 0), release: () => void held-- }
    },
  }
  return { quota, seen, held: () => held }
}

test('Q1: every request waits for its quota, repeats after a 401 or a redirect, too; the quota sees every answer', async () => {
  const clock = fakeClock({ start: 0, auto: true })
  const { quota, seen, held } = slowQuota(clock)
  const sent: number[] = []
  const replies: ScriptedReply[] = [
    { status: 401 },
    { status: 302, headers: { location: '/v2/other' } },
    { status: 404, body: 'none' },
  ]
  const transport = scriptedTransport(
    replies.map((reply) => () => {
      sent.push(clock.now())
      expect(held()).toBe(1)
      return reply
    }),
  )
  const { ask, ofType } = bench([], {
    quotas: [quota],
    auth: tokens(),
    runtime: { clock, transport, random: () => 0.5 },
  })
  await caught(ask())
  expect(sent).toEqual([0, 1000, 2000])
  expect(seen).toEqual([401, 302, 404])
  expect(held()).toBe(0)
  expect(ofType('quota.wait')).toHaveLength(2)
  expect(ofType('quota.hold')).toMatchObject([{ expectedMs: 1000 }, { expectedMs: 1000 }])
})

test('a quota that fails gives back what the quotas before it hold', async () => {
  const first = slowQuota(fakeClock())
  const second: Quota = { ...first.quota, acquire: async () => Promise.reject(new Error('never fits')) }
  const clock = fakeClock({ auto: true })
  const held = slowQuota(clock)
  const { ask } = bench([], { quotas: [held.quota, second] })
  await expect(ask()).rejects.toThrow('never fits')
  expect(held.held()).toBe(0)
})

// PEERS: dlt five threads, round robin
test('no more than maxConcurrent requests are under way at once', async () => {
  let underWay = 0
  let most = 0
  const reply = async (): Promise<ScriptedReply> => {
    most = Math.max(most, ++underWay)
    await new Promise(setImmediate)
    underWay--
    return {}
  }
  const { ask } = bench(Array(12).fill(reply), { maxConcurrent: 3 })
  await Promise.all(Array.from({ length: 12 }, () => ask()))
  expect(most).toBe(3)
})

test('Q4: a wait that the body asks for pauses everybody, as Retry-After does', async () => {
  const observed: unknown[] = []
  const quota: Quota = {
    name: 'q',
    acquire: async () => ({ refused: (refusal) => void observed.push(refusal), release() {} }),
  }
  const busy = { status: 403, body: { message: 'You have exceeded a secondary rate limit.' } }
  const { ask, clock } = bench([busy, { body: 'ok' }], { quotas: [quota] })
  expect(await ask()).toBe('ok')
  expect(observed).toMatchObject([{ kind: 'rate', retryAfterMs: 60_000 }])
  expect(clock.now()).toBeGreaterThanOrEqual(60_000)
})

test.for<[string, ScriptedReply[], QuotaCharge[]]>([
  [
    'a refusal, and what its body says',
    [{ status: 404, body: '{"cost":3}' }],
    [{ bytes: 10, body: { cost: 3 } }],
  ],
  ['a refusal that is no JSON', [{ status: 404, body: 'gone' }], [{ bytes: 4, body: undefined }]],
  [
    'a refusal as it was sent, still compressed',
    [{ status: 404, headers: { 'content-encoding': 'gzip' }, body: gzipSync('{"cost":3}') }],
    [{ bytes: gzipSync('{"cost":3}').length, body: { cost: 3 } }],
  ],
  [
    'a refusal that is longer than what is read of it, as it announces itself',
    [{ status: 404, headers: { 'content-length': '20000' }, body: 'x'.repeat(17_000) }],
    [{ bytes: 20_000, body: undefined }],
  ],
  [
    'a refusal whose body breaks off, as far as it came',
    [{ status: 404, body: 'go', bodyError: new Error('reset') }],
    [{ bytes: 2, body: undefined }],
  ],
  [
    'each reply of several attempts',
    [
      { status: 503, body: 'later' },
      { status: 200, body: 'here' },
    ],
    [{ bytes: 5, body: undefined }, { bytes: 4 }],
  ],
  [
    'a redirect, as it announces itself',
    [{ status: 302, headers: { location: '/other', 'content-length': '7' } }, { body: 'here' }],
    [{ bytes: 7 }, { bytes: 4 }],
  ],
])('every reply is charged with what it weighs, whatever its status: %s', async ([_, replies, charged]) => {
  const charges: QuotaCharge[] = []
  const quota: Quota = {
    name: 'bytes',
    acquire: async () => ({ charge: (charge) => void charges.push(charge), release() {} }),
  }
  await bench(replies, { quotas: [quota] })
    .ask()
    .catch(() => {})
  expect(charges).toEqual(charged)
})
