// A login from end to end, against an authorization server that is not ours and a browser that is a script.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { authBench, get, messageOf } from '../../test/auth/auth-bench.ts'
import { browse, type Page } from '../../test/auth/browser.ts'
import { ecKeys, pemOf } from '../../test/auth/keys.ts'
import { type OidcServer, startOidcServer } from '../../test/servers/oidc-provider.ts'
import { systemRuntime } from '../http/system-runtime.ts'
import { login } from './login.ts'
import { oauth2, oauth2Authenticator } from './oauth2.ts'
import { type OAuth2Options, oauth2Options } from './oauth2-options.ts'

let server: OidcServer
const system = systemRuntime()
beforeEach(async () => {
  server = await startOidcServer({ tokenSeconds: 60, records: 1, signingKey: ecKeys('P-256').privateKey })
})
afterEach(async () => {
  vi.useRealTimers()
  await server[Symbol.asyncDispose]()
})

function bench(more: Partial<OAuth2Options> = {}) {
  const made = authBench({ transport: system.transport })
  vi.useFakeTimers({ toFake: ['Date'], now: made.clock.now() })
  const options = oauth2Options.parse(
    oauth2({
      grant: 'authorization_code',
      authorizationUrl: server.authorizationUrl,
      tokenUrl: server.tokenUrl,
      clientId: server.nativeClient.id,
      scope: 'openid offline_access read',
      authorizationParams: { prompt: 'consent' },
      ...more,
    }),
  )
  const auth = oauth2Authenticator(options, made.context)
  let shown: (url: string) => void = () => {}
  const address = new Promise<string>((resolve) => {
    shown = resolve
  })
  return {
    ...made,
    options,
    address,
    start: (signal?: AbortSignal) => login(options, made.context, { show: shown, ...(signal && { signal }) }),
    async pass(ms: number) {
      await made.clock.advance(ms)
      vi.setSystemTime(made.clock.now())
    },
    async ask() {
      const reply = await system.transport(await auth.sign(get(server.itemsUrl)))
      await reply.discard()
      return reply.status
    },
  }
}

// PEERS: dlt lacks authorization code and PKCE
// PEERS: Airbyte AuthFlow
test('after a login a run reads with its tokens, and renews them as they expire and rotate', async () => {
  const { start, address, ask, pass, secrets, options } = bench()
  const logging = start()
  const url = new URL(await address)
  expect(Object.fromEntries(url.searchParams)).toEqual({
    response_type: 'code',
    client_id: 'sluice-native',
    redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/),
    scope: 'openid offline_access read',
    state: expect.stringMatching(/^[\w-]{22}$/),
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: 'S256',
    prompt: 'consent',
  })
  const page = await browse(url.href)
  expect(page).toMatchObject({ status: 200, text: expect.stringContaining('Logged in') })
  const token = await logging
  expect(token.expiresAt! - token.issuedAt).toBe(60_000)
  expect(secrets).toEqual(expect.arrayContaining([token.accessToken, token.refreshToken]))
  expect(page.text).not.toContain(new URL(page.url).searchParams.get('code'))

  for (let n = 0; n < 5; n++) {
    expect(await ask()).toBe(200)
    await pass(50_000)
  }
  // One for the code, and one each time that the token had grown old.
  expect(server.counts.tokenRequests).toBe(5)
  expect(options.grant).toBe('authorization_code')
})

test('a run without a login says what to run, and asks nobody', async () => {
  const { ask } = bench()
  expect(await messageOf(ask())).toBe(
    'desk: nobody has logged in yet, or the login has ended and left no refresh token: run `sluice auth login desk`',
  )
  expect(server.counts.tokenRequests).toBe(0)
})

test('a login that the server has ended says to log in again', async () => {
  const { start, address, ask, pass } = bench()
  const logging = start()
  await browse(await address)
  const token = await logging
  expect(await ask()).toBe(200)
  // Somebody else has spent the refresh token: the server revokes all that came of it.
  const thief = authBench({ transport: system.transport })
  await oauth2Authenticator(
    oauth2Options.parse(
      oauth2({
        grant: 'refresh_token',
        tokenUrl: server.tokenUrl,
        clientId: server.nativeClient.id,
        refreshToken: token.refreshToken!,
      }),
    ),
    thief.context,
  ).sign(get(server.itemsUrl))
  await pass(55_000)
  expect(await messageOf(ask())).toBe(
    `desk: the token endpoint ${server.tokenUrl} answered 400: invalid_grant (grant request is invalid). The login has expired, was revoked, or was renewed elsewhere: run \`sluice auth login desk\``,
  )
})

test('an answer with another state is refused, and the right one may still come', async () => {
  const { start, address, ask } = bench()
  const logging = start()
  const forged = await browse(await address, (next) => next.replace(/([?&]state=)[^&]+/, '$1forged'))
  expect(forged).toMatchObject({ status: 400, text: expect.stringContaining('belongs to another login') })
  const stateless = await browse(await address, (next) =>
    next.includes('/callback') ? next.replace(/([?&]state=)[^&]+/, '$1') : next,
  )
  expect(stateless.status).toBe(400)
  expect(server.counts.tokenRequests).toBe(0)
  await browse(await address)
  await logging
  expect(await ask()).toBe(200)
})

