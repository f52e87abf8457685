import { expect, test } from 'vitest'
import type { HttpHeaders } from '../../ports/runtime.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { combineQuotas } from '../combine.ts'
import { concurrency } from '../meters/concurrency.ts'
import type { Permit } from '../quota.ts'
import { ReportedQuotas } from './reported-quotas.ts'
import { resourceName, routeName } from './route-name.ts'

function setUp() {
  const clock = fakeClock()
  const start = clock.now()
  const quota = new ReportedQuotas({ rateLimitHeaders: 'auto' }, clock)
  const waitedFor: (string | undefined)[] = []
  const ask = (path: string, route?: string) => {
    const asked: { at: number | undefined; permit: Permit | undefined } = { at: undefined, permit: undefined }
    const request = { method: 'GET', url: `https://api.test${path}`, headers: {}, route }
    void quota.acquire({ request, onWait: (_ms, name) => waitedFor.push(name) }).then((permit) => {
      asked.at = clock.now() - start
      asked.permit = permit
    })
    return asked
  }
  const soon = async (path: string, route?: string) => {
    const asked = ask(path, route)
    await clock.advance(0)
    return asked.at
  }
  const exchange = async (path: string, headers: HttpHeaders, status = 200, route?: string) => {
    const asked = ask(path, route)
    await clock.advance(0)
    asked.permit!.answered!({ status, headers })
    asked.permit!.release()
    await clock.advance(0)
  }
  return { clock, quota, ask, soon, exchange, waitedFor }
}
const github = (resource: string, left: number, limit = 30) => ({
  'x-ratelimit-limit': String(limit),
  'x-ratelimit-remaining': String(left),
  'x-ratelimit-reset': '60.000',
  'x-ratelimit-resource': resource,
})

test('Q4: a budget holds back the routes whose replies name it, and no others', async () => {
  const { exchange, soon, waitedFor } = setUp()
  await exchange('/repos/acme/app/issues', github('core', 4999, 5000))
  await exchange('/search/issues', github('search', 0))
  expect(await soon('/search/issues?q=1')).toBeUndefined()
  expect(await soon('/repos/acme/app/issues')).toBe(0)
  expect(waitedFor).toEqual(['what the API reports of search'])
})

test('Q4: a route that has not been asked is held back by what all the others share', async () => {
  const account = { 'ratelimit-remaining': '1', 'ratelimit-reset': '60.000', 'ratelimit-limit': '700' }
  const { exchange, soon } = setUp()
  await exchange('/tickets', account)
  await exchange('/exports', {
    ...account,
    'ratelimit-remaining': '1',
    'zendesk-ratelimit-exports': 'total=10; remaining=0; resets=60',
  })
  // The endpoint's own budget is not the others'; the account's last request is.
  expect([await soon('/exports'), await soon('/users'), await soon('/groups')]).toEqual([
    undefined,
    0,
    undefined,
  ])
})

test('Q4: budgets without a name are told apart by their limits, as X counts each endpoint', async () => {
  const x = (limit: number, left: number) => ({
    'x-rate-limit-limit': String(limit),
    'x-rate-limit-remaining': String(left),
    'x-rate-limit-reset': '900.000',
  })
  const { exchange, soon } = setUp()
  await exchange('/tweets', x(3500, 0))
  expect(await soon('/users/1/tweets')).toBeUndefined()
  const { exchange: exchange2, soon: soon2 } = setUp()
  await exchange2('/users/1/tweets', x(900, 899))
  await exchange2('/tweets', x(3500, 0))
  expect([await soon2('/users/2/tweets'), await soon2('/tweets')]).toEqual([0, undefined])
})

test('Q4: a bucket of Discord is one for each channel', async () => {
  const discord = (left: number) => ({
    'x-ratelimit-limit': '5',
    'x-ratelimit-remaining': String(left),
    'x-ratelimit-reset-after': '30.000',
    'x-ratelimit-bucket': 'abcd',
  })
  const { exchange, soon } = setUp()
  await exchange('/channels/290926798999357250/messages', discord(0))
  await exchange('/channels/290926798999357251/messages', discord(4))
  expect(await soon('/channels/290926798999357250/messages')).toBeUndefined()
  expect(await soon('/channels/290926798999357251/messages')).toBe(0)
})

test('Q4: the caller may name the route, where paths tell nothing', async () => {
  const { exchange, soon } = setUp()
  await exchange('/graphql', github('core', 9), 200, 'customers')
  await exchange('/graphql', github('graphql', 0), 200, 'orders')
  expect([await soon('/graphql', 'orders'), await soon('/graphql', 'customers')]).toEqual([undefined, 0])
})

