import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { type Ask, testWorld, trackAuth } from './ask.ts'

const EVENTS = '/track/api/query/events?project_id=1'
const EXPORT = '/track/api/2.0/export?project_id=1'
const gzip = { headers: { ...trackAuth.headers, 'accept-encoding': 'gzip' } }
const open = { limits: { trackExport: null } }

const lines = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
const exportDay = (ask: Ask, day: string, auth = trackAuth) =>
  ask(`${EXPORT}&from_date=${day}&to_date=${day}`, auth)

test('events come by offset and limit, oldest first, with a total that grows', async () => {
  const { ask, sandbox } = testWorld({ records: { events: 250 } })
  const read = []
  for (let offset = 0; offset < 250; offset += 100) {
    const { body } = await ask(`${EVENTS}&offset=${offset}&limit=100`, trackAuth)
    expect(body).toMatchObject({ total: 250, offset, limit: 100 })
    read.push(...body.results)
  }
  expect(read).toEqual([...sandbox.truth.events()].map(({ json }) => JSON.parse(json)))
  sandbox.mutate({ inserts: 4 })
  const { body } = await ask(`${EVENTS}&offset=250&limit=100`, trackAuth)
  expect([body.total, body.results.length]).toEqual([254, 4])
  expect((await ask(`${EVENTS}&offset=900`, trackAuth)).body).toMatchObject({ results: [], total: 254 })
})

test('the days of an export hold every event, and some lines twice', async () => {
  const { ask, sandbox } = testWorld({ ...open, records: { exportEvents: 900 } })
  sandbox.mutate({ inserts: 30 })
  const { text, headers } = await ask(`${EXPORT}&from_date=2026-01-24&to_date=2026-01-31`, trackAuth)
  expect(headers['content-type']).toBe('text/plain; charset=utf-8')
  const events = lines(text)
  const unique = new Map(events.map((event) => [event.properties.$insert_id, event]))
  expect(events.length).toBeGreaterThan(unique.size)
  expect(unique).toEqual(
    new Map([...sandbox.truth.exportEvents()].map(({ key, json }) => [key, JSON.parse(json)])),
  )
})

test('both dates are included, and a day holds its own UTC day alone', async () => {
  const { ask } = testWorld({ ...open, records: { exportEvents: 900 } })
  const [one, other, both] = await Promise.all([
    exportDay(ask, '2026-01-27'),
    exportDay(ask, '2026-01-28'),
    ask(`${EXPORT}&from_date=2026-01-27&to_date=2026-01-28`, trackAuth),
  ])
  expect(both.text).toBe(one.text + other.text)
  for (const { properties } of lines(one.text)) {
    expect(new Date(properties.time * 1000).toISOString().slice(0, 10)).toBe('2026-01-27')
  }
})

test('gzip is sent when it is asked for and worth it, as one member, in chunks that do not end with a line', async () => {
  const { ask, sandbox } = testWorld({ ...open, records: { exportEvents: 4_000 } })
  const plain = await exportDay(ask, '2026-01-27')
  const zipped = await exportDay(ask, '2026-01-27', gzip)
  expect(plain.headers['content-encoding']).toBeUndefined()
  expect(zipped.headers['content-encoding']).toBe('gzip')
  expect(zipped.text).toBe(plain.text)
  const response = await sandbox.handle({
    method: 'GET',
    url: `http://sandbox.test${EXPORT}&from_date=2026-01-27&to_date=2026-01-27`,
    headers: trackAuth.headers,
  })
  const pieces = []
  for await (const piece of response.body) pieces.push(piece)
  expect(pieces.length).toBeGreaterThan(2)
  for (const piece of pieces.slice(0, -1)) expect(piece.at(-1)).not.toBe(10)
  const small = testWorld({ ...open, records: { exportEvents: 2 } })
  expect((await exportDay(small.ask, '2026-01-24', gzip)).headers['content-encoding']).toBeUndefined()
})

test('late events join their own day, so that reading it again finds more', async () => {
  const { ask, sandbox } = testWorld({ ...open, records: { exportEvents: 70 } })
  const before = lines((await exportDay(ask, '2026-01-28')).text)
  sandbox.mutate({ inserts: 90 })
  const after = lines((await exportDay(ask, '2026-01-28')).text)
  expect(after.length).toBeGreaterThan(before.length)
  expect(after.slice(0, before.length)).toEqual(before)
  expect(after.at(-1).properties.mp_processing_time_ms).toBeGreaterThan(after.at(-1).properties.time * 1000)
})

