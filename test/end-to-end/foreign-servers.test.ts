// Pipelines that read through servers that are not ours into DuckDB.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RestOptions } from '../../src/source/rest-options.ts'
import { startJsonServer } from '../servers/json-server.ts'
import { startOidcServer } from '../servers/oidc-provider.ts'
import { ids, itemsPipeline, load, query } from './scripted-api.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-foreign-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

const posts = (count: number, first = 1) =>
  Array.from({ length: count }, (_, index) => ({ id: first + index, title: `post ${first + index}` }))
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

const size = { param: '_limit', value: 10 }
const manners: [string, number, RestOptions['streams'][string]['paginate']][] = [
  ['the Link header', 4, { type: 'link-header', size }],
  ['page numbers up to an empty page', 5, { type: 'page-number', param: '_page', size }],
  ['offsets with a total', 4, { type: 'offset', param: '_start', size, total: { header: 'x-total-count' } }],
  ['offsets up to an empty page', 5, { type: 'offset', param: '_start', size }],
]

test.each(manners)(
  'json-server is read by %s, and what was added since by the next run',
  async (kind, pages, paginate) => {
    await using server = await startJsonServer(posts(35))
    const path = kind === 'the Link header' ? 'posts?_page=1' : 'posts'
    const pipeline = itemsPipeline(server.url, { path, records: '', paginate })
    const first = await load(folder, pipeline)
    expect(first.stream).toMatchObject({ outcome: 'done', records: 35, inserted: 35, pages })
    expect(await ids(folder)).toEqual(upTo(35))
    expect(server.asked).toHaveLength(pages)

    server.posts.push(...posts(7, 36))
    server.posts[0]!['title'] = 'changed'
    const second = await load(folder, pipeline)
    expect(second.stream).toMatchObject({ outcome: 'done', inserted: 7, updated: 1, unchanged: 34 })
    expect(await ids(folder)).toEqual(upTo(42))
    expect(await query(folder, 'SELECT title FROM api_items WHERE id = 1')).toEqual([{ title: 'changed' }])
  },
)

test('json-server is read by a growing id: the next run asks only for what was added', async () => {
  await using server = await startJsonServer(posts(25))
  const pipeline = itemsPipeline(server.url, {
    path: 'posts?_sort=id',
    records: '',
    paginate: { type: 'offset', param: '_start', size },
    incremental: { by: 'id', field: 'id', param: 'id_gte', inclusive: true, order: 'ascending' },
  })
  expect((await load(folder, pipeline)).stream).toMatchObject({ outcome: 'done', inserted: 25 })
  server.posts.push(...posts(3, 26))
  server.asked.length = 0
  expect((await load(folder, pipeline)).stream).toMatchObject({ outcome: 'done', inserted: 3, unchanged: 1 })
  expect(server.asked[0]).toContain('id_gte=25')
  expect(await ids(folder)).toEqual(upTo(28))
})

/** Moves the clock that oidc-provider reads; timers stay real. */
function later(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000)
}

test('oidc-provider: client credentials, with tokens that end during the run', async () => {
  await using server = await startOidcServer({ tokenSeconds: 5, records: 500 })
  vi.useFakeTimers({ toFake: ['Date'] })
  const secrets: Record<string, string> = { ID: server.client.id, SECRET: server.client.secret }
  const pipeline = itemsPipeline(
    server.itemsUrl.replace('/items', ''),
    { query: { limit: 100 } },
    {
      auth: {
        type: 'oauth2',
        grant: 'client_credentials',
        tokenUrl: server.tokenUrl,
        clientId: `\${env:ID}`,
        clientSecret: `\${env:SECRET}`,
      },
    },
  )
  let pages = 0
  const { stream } = await loadWith(pipeline, secrets, (type) => {
    // Half way the token has ended; a page later every token is revoked before its time.
    if (type === 'page.read' && ++pages === 2) later(10)
    if (type === 'page.read' && pages === 4) server.revokeAccessTokens()
  })
  expect(stream).toMatchObject({ outcome: 'done', inserted: 500, pages: 5 })
  expect(await ids(folder)).toEqual(upTo(500))
  expect(server.counts.tokenRequests).toBeGreaterThanOrEqual(2)
})

test('oidc-provider: refresh tokens rotate, the newest is kept for the next run (S2), and an old one that is used again revokes all', async () => {
  await using server = await startOidcServer({ tokenSeconds: 5, records: 200 })
  vi.useFakeTimers({ toFake: ['Date'] })
  const granted = await server.grantRefreshToken()
  const secrets: Record<string, string> = {
    ID: server.client.id,
    SECRET: server.client.secret,
    REFRESH: granted,
  }
  const pipeline = itemsPipeline(
    server.itemsUrl.replace('/items', ''),
    {},
    {
      auth: {
        type: 'oauth2',
        grant: 'refresh_token',
        tokenUrl: server.tokenUrl,
        clientId: `\${env:ID}`,
        clientSecret: `\${env:SECRET}`,
        refreshToken: `\${env:REFRESH}`,
      },
    },
  )
  expect((await loadWith(pipeline, secrets)).stream).toMatchObject({ outcome: 'done', inserted: 200 })
  later(10)
  expect((await loadWith(pipeline, secrets)).stream).toMatchObject({ outcome: 'done', unchanged: 200 })
  const tokens = join(folder, '.sluice', 'tokens')
  const kept = readdirSync(tokens).map((name) => readFileSync(join(tokens, name), 'utf8'))
  expect(kept.join()).not.toContain(granted)

  // Another program uses the granted token again: the server takes that for theft, and revokes what came of it.
  const stolen = await fetch(server.tokenUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from([server.client.id, server.client.secret].map(encodeURIComponent).join(':')).toString('base64')}`,
    },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: granted }),
  })
  expect(stolen.status).toBe(400)
  later(10)
  const { stream } = await loadWith(pipeline, secrets)
  expect(stream).toMatchObject({ outcome: 'failed', error: { code: 'TOKEN_REFUSED' } })
  expect(stream.error?.message).toContain('invalid_grant')
  expect(await ids(folder)).toEqual(upTo(200))

  // Mended: a user has granted anew, and the new token outranks the one that was kept.
  secrets['REFRESH'] = await server.grantRefreshToken()
  expect((await loadWith(pipeline, secrets)).stream).toMatchObject({ outcome: 'done', unchanged: 200 })
})

function loadWith(
  pipeline: ReturnType<typeof itemsPipeline>,
  secrets: Readonly<Record<string, string>>,
  onEvent: (type: string) => void = () => {},
) {
  return load(folder, pipeline, {
    lookup: (name) => secrets[name],
    onEvent: ({ type }) => onEvent(type),
  })
}
