// What APIs send that they should not. Each ends in a message that says what was found and what to do; what came before it is
// committed, and a run after the mending loads the rest.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type Handler,
  ids,
  itemPages,
  itemsPipeline,
  load,
  query,
  type ScriptedApi,
  scriptedApi,
  sendJson,
} from './scripted-api.ts'

const good = itemPages(6, 2)
const all = [1, 2, 3, 4, 5, 6]
let api: ScriptedApi
let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-bad-'))
  api = await scriptedApi(good)
})
afterEach(async () => {
  await api[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const from = (after: number, bad: Handler): Handler => {
  return (request, response, url) =>
    Number(url.searchParams.get('after') ?? 0) >= after
      ? bad(request, response, url)
      : good(request, response, url)
}

/** Reads with the third page bad, then mended. Gives the error's code and message. */
async function failsThenMends(bad: Handler, pipeline = itemsPipeline(api.url)) {
  api.handle = from(4, bad)
  const { stream } = await load(folder, pipeline)
  expect(stream.outcome).toBe('failed')
  // What came before is committed.
  expect(await ids(folder)).toEqual([1, 2, 3, 4])
  api.handle = good
  const mended = await load(folder, itemsPipeline(api.url))
  expect(mended.stream).toMatchObject({ outcome: 'done', error: null })
  expect(await ids(folder)).toEqual(all)
  return stream
}
const place = () => `${api.url}/items?after=4`

test('a selector that finds nothing says what the body has', async () => {
  const { error } = await failsThenMends((_, response) => sendJson(response, { item: [], next: null }))
  expect(error).toEqual({
    code: 'SELECTOR_EMPTY',
    message: `${place()}: \`records: items\` found nothing: the body has no \`items\`, only \`item\`, \`next\`; did you mean \`item\`? If the API leaves it out when there are no records, set \`optionalRecords: true\``,
  })
})

test('HTML in place of JSON is said to be HTML, and is not asked for again', async () => {
  api.asked.length = 0
  const { error, retries } = await failsThenMends((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Log in</title>'),
  )
  expect(retries).toBe(0)
  expect(error).toEqual({
    code: 'BODY_UNREADABLE',
    message: `${place()} answered HTML, not JSON (content-type: text/html): "<!doctype html><title>Log in</title>". Likely causes: a login page because the credential is not accepted, a wrong base URL or path, or a proxy's own page`,
  })
})

test('a truncated body is asked for again, and said to be truncated where it stays so', async () => {
  const cut: Handler = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
    response.write('{"items":[{"id":5')
    setImmediate(() => response.destroy())
  }
  const { error, retries } = await failsThenMends(cut)
  expect(retries).toBe(2)
  expect(error?.code).toBe('RETRIES_EXHAUSTED')
  expect(error?.message).toMatch(
    /^gave up after 3 attempts in \d+ ms \(retry\.maxAttempts allows no more\); the last failure: \S+\/items: the body broke off: \d+ bytes arrived, then /,
  )
})

test('a body that is truncated once is healed by asking again', async () => {
  let left = 1
  api.handle = from(4, (request, response, url) => {
    if (left-- > 0) {
      response.writeHead(200, { 'content-length': '500' })
      response.write('{"items":[')
      setImmediate(() => response.destroy())
    } else good(request, response, url)
  })
  const { stream } = await load(folder, itemsPipeline(api.url))
  expect(stream).toMatchObject({ outcome: 'done', retries: 1 })
  expect(await ids(folder)).toEqual(all)
})

test('JSON that ends too early under a whole response is no end of the list', async () => {
  const { error } = await failsThenMends((_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"items":[{"id":5},'),
  )
  expect(error?.code).toBe('RETRIES_EXHAUSTED')
  expect(error?.message).toMatch(
    /the last failure: \S+\/items\?after=4: the body broke off: its JSON ends in the middle, after 19 characters: /,
  )
})

// PEERS: dlt silent zero rows on 200 with an error body
test('an error body under 200 is an error, and never the end of the list', async () => {
  const { error } = await failsThenMends((_, response) =>
    sendJson(response, { error: 'internal', message: 'try again later', items: [] }),
  )
  expect(error?.code).toBe('API_ERROR_BODY')
  expect(error?.message).toMatch(/^\S+\/items\?after=4: the API answered 200, but its body is an error: /)
  expect(error?.message).toContain('try again later')
})

// PEERS: dlt test_offline 401 surfaces
test('a 401 that stays says that the credential is refused', async () => {
  const { error, retries } = await failsThenMends((_, response) =>
    sendJson(response, { message: 'Invalid key' }, 401),
  )
  expect(retries).toBe(0)
  expect(error).toEqual({
    code: 'AUTH_REFUSED',
    message: `GET ${place()} answered 401: Invalid key (check the credential: auth)`,
  })
})

// PEERS: dlt test_incremental missing key or cursor
test('records whose key is missing or null are kept as rejects, with their reason and whole', async () => {
  api.handle = (_, response) =>
    sendJson(response, {
      items: [{ id: 1 }, { name: 'no key' }, { id: null, name: 'null' }, { id: 2 }],
      next: null,
    })
  const { stream } = await load(folder, itemsPipeline(api.url))
  expect(stream).toMatchObject({ outcome: 'done', records: 4, inserted: 2, rejected: 2 })
  expect(stream.rejectReason).toMatch(/id/)
  expect(await ids(folder)).toEqual([1, 2])
  const rejects = await query(
    folder,
    'SELECT reason, record::VARCHAR AS record FROM _sluice_rejects ORDER BY record',
  )
  expect(rejects.map(({ record }) => JSON.parse(String(record)))).toEqual([
    { id: null, name: 'null' },
    { name: 'no key' },
  ])
})

test('with onReject: fail such a record stops its stream, and nothing of its batch is lost', async () => {
  const { error } = await failsThenMends(
    (_, response) => sendJson(response, { items: [{ id: 5 }, { name: 'no key' }], next: null }),
    itemsPipeline(api.url, { onReject: 'fail' }),
  )
  expect(error?.code).toBe('KEY_INVALID')
  expect(error?.message).toMatch(
    /^api\.items: .*so the record can't be told from others: \{"name":"no key"\}\. Name the right field in key/,
  )
})

// PEERS: dlt fault 3 repeated cursor
test('R1: a cursor that repeats stops the stream', async () => {
  const { error } = await failsThenMends((_, response) =>
    sendJson(response, { items: [{ id: 4 }, { id: 5 }], next: 4 }),
  )
  expect(error?.code).toBe('PAGINATION_LOOP')
  expect(error?.message).toMatch(
    /^\S+\/items\?after=4: next is .*4.*, which led to this very page; reading on would never end/,
  )
})

// PEERS: dlt fault 5 token to another host
test('R3: a redirect to another host is refused, and its host is sent nothing', async () => {
  await using elsewhere = await scriptedApi(good)
  const { error } = await failsThenMends((_, response) =>
    response.writeHead(302, { location: `${elsewhere.url}/items` }).end(),
  )
  expect(error?.code).toBe('REDIRECT_REFUSED')
  expect(error?.message).toContain(`${place()} redirects (302) to ${elsewhere.url}/items: `)
  expect(elsewhere.asked).toEqual([])
})

// PEERS: dlt fault 5 token to another host
// PEERS: dlt not tested cross-host links
test('R3: a next link to another host is refused, and its host is sent nothing', async () => {
  await using elsewhere = await scriptedApi(good)
  const pages =
    (third: string): Handler =>
    (_, response, url) => {
      const page = Number(url.searchParams.get('page') ?? 1)
      const next = page === 1 ? '/items?page=2' : page === 2 ? third : null
      sendJson(response, { items: [{ id: page }], next })
    }
  api.handle = pages(`${elsewhere.url}/items?page=3`)
  const pipeline = itemsPipeline(api.url, { paginate: { type: 'next-url', url: 'next' } })
  const { stream } = await load(folder, pipeline)
  expect(stream.error?.code).toBe('ORIGIN_REFUSED')
  expect(stream.error?.message).toBe(
    `${elsewhere.url}/items is at ${elsewhere.url}, and this source is ${api.url}: its credential is not sent elsewhere; if both belong to one API, list ${elsewhere.url} in allowedOrigins`,
  )
  expect(elsewhere.asked).toEqual([])
  expect(await ids(folder)).toEqual([1])
  api.handle = pages('/items?page=3')
  const mended = await load(folder, pipeline)
  expect(mended.stream.outcome).toBe('done')
  expect(await ids(folder)).toEqual([1, 2, 3])
})