test('a day without events is an empty 200', async () => {
  const { ask } = testWorld(open)
  const { status, text } = await exportDay(ask, '2025-06-01', gzip)
  expect([status, text]).toEqual([200, ''])
})

test.each([
  ['a to_date after today', 'from_date=2026-01-30&to_date=2026-02-01', 'to_date cannot be later than today'],
  ['a missing date', 'from_date=2026-01-30', 'from_date and to_date must be in yyyy-mm-dd format'],
  [
    'a day that does not exist',
    'from_date=2026-01-30&to_date=2026-02-30',
    'from_date and to_date must be in yyyy-mm-dd format',
  ],
  [
    'dates the wrong way round',
    'from_date=2026-01-30&to_date=2026-01-29',
    'to_date must not be before from_date',
  ],
])('the export says 400 for %s, and repeats the request', async (_what, query, error) => {
  const { status, body } = await testWorld().ask(`${EXPORT}&${query}`, trackAuth)
  expect(status).toBe(400)
  expect(body).toEqual({ error, request: `/api/2.0/export?project_id=1&${query}` })
})

test('the event query refuses an offset and a limit that make no sense', async () => {
  const { ask } = testWorld()
  expect((await ask(`${EVENTS}&offset=-1`, trackAuth)).body.error).toBe(
    'offset must be a whole number, not -1',
  )
  expect((await ask(`${EVENTS}&limit=5000`, trackAuth)).body.error).toBe(
    'limit must be a whole number from 1 to 1000, not 5000',
  )
})

test('a service account needs its secret and its project', async () => {
  const { ask } = testWorld()
  const none = await ask(EVENTS)
  expect([none.status, none.body]).toEqual([
    401,
    { code: 401, error: 'Invalid credentials', status: 'Unauthorized' },
  ])
  const plain = { headers: { authorization: 'Basic sluice.service:track-sandbox-secret' } }
  expect((await ask(EVENTS, plain)).status).toBe(200)
  const homeless = await ask('/track/api/query/events', trackAuth)
  expect([homeless.status, homeless.body.error]).toEqual([
    400,
    'project_id is a required parameter for service accounts',
  ])
  expect((await ask('/track/api/query/events?project_id=7', trackAuth)).status).toBe(403)
})

test('past three exports a second the answer is 429, while the event query goes on', async () => {
  const { ask, sandbox } = testWorld()
  for (let i = 0; i < 3; i++) expect((await exportDay(ask, '2026-01-27')).status).toBe(200)
  const refused = await exportDay(ask, '2026-01-27')
  expect([refused.status, refused.body.code, refused.headers['retry-after']]).toEqual([429, 429, undefined])
  expect((await ask(EVENTS, trackAuth)).status).toBe(200)
  expect(sandbox.stats.breaches).toEqual({ 'track.export': 1 })
})

test('an export may end early under 200 with a last line that is not JSON, and is whole when asked again', async () => {
  const { ask, sandbox } = testWorld({ records: { exportEvents: 4_000 } })
  sandbox.force('/export', 'terminate')
  const cut = await exportDay(ask, '2026-01-27', gzip)
  const whole = await exportDay(ask, '2026-01-27', gzip)
  expect([cut.status, whole.status]).toEqual([200, 200])
  expect(cut.text).toMatch(/\nexport terminated early\n$/)
  expect(whole.text.startsWith(cut.text.replace('export terminated early\n', ''))).toBe(true)
  expect(whole.text.length).toBeGreaterThan(cut.text.length)
})

test('a gzip export that breaks off in the middle cannot be inflated to its end', async () => {
  const { sandbox } = testWorld({ records: { exportEvents: 4_000 } })
  sandbox.force('/export', 'truncate')
  const response = await sandbox.handle({
    method: 'GET',
    url: `http://sandbox.test${EXPORT}&from_date=2026-01-27&to_date=2026-01-27`,
    headers: gzip.headers,
  })
  const pieces: Uint8Array[] = []
  const reading = (async () => {
    for await (const piece of response.body) pieces.push(piece)
  })()
  await expect(reading).rejects.toThrow('the sandbox broke the connection in the middle of the body')
  expect(() => gunzipSync(Buffer.concat(pieces))).toThrow('unexpected end of file')
})
