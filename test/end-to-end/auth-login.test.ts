// `sluice auth`, as a real process against an authorization server that is not ours.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { browse } from '../auth/browser.ts'
import { type OidcServer, startOidcServer } from '../servers/oidc-provider.ts'
import { Workspace } from './command-line.ts'

let server: OidcServer
const workspace = new Workspace()
beforeAll(async () => {
  server = await startOidcServer({ tokenSeconds: 3600, records: 3 })
  workspace.write(
    'pipeline.yaml',
    `name: logged_in
destination: { type: duckdb, path: w.duckdb }
sources:
  desk:
    type: rest
    baseUrl: ${new URL(server.itemsUrl).origin}/api
    auth:
      type: oauth2
      grant: authorization_code
      authorizationUrl: ${server.authorizationUrl}
      tokenUrl: ${server.tokenUrl}
      clientId: ${server.nativeClient.id}
      scope: openid offline_access read
      authorizationParams: { prompt: consent }
    streams:
      items: { path: items, records: items, key: id, paginate: { type: none } }
  pay:
    type: rest
    baseUrl: http://127.0.0.1:1
    auth: { type: bearer, token: "\${env:PAY_TOKEN}" }
    streams:
      charges: { path: charges, key: id, paginate: { type: none } }
`,
  )
})
afterAll(async () => {
  workspace.remove()
  await server[Symbol.asyncDispose]()
})

test('a run says to log in, the login shows an address and keeps the tokens, and the next run reads', async () => {
  const before = await workspace.sluice('run', '--only', 'desk')
  expect(before.code).toBe(1)
  expect(before.stdout + before.stderr).toContain('run `sluice auth login desk`')
  expect((await workspace.sluice('auth', 'status')).stdout).toMatch(
    /desk {2,}oauth2 authorization_code {2,}nothing: sluice auth login desk {2,}–\npay {2,}bearer {2,}– {2,}–\n/,
  )

  const login = workspace.start('auth', 'login', 'desk')
  const [, url = ''] = await login.said(/^ {2}(http:\S+)$/m)
  expect((await browse(url)).status).toBe(200)
  const ended = await login.ended
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(ended.stdout).toMatch(/desk: logged in\. Runs renew the token by themselves\n$/)

  const status = await workspace.sluice('auth', 'status')
  expect(status.stdout).toMatch(
    /desk {2,}oauth2 authorization_code {2,}refresh token, since 20\S+Z {2,}good until 20\S+Z\n/,
  )
  expect((await workspace.sluice('run', '--only', 'desk')).code).toBe(0)
  expect(await workspace.query('w.duckdb', 'select count(*)::int as n from desk_items')).toEqual([{ n: 3 }])
}, 60_000)

test('a login of a source that has none, or that is not there, is refused', async () => {
  for (const [source, problem] of [
    [
      'pay',
      'sources.pay.auth: bearer needs no login: that is for `type: oauth2` with `grant: authorization_code`',
    ],
    ['dask', 'there is no source "dask"; did you mean desk? (there are desk, pay)'],
  ] as const) {
    const { code, stderr } = await workspace.sluice('auth', 'login', source)
    expect(code).toBe(2)
    expect(stderr).toContain(problem)
  }
})