test('Q4: requests that waited before the budget of their route was known are held back by it', async () => {
  const { ask, clock } = setUp()
  // The second is in flight when the first learns of the budget; the rest wait behind a pause.
  const [first, second] = [ask('/search'), ask('/search')]
  await clock.advance(0)
  first.permit!.answered!({ status: 503, headers: { 'retry-after': '10' } })
  first.permit!.release()
  const waiting = [ask('/search'), ask('/search'), ask('/search')]
  second.permit!.answered!({ status: 200, headers: github('search', 1) })
  second.permit!.release()
  await clock.advance(20_000)
  expect(waiting.map(({ at }) => at)).toEqual([10_000, undefined, undefined])
  await clock.advance(50_000)
  expect(waiting.map(({ at }) => at)).toEqual([10_000, 60_007, undefined])
})

test('Q4: a pause belongs to the budget that the refusal names, else to everybody', async () => {
  const { exchange, soon } = setUp()
  await exchange('/repos', github('core', 4999, 5000))
  await exchange('/search', { ...github('search', 0), 'retry-after': '30' }, 403)
  expect([await soon('/search'), await soon('/repos')]).toEqual([undefined, 0])
  await exchange('/repos', { 'retry-after': '30' }, 429)
  expect(await soon('/repos')).toBeUndefined()
})

test('Q4: what a body says of the wait pauses what the reply named', async () => {
  const { ask, clock, exchange, soon } = setUp()
  await exchange('/repos', github('core', 4999, 5000))
  await exchange('/search', github('search', 20))
  const refused = ask('/search')
  await clock.advance(0)
  refused.permit!.answered!({ status: 403, headers: github('search', 19) })
  refused.permit!.refused!({ kind: 'rate', retryAfterMs: 20_000 })
  refused.permit!.release()
  expect([await soon('/search'), await soon('/repos')]).toEqual([undefined, 0])
})

test('Q4: a refusal that is global pauses everybody, whatever bucket it names', async () => {
  const { exchange, soon } = setUp()
  await exchange('/a', {}, 200)
  await exchange(
    '/b',
    {
      'retry-after': '5',
      'x-ratelimit-global': 'true',
      'x-ratelimit-bucket': 'abcd',
      'x-ratelimit-remaining': '3',
      'x-ratelimit-reset-after': '1.000',
    },
    429,
  )
  expect(await soon('/a')).toBeUndefined()
})

test.each([
  ['https://api.test/v1/users/42/posts?page=2', 'GET /v1/users/:id/posts'],
  ['https://api.test/v1/users/0b5f9f2e-6a4e-4c5e-9a5b-2f1f2c3d4e5f', 'GET /v1/users/:id'],
  ['https://api.test/files/5f2b8c0e9d1a4b3c.json', 'GET /files/:id'],
  ['https://api.test/customers/cus_9s6XKzkNRiz8i3aVQz2p#top', 'GET /customers/:id'],
  ['https://api.test/services/data/v60.0/query', 'GET /services/data/v60.0/query'],
  ['https://api.test', 'GET /'],
])('the route of %s is %s', (url, name) => {
  expect(routeName({ method: 'GET', url, headers: {} })).toBe(name)
})

test.each([
  ['https://discord.com/api/v10/channels/290926798999357250/messages', 'channels/290926798999357250'],
  ['https://discord.com/api/v10/guilds/197038439483310086', 'guilds/197038439483310086'],
  ['https://api.test/channels/12/messages', ''],
])('the resource that %s counts for is %j', (url, resource) => {
  expect(resourceName({ method: 'GET', url, headers: {} })).toBe(resource)
})

test('Q2: who waits for the budget of some routes stands in no place of the client; who waits for that of all, does', async () => {
  const { clock, quota, exchange } = setUp()
  await exchange('/repos/acme/app/issues', github('core', 4999, 5000))
  await exchange('/search/issues', github('search', 0))
  const together = combineQuotas([quota, concurrency(2, clock)])
  const served: string[] = []
  const ask = (path: string) => {
    const request = { method: 'GET', url: `https://api.test${path}`, headers: {} }
    void together.acquire({ request }).then((permit) => {
      served.push(path)
      permit.release()
    })
  }
  ask('/search/issues')
  ask('/repos/acme/app/issues')
  ask('/search/issues')
  ask('/repos/acme/app/issues')
  await clock.advance(0)
  expect(served).toEqual(['/repos/acme/app/issues', '/repos/acme/app/issues'])
})
