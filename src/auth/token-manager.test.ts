import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { authBench, get, messageOf } from '../../test/auth/auth-bench.ts'
import { SluiceError } from '../errors.ts'
import { env } from '../options/secret.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import type { ScriptedReply } from '../testing/scripted-transport.ts'
import { oauth2, oauth2Authenticator } from './oauth2.ts'
import { type OAuth2Options, oauth2Options } from './oauth2-options.ts'
import { memoryTokenStore, type StoredToken, type TokenStore } from './token-store.ts'

const variables = { ID: 'client-1', SECRET: 's3cr3t', REFRESH: 'refresh-0' }
const clientCredentials = oauth2({
  grant: 'client_credentials',
  tokenUrl: 'https://login.test/token',
  clientId: env('ID'),
  clientSecret: env('SECRET'),
})
const refreshing = { ...clientCredentials, grant: 'refresh_token', refreshToken: env('REFRESH') } as const

function manage(
  replies: Iterable<ScriptedReply>,
  options: OAuth2Options = clientCredentials,
  store?: TokenStore,
) {
  const bench = authBench({ replies, variables, ...(store && { context: { tokenStore: store } }) })
  const auth = oauth2Authenticator(oauth2Options.parse(options), bench.context)
  const sign = (signal?: AbortSignal) => auth.sign(get('https://api.test/items'), signal)
  return {
    ...bench,
    sign,
    token: async (signal?: AbortSignal) => tokenOf(await sign(signal)),
    renew: (request: HttpRequest, signal?: AbortSignal) => auth.renew!(request, signal),
    reasons: () => bench.events.map((event) => event.type === 'token.refresh' && event.reason),
  }
}
const tokenOf = (request: HttpRequest) => request.headers['authorization']!.slice('Bearer '.length)

/** Gives `t1`, `t2`, … and, where asked to rotate, `refresh-1`, `refresh-2`, … */
function* tokens(expiresIn?: number, rotate = false): Generator<ScriptedReply> {
  for (let n = 1; ; n++) {
    yield {
      body: {
        access_token: `t${n}`,
        ...(expiresIn === undefined ? {} : { expires_in: expiresIn }),
        ...(rotate ? { refresh_token: `refresh-${n}` } : {}),
      },
    }
  }
}
const spent = (requests: readonly HttpRequest[]) =>
  requests.map((request) => new URLSearchParams(String(request.body)).get('refresh_token'))

/** A reply that comes when it is told to. */
function held(reply: ScriptedReply) {
  let answer = () => {}
  const asked = new Promise<void>((resolve) => {
    answer = resolve
  })
  return { reply: async () => asked.then(() => reply), answer }
}

class Lost extends SluiceError {
  readonly code = 'TRANSPORT_FAILED'
  readonly recovery = 'retry'
}

