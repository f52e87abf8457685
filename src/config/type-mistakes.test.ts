// What is of another kind than its option: the message says how the option is written, with what was written where it has a place.
import { expect, test } from 'vitest'
import { definePipeline } from './pipeline.ts'

function mistakeIn(stream: object, source: object = {}, pipeline: object = {}): string {
  const items = { path: 'items', key: 'id', paginate: { type: 'none' }, ...stream }
  try {
    definePipeline({
      name: 'p',
      destination: { type: 'duckdb', path: 'p.duckdb' },
      sources: { api: { type: 'rest', baseUrl: 'https://api.test', streams: { items }, ...source } },
      ...pipeline,
    } as never)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
const at = 'sources.api.streams.items'

test.each<[object, object, string]>([
  [
    { paginate: { type: 'page-number', size: 100 } },
    {},
    `${at}.paginate.size: 100 is a number; an object is expected: write \`size: { param: limit, value: 100 }\``,
  ],
  [
    { paginate: { type: 'page-number', size: { param: 'limit', value: '100' } } },
    {},
    `${at}.paginate.size.value: "100" is a string; a number is expected: write it without quotes: \`value: 100\``,
  ],
  [
    { quotas: { requests: 10, per: '1s' } },
    {},
    `${at}.quotas: {"requests":10,"per":"1s"} is an object; a list is expected: write \`quotas: [{ requests: 10, per: 1s }]\``,
  ],
  [
    {},
    { streams: null },
    'sources.api.streams: nothing stands here; an object of named entries is expected: write `streams: { NAME: { … } }`',
  ],
  [
    { optionalRecords: 'true' },
    {},
    `${at}.optionalRecords: "true" is a string; a boolean is expected: write it without quotes: \`optionalRecords: true\``,
  ],
])('%j %j', (stream, source, message) => {
  expect(mistakeIn(stream, source)).toBe(message)
})

test('nothing of a credential is quoted in the right form either (S1)', () => {
  const token = 12345678
  const message = mistakeIn({}, { auth: { type: 'api_key', name: 'x-key', key: token } })
  expect(message).toContain('sources.api.auth.key: *** is not allowed; a string is expected')
  expect(message).not.toContain(String(token))
  expect(
    mistakeIn({}, { auth: { type: 'rotate', credentials: { type: 'bearer', token: 'hunter2' } } }),
  ).not.toContain('hunter2')
})
