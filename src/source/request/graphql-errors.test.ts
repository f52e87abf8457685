import { expect, test } from 'vitest'
import { graphqlVerdict } from './graphql-errors.ts'

test.each([{ data: { a: 1 } }, { data: null }, { errors: [] }, [], null, 'text', { errors: 'none' }])(
  'a reply without errors is left to the selector: %j',
  (body) => {
    expect(graphqlVerdict(body)).toEqual({ kind: 'ok' })
  },
)

test.each([
  [
    'GitHub',
    { type: 'RATE_LIMITED', message: 'API rate limit exceeded' },
    'RATE_LIMITED: API rate limit exceeded',
  ],
  ['Shopify', { message: 'Throttled', extensions: { code: 'THROTTLED' } }, 'THROTTLED: Throttled'],
  ['Linear', { message: 'slow down', extensions: { type: 'ratelimited' } }, 'slow down'],
  ['code of its own', { message: 'busy', code: 'TOO_MANY_REQUESTS' }, 'busy'],
])('throttling under status 200 is told from other errors: %s', (_, error, message) => {
  expect(graphqlVerdict({ errors: [error] })).toEqual({ kind: 'throttled', message, waitMs: undefined })
  expect(graphqlVerdict({ data: { a: 1 }, errors: [{ message: 'x' }, error] }).kind).toBe('throttled')
})

test("Shopify's bucket says how long a query of this cost has to wait", () => {
  const throttleStatus = { maximumAvailable: 1000, currentlyAvailable: 18, restoreRate: 50 }
  const verdict = graphqlVerdict({
    errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
    extensions: { cost: { requestedQueryCost: 101, actualQueryCost: null, throttleStatus } },
  })
  expect(verdict).toEqual({ kind: 'throttled', message: 'THROTTLED: Throttled', waitMs: 1660 })
})

test('errors beside data are a part that is missing; data of nulls alone is none', () => {
  const errors = [{ message: 'no such node', path: ['repository', 'issues', 0], type: 'NOT_FOUND' }]
  const message = 'NOT_FOUND: no such node (at repository.issues.0)'
  expect(graphqlVerdict({ data: { repository: { id: 1 } }, errors })).toEqual({ kind: 'partial', message })
  expect(graphqlVerdict({ data: { repository: null }, errors })).toEqual({ kind: 'failed', message })
  expect(graphqlVerdict({ errors })).toEqual({ kind: 'failed', message })
})

test('a query that costs more than any budget is not waited for', () => {
  const errors = [{ message: 'Query cost is 2000', extensions: { code: 'MAX_COST_EXCEEDED' } }]
  expect(graphqlVerdict({ errors })).toMatchObject({ kind: 'failed' })
})

test('many and long errors are shown in short', () => {
  const many = Array.from({ length: 5 }, (_, at) => ({ message: `problem ${at}` }))
  expect(graphqlVerdict({ errors: [...many, 'text', {}] })).toMatchObject({
    message: 'problem 0; problem 1; problem 2; and 4 more',
  })
  expect(graphqlVerdict({ errors: ['text', {}] })).toMatchObject({
    message: 'text; an error without a message',
  })
  const long = graphqlVerdict({ errors: [{ message: 'x'.repeat(1000) }] })
  expect('message' in long && long.message).toHaveLength(301)
})
