// Whom a change concerns is looked at, though it is neither the first of the queue that changed nor the one who asked.
import { expect, test } from 'vitest'
import { stores } from '../testing/token-stores.ts'
import { combineQuotas } from './combine.ts'
import { tokenBucket } from './meters/token-bucket.ts'
import type { Quota, QuotaAsk } from './quota.ts'

function watch() {
  const granted: string[] = []
  const ask = (name: string, quota: Quota, asked: QuotaAsk) =>
    quota.acquire({ flow: name, ...asked }).then(
      () => void granted.push(name),
      () => {},
    )
  return { granted, ask }
}

test('who is passed at its endpoint steps back in the account, and whoever it held up there goes at once', async () => {
  const { queues, give, clock } = stores(2)
  const [account, endpoint] = [queues[0]!, queues[1]!]
  const both = combineQuotas([account, endpoint])
  const { granted, ask } = watch()
  give(0, 1)
  give(1, 2)
  void ask('stands in both', both, { cost: 2 })
  void ask('waits for the account', account, { cost: 1 })
  await clock.advance(0)
  expect(granted).toEqual([])
  void ask('waits at the endpoint', both, { cost: 3, priority: 'interactive' })
  await clock.advance(0)
  expect(granted).toEqual(['waits for the account'])
})

test('who steps back from the account leaves no timer there', async () => {
  const { queues, give, clock } = stores(1)
  const endpoint = queues[0]!
  const account = tokenBucket({ requests: 1, perMs: 1000, burst: 1 }, clock)
  ;(await account.acquire()).release()
  const both = combineQuotas([account, endpoint])
  const { granted, ask } = watch()
  give(0, 1)
  void ask('steps back', both, {})
  await clock.advance(0)
  expect(clock.sleepers).toBe(1)
  const abort = new AbortController()
  void ask('passes', endpoint, { cost: 2, priority: 'interactive', signal: abort.signal })
  await clock.advance(0)
  expect(clock.sleepers).toBe(0)
  abort.abort(new Error('gave up'))
  await clock.advance(1000)
  expect(granted).toEqual(['steps back'])
})

test('who moves up since one of its flow left goes at once where it is first now', async () => {
  const { queues, give, clock } = stores(2)
  const [account, endpoint] = [queues[0]!, queues[1]!]
  const { granted, ask } = watch()
  give(0, 1)
  give(1, 1)
  const abort = new AbortController()
  void ask('leaves', account, { cost: 5, flow: 'a', signal: abort.signal })
  void ask('moves up', combineQuotas([account, endpoint]), { cost: 1, flow: 'a' })
  void ask('is passed', endpoint, { cost: 2, flow: 'b' })
  await clock.advance(0)
  expect(granted).toEqual([])
  abort.abort(new Error('gave up'))
  await clock.advance(0)
  expect(granted).toEqual(['moves up'])
})