test('consent that is denied is told, to the browser and where the login was started', async () => {
  server.consent = false
  const { start, address, ask } = bench()
  const failing = messageOf(start())
  const page = await browse(await address)
  expect(page).toMatchObject({ status: 400, text: expect.stringContaining('Not logged in') })
  expect(await failing).toBe(
    'desk: the login was refused: access_denied (ann said no). Consent was not given; log in again to give it',
  )
  await expect(ask()).rejects.toThrow('sluice auth login desk')
})

// PEERS: dlt lacks authorization code and PKCE
test('a code that is not the one of this login buys nothing (PKCE)', async () => {
  const [own, other] = [bench(), bench()]
  const first = own.start()
  let code = ''
  const stolen = browse(await own.address, (next) => {
    const url = new URL(next)
    if (url.pathname !== '/callback') return next
    code = url.searchParams.get('code') ?? ''
    return 'http://127.0.0.1:1/'
  })
  await expect(stolen).rejects.toThrow('ECONNREFUSED')
  const second = messageOf(other.start())
  await browse(await other.address, (next) =>
    next.includes('/callback') ? next.replace(/([?&]code=)[^&]+/, `$1${code}`) : next,
  )
  expect(await second).toBe(
    `desk: the token endpoint ${server.tokenUrl} answered 400: invalid_grant (grant request is invalid). The code was not taken: log in again`,
  )
  const ended = messageOf(first)
  await own.clock.advance(300_000)
  await ended
})

test('nobody who logs in is waited for as long as it says, by our clock', async () => {
  const { start, address, clock } = bench()
  const failing = messageOf(start())
  const { searchParams } = new URL(await address)
  await clock.advance(299_999)
  expect((await browse(`${searchParams.get('redirect_uri')}?state=x`)).status).toBe(400)
  await clock.advance(1)
  expect(await failing).toBe(
    'desk: nobody has logged in within 5m: run `sluice auth login desk` again, and open the address that it shows',
  )
  await expect(browse(searchParams.get('redirect_uri')!)).rejects.toThrow('ECONNREFUSED')
})

test('a login that is given up frees its port', async () => {
  const { start, address } = bench()
  const stop = new AbortController()
  const failing = messageOf(start(stop.signal))
  const uri = new URL(await address).searchParams.get('redirect_uri')!
  stop.abort(new Error('stopped'))
  expect(await failing).toBe('stopped')
  await expect(browse(uri)).rejects.toThrow('ECONNREFUSED')
})

test('the port may be told, and a port that is taken is told of', async () => {
  const holder = createServer((_, response) => response.end())
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
  const { port } = holder.address() as AddressInfo
  const { start, address } = bench({ redirectPort: port })
  expect(await messageOf(start())).toBe(
    `auth.redirectPort: port ${port} of 127.0.0.1 is taken: free it, or set another one`,
  )
  await new Promise((resolve) => holder.close(resolve))
  const logging = start()
  const pages: Page[] = []
  expect(new URL(await address).searchParams.get('redirect_uri')).toBe(`http://127.0.0.1:${port}/callback`)
  pages.push(await browse(`http://127.0.0.1:${port}/favicon.ico`), await browse(await address))
  expect(pages.map(({ status }) => status)).toEqual([404, 200])
  await logging
})

test('an authorization server that answers without a code, or whose token endpoint is down, is told of', async () => {
  const { start, address } = bench()
  const codeless = messageOf(start())
  await browse(await address, (next) =>
    next.includes('/callback') ? next.replace(/([?&])code=[^&]+/, '$1') : next,
  )
  expect(await codeless).toBe(
    'desk: the login came back without a code: check that auth.authorizationUrl is the authorization endpoint',
  )
  const down = createServer((_, response) => response.writeHead(503).end('closed'))
  await new Promise<void>((resolve) => down.listen(0, '127.0.0.1', resolve))
  const tokenUrl = `http://127.0.0.1:${(down.address() as AddressInfo).port}/token`
  const other = bench({ tokenUrl })
  const failing = messageOf(other.start())
  await browse(await other.address)
  expect(await failing).toBe(
    `desk: the token endpoint ${tokenUrl} gave no token: it answered 503. Log in again when it is available`,
  )
  down.closeAllConnections()
  await new Promise((resolve) => down.close(resolve))
})

test('a client that signs its own token is known to a server that is not ours (private_key_jwt)', async () => {
  const { clock, context } = authBench({ transport: system.transport })
  vi.useFakeTimers({ toFake: ['Date'], now: clock.now() })
  const auth = oauth2Authenticator(
    oauth2Options.parse(
      oauth2({
        grant: 'client_credentials',
        tokenUrl: server.tokenUrl,
        clientId: server.signedClient.id,
        clientAuth: 'private_key_jwt',
        assertion: { key: pemOf(ecKeys('P-256').privateKey), algorithm: 'ES256' },
        scope: 'read',
      }),
    ),
    context,
  )
  const reply = await system.transport(await auth.sign(get(server.itemsUrl)))
  await reply.discard()
  expect(reply.status).toBe(200)
})