describe('M2: before its end', () => {
  // PEERS: dlt no expiry skew
  test.each([
    [5, 4000],
    [20, 16_000],
    [3600, 3_540_000],
  ])('a token of %d s is used for %d ms', async (seconds, ms) => {
    const { token, clock, reasons } = manage(tokens(seconds))
    expect(await token()).toBe('t1')
    await clock.advance(ms - 1)
    expect(await token()).toBe('t1')
    await clock.advance(1)
    expect(await token()).toBe('t2')
    expect(reasons()).toEqual(['first', 'expiring'])
  })

  test('refreshBefore is kept, up to half of the life', async () => {
    const early = manage(tokens(100), { ...clientCredentials, refreshBefore: '30s' })
    await early.token()
    await early.clock.advance(70_000)
    expect(await early.token()).toBe('t2')
    const tooEarly = manage(tokens(20), { ...clientCredentials, refreshBefore: '1h' })
    await tooEarly.token()
    await tooEarly.clock.advance(9999)
    expect(await tooEarly.token()).toBe('t1')
    await tooEarly.clock.advance(1)
    expect(await tooEarly.token()).toBe('t2')
  })

  // PEERS: dlt no expiry skew
  test('no token is handed out after its end, whenever it is asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 7200 }),
        fc.array(fc.integer({ min: 0, max: 4_000_000 }), { maxLength: 20 }),
        async (seconds, pauses) => {
          const issued = new Map<string, number>()
          let count = 0
          const replies = (function* (): Generator<ScriptedReply> {
            for (;;)
              yield () => {
                const name = `t${++count}`
                issued.set(name, bench.clock.now())
                return { body: { access_token: name, expires_in: seconds } }
              }
          })()
          const bench = manage(replies)
          for (const pause of pauses) {
            await bench.clock.advance(pause)
            const name = await bench.token()
            expect(bench.clock.now()).toBeLessThan(issued.get(name)! + seconds * 1000)
          }
          expect(count).toBeLessThanOrEqual(pauses.length)
        },
      ),
    )
  })

  test('a refresh that fails for a passing reason leaves the token that is still valid, and is tried again later', async () => {
    const { token, clock, requests } = manage([
      { body: { access_token: 't1', expires_in: 100 } },
      { status: 503 },
      { body: { access_token: 't2', expires_in: 100 } },
    ])
    await token()
    await clock.advance(80_000)
    expect(await token()).toBe('t1')
    await clock.advance(9999)
    expect(await token()).toBe('t1')
    expect(requests).toHaveLength(2)
    await clock.advance(1)
    expect(await token()).toBe('t2')
  })

  test('an early refresh that fails only once the token has ended is tried again with full patience', async () => {
    const late = held({ status: 503 })
    const { token, clock, requests } = manage([
      { body: { access_token: 't1', expires_in: 100 } },
      late.reply,
      { status: 503 },
      { body: { access_token: 't2', expires_in: 100 } },
    ])
    await token()
    await clock.advance(90_000)
    const waiting = token()
    await clock.advance(10_000)
    late.answer()
    await clock.advance(10_000)
    expect(await waiting).toBe('t2')
    expect(requests).toHaveLength(4)
  })

  test('a token without an end is used until it is refused', async () => {
    const { token, sign, renew, clock } = manage(tokens())
    await clock.advance(1)
    await token()
    await clock.advance(365 * 86_400_000)
    expect(await token()).toBe('t1')
    expect(await renew(await sign())).toBe(true)
    expect(await token()).toBe('t2')
  })

  // PEERS: dlt auth default_token_expiration
  test('expiresInDefault stands in where the server does not say', async () => {
    const { token, clock } = manage(tokens(), { ...clientCredentials, expiresInDefault: '10s' })
    await token()
    await clock.advance(8000)
    expect(await token()).toBe('t2')
  })

  test('the time that the reply took counts', async () => {
    const slow = held({ body: { access_token: 't1', expires_in: 20 } })
    const { token, clock, requests } = manage([slow.reply, { body: { access_token: 't2', expires_in: 20 } }])
    const first = token()
    await clock.advance(15_000)
    slow.answer()
    expect(await first).toBe('t1')
    expect(await token()).toBe('t1')
    await clock.advance(1000)
    expect(await token()).toBe('t2')
    expect(requests).toHaveLength(2)
  })
})

describe('M1, M5: one refresh for all', () => {
  // PEERS: dlt threads race to refresh
  // PEERS: Airbyte event OAuth
  test('a hundred requests wait for one refresh', async () => {
    const { token, requests } = manage(tokens(60))
    const got = await Promise.all(Array.from({ length: 100 }, () => token()))
    expect(new Set(got)).toEqual(new Set(['t1']))
    expect(requests).toHaveLength(1)
  })

  test('a waiter that gives up leaves the refresh to the others', async () => {
    const slow = held({ body: { access_token: 't1', expires_in: 60 } })
    const { token, requests } = manage([slow.reply])
    const impatient = new AbortController()
    const [first, second] = [token(impatient.signal), token()]
    impatient.abort(new Error('enough'))
    expect(await messageOf(first)).toBe('enough')
    slow.answer()
    expect(await second).toBe('t1')
    expect(requests).toHaveLength(1)
  })

  test('a refresh for which nobody waits is heard to its end, and its token used', async () => {
    const slow = held({ body: { access_token: 't1', refresh_token: 'refresh-1', expires_in: 60 } })
    const { token, requests } = manage([slow.reply], refreshing)
    const impatient = new AbortController()
    const first = token(impatient.signal)
    await new Promise(setImmediate)
    impatient.abort(new Error('enough'))
    expect(await messageOf(first)).toBe('enough')
    const second = token()
    slow.answer()
    expect(await second).toBe('t1')
    expect(requests).toHaveLength(1)
  })

  test('a refresh for which nobody waits does not go on between its attempts; the next request starts afresh', async () => {
    const { token, clock, requests } = manage([{ status: 503 }, ...take(tokens(60), 1)])
    const impatient = new AbortController()
    const first = token(impatient.signal)
    await clock.advance(0)
    expect(clock.sleepers).toBe(1)
    impatient.abort(new Error('enough'))
    expect(await messageOf(first)).toBe('enough')
    expect(clock.sleepers).toBe(0)
    expect(await token()).toBe('t1')
    expect(requests).toHaveLength(2)
  })

  test('one that is aborted already asks for nothing', async () => {
    const { token, requests } = manage([])
    expect(await messageOf(token(AbortSignal.abort(new Error('stopped'))))).toBe('stopped')
    expect(requests).toHaveLength(0)
  })
})

