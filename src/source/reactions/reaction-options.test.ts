import { expect, test } from 'vitest'
import { definePipeline } from '../../config/pipeline.ts'

function problemOf(responses: unknown, stream: object = { key: 'id' }): string | undefined {
  const items = { path: 'items', paginate: { type: 'none' }, ...stream, responses }
  try {
    definePipeline({
      name: 'p',
      destination: { type: 'duckdb', path: 'w.duckdb' },
      sources: { api: { type: 'rest', baseUrl: 'https://api.test', streams: { items } } },
    } as never)
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}
const at = 'sources.api.streams.items.responses[0]'

// PEERS: dlt response_actions accepts "bananas"
test('an action that there is not is refused, with the nearest one', () => {
  expect(problemOf([{ status: 404, action: 'ignroe' }])).toBe(
    `${at}.action: "ignroe" is not allowed; did you mean "ignore"? (allowed: "fail", "ignore", "retry", "refresh-token", "wait-for-quota", "stop-slice", "skip-record")`,
  )
  expect(problemOf([{ status: 404, action: 'bananas' }])).toContain(
    '"bananas" is not allowed; allowed: "fail"',
  )
  expect(problemOf([{ stauts: 404, action: 'ignore' }])).toContain('did you mean "status"?')
})

// PEERS: dlt response_actions status_code as text never matches
test.for([404, '4xx', '5XX', '500-599', '404 - 410', [404, '5xx']])('the statuses %j are taken', (status) => {
  expect(problemOf([{ status, action: 'ignore' }])).toBeUndefined()
})

test.for([
  ['599-500', '"599-500" names no statuses'],
  ['404', '"404" names no statuses'],
  ['9xx', '"9xx" names no statuses'],
  ['1xx', '"1xx" names no statuses'],
  ['500-699', '"500-699" names no statuses'],
  [[], '[] is too small: the least is 1'],
] as const)('the statuses %j are refused', ([status, message]) => {
  expect(problemOf([{ status, action: 'ignore' }])).toContain(message)
})

// PEERS: dlt test_response_actions_config
// PEERS: Airbyte HttpResponseFilter
test('an entry says which responses are meant', () => {
  expect(problemOf([{ action: 'ignore' }])).toBe(
    `${at}.status: say which responses are meant: name \`status\`, \`header\`, \`body\` or \`text\``,
  )
})

test('a condition, a regular expression and a place that can not work are refused', () => {
  expect(problemOf([{ body: '@.a ==', action: 'ignore' }])).toContain('"@.a ==" is no condition')
  expect(problemOf([{ header: { x: '/(/' }, action: 'ignore' }])).toContain(
    '"/(/" is no regular expression between slashes',
  )
  expect(problemOf([{ header: { x: '/a/g' }, action: 'ignore' }])).toContain(
    '"/a/g" is no regular expression',
  )
  expect(
    problemOf([{ status: 429, action: 'wait-for-quota', retryAfter: { header: 'a', body: 'b' } }]),
  ).toContain('name one place: `header`, or `body`')
  expect(problemOf([{ status: 429, action: 'wait-for-quota', retryAfter: 'soon' }])).toContain('retryAfter')
})

test('options that belong to another action are refused', () => {
  expect(problemOf([{ status: 429, action: 'ignore', attempts: 3 }])).toContain(
    '`attempts` goes with `action: retry`, and this one is ignore: leave it out',
  )
  expect(problemOf([{ status: 429, action: 'fail', finally: 'ignore' }])).toContain(
    '`finally` goes with `action: retry`',
  )
  expect(problemOf([{ status: 429, action: 'fail', retryAfter: '5s' }])).toContain(
    '`retryAfter` goes with `action: wait-for-quota` or `retry`',
  )
})

test('R6: a table that is replaced as a whole takes no part of a list', () => {
  const stops = [{ status: 451, action: 'stop-slice' }]
  expect(problemOf(stops, {})).toContain('`stop-slice` leaves a part of the list unread')
  expect(problemOf(stops, { key: 'id', write: 'replace' })).toContain(
    '`stop-slice` leaves a part of the list unread',
  )
  expect(problemOf(stops, { key: 'id' })).toBeUndefined()
  expect(problemOf([{ status: 500, action: 'retry', finally: 'stop-slice' }], {})).toContain(`${at}.finally`)
})

test('a record can be skipped only where a request is for one', () => {
  const skips = [{ status: 404, action: 'skip-record' }]
  expect(problemOf(skips)).toContain(
    "`skip-record` keeps the record that a request is for among the rejects, and this stream's requests are for none",
  )
  expect(problemOf(skips, { key: 'id', path: 'repos/{parent.id}/issues' }) ?? '').not.toContain('skip-record')
})