describe('M3: a refused token', () => {
  // PEERS: dlt fault 6 401 with a token that ended early
  test('is refreshed although it has not expired, once for all requests that failed with it', async () => {
    const { sign, renew, token, requests, reasons } = manage(tokens(3600))
    const sent = await Promise.all(Array.from({ length: 20 }, () => sign()))
    const renewed = await Promise.all(sent.map((request) => renew(request)))
    expect(new Set(renewed)).toEqual(new Set([true]))
    expect(await renew(sent[0]!)).toBe(true)
    expect(await token()).toBe('t2')
    expect(requests).toHaveLength(2)
    expect(reasons()).toEqual(['first', 'refused'])
  })

  test('where the server gives the same token again, renewing is of no use and says so', async () => {
    const same = { body: { access_token: 't1', expires_in: 60 } }
    const { sign, renew, token } = manage([same, same])
    expect(await renew(await sign())).toBe(false)
    expect(await token()).toBe('t1')
  })

  test('is not handed out while it is being renewed, nor after that failed', async () => {
    const { sign, renew, token, clock, requests } = manage([
      ...take(tokens(3600), 1),
      ...Array(5).fill({ status: 500 }),
      { body: { access_token: 't2', expires_in: 60 } },
    ])
    const sent = await sign()
    const failed = messageOf(renew(sent))
    const waiting = messageOf(token())
    await clock.advance(60_000)
    const message =
      'desk: the token endpoint https://login.test/token gave no token, asked 5 times: it answered 500. Run again when it is available'
    expect(await failed).toBe(message)
    expect(await waiting).toBe(message)
    expect(requests).toHaveLength(6)
    expect(await token()).toBe('t2')
  })

  test('waits for a refresh that is under way for another reason, and takes its token', async () => {
    const slow = held({ body: { access_token: 't2', expires_in: 100 } })
    const { sign, renew, token, clock, requests } = manage([...take(tokens(100), 1), slow.reply])
    const sent = await sign()
    await clock.advance(90_000)
    const early = token()
    const renewed = renew(sent)
    slow.answer()
    expect(await early).toBe('t2')
    expect(await renewed).toBe(true)
    expect(requests).toHaveLength(2)
  })

  test('is renewed with full patience where the early refresh that it waited for failed', async () => {
    const { sign, renew, token, clock } = manage([
      ...take(tokens(100), 1),
      { status: 503 },
      { status: 503 },
      { body: { access_token: 't2', expires_in: 100 } },
    ])
    const sent = await sign()
    await clock.advance(90_000)
    const early = token()
    const renewed = renew(sent)
    expect(await early).toBe('t1')
    await clock.advance(10_000)
    expect(await renewed).toBe(true)
    expect(await token()).toBe('t2')
  })
})

describe('M4, S2: rotated refresh tokens', () => {
  // PEERS: dlt lacks refresh token
  test('each refresh spends the newest one', async () => {
    const { token, clock, requests, secrets } = manage(tokens(10, true), refreshing)
    for (let n = 0; n < 3; n++) {
      await token()
      await clock.advance(10_000)
    }
    expect(spent(requests)).toEqual(['refresh-0', 'refresh-1', 'refresh-2'])
    expect(secrets).toEqual(
      expect.arrayContaining(['refresh-0', 'refresh-1', 'refresh-2', 'refresh-3', 't1', 't3']),
    )
  })

  test('a server that does not rotate keeps the configured one', async () => {
    const { token, clock, requests } = manage(tokens(10), refreshing)
    await token()
    await clock.advance(10_000)
    await token()
    expect(spent(requests)).toEqual(['refresh-0', 'refresh-0'])
  })

  // PEERS: Airbyte OAuthAuthenticator
  test('the new one is stored before the access token is handed out', async () => {
    const order: string[] = []
    const memory = memoryTokenStore()
    const store: TokenStore = {
      ...memory,
      async write(name, token) {
        await new Promise(setImmediate)
        await memory.write(name, token)
        order.push(`stored ${token.refreshToken}`)
      },
    }
    const { token } = manage(tokens(10, true), refreshing, store)
    order.push(`used ${await token()}`)
    expect(order).toEqual(['stored refresh-1', 'used t1'])
  })

  test('where it cannot be stored, no request goes out with its access token, and the old one is not spent again', async () => {
    const memory = memoryTokenStore()
    const written: StoredToken[] = []
    let full = true
    const store: TokenStore = {
      ...memory,
      async write(name, token) {
        if (full) throw new Error('no space left')
        written.push(token)
        await memory.write(name, token)
      },
    }
    const { token, requests } = manage(tokens(60, true), refreshing, store)
    expect(await messageOf(token())).toBe('no space left')
    expect(await messageOf(token())).toBe('no space left')
    full = false
    expect(await token()).toBe('t1')
    expect(written).toMatchObject([{ refreshToken: 'refresh-1' }])
    expect(requests).toHaveLength(1)
  })

  test('the next run starts with the stored one, which outranks the configured one', async () => {
    const store = memoryTokenStore()
    const first = manage(tokens(10, true), refreshing, store)
    await first.token()
    const next = manage(tokens(10, true), refreshing, store)
    expect(await next.token()).toBe('t1')
    expect(next.requests).toHaveLength(0)
    expect(next.secrets).toContain('t1')
    await next.clock.advance(10_000)
    await next.token()
    expect(spent(next.requests)).toEqual(['refresh-1'])
  })

  test('a refresh token that the user has replaced is used instead of the stored one', async () => {
    const store = memoryTokenStore()
    await manage(tokens(10, true), refreshing, store).token()
    const next = manage(tokens(10, true), { ...refreshing, refreshToken: 'granted-anew' }, store)
    await next.token()
    expect(spent(next.requests)).toEqual(['granted-anew'])
  })

  test('two sources with one credential never spend one refresh token twice', async () => {
    const store = memoryTokenStore()
    const replies = tokens(10, true)
    const one = manage(replies, refreshing, store)
    const other = manage(replies, refreshing, store)
    for (let round = 0; round < 5; round++) {
      const got = await Promise.all([one.token(), other.token()])
      expect(got[0]).toBe(got[1])
      await Promise.all([one.clock.advance(10_000), other.clock.advance(10_000)])
    }
    const all = [...spent(one.requests), ...spent(other.requests)]
    expect(all.sort()).toEqual(['refresh-0', 'refresh-1', 'refresh-2', 'refresh-3', 'refresh-4'])
  })

  test('a token that another process has renewed meanwhile is taken over, not renewed again', async () => {
    const store = memoryTokenStore()
    const replies = tokens(3600, true)
    const one = manage(replies, refreshing, store)
    const other = manage(replies, refreshing, store)
    const [sentByOne, sentByOther] = [await one.sign(), await other.sign()]
    expect(await one.renew(sentByOne)).toBe(true)
    expect(await other.renew(sentByOther)).toBe(true)
    expect(await other.token()).toBe('t2')
    expect(other.requests).toHaveLength(0)
  })

  test('a lost reply is asked for again with the same refresh token', async () => {
    const { token, clock, requests } = manage(
      [{ body: '', bodyError: new Lost('reset') }, ...take(tokens(60, true), 1)],
      refreshing,
    )
    const got = token()
    await clock.advance(1000)
    expect(await got).toBe('t1')
    expect(spent(requests)).toEqual(['refresh-0', 'refresh-0'])
  })
})

test('S1: a missing secret is named by its variable before anything is sent', async () => {
  const { token, requests } = manage([], { ...refreshing, refreshToken: env('NOT_SET') })
  expect(await messageOf(token())).toBe(
    'the environment variable NOT_SET is not set: set it before the run, or name another one in the pipeline',
  )
  expect(requests).toHaveLength(0)
})

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  for (const item of items) {
    if (count-- <= 0) return
    yield item
    if (count === 0) return
  }
}
