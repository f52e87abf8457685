import { expect, test } from 'vitest'
import { graphqlCost } from './graphql-cost.ts'

test("Shopify's cost is in the extensions", () => {
  const body = {
    data: {},
    extensions: {
      cost: {
        requestedQueryCost: 101,
        actualQueryCost: 46,
        throttleStatus: { maximumAvailable: 1000, currentlyAvailable: 954, restoreRate: 50 },
      },
    },
  }
  expect(graphqlCost(body)).toEqual({
    requested: 101,
    actual: 46,
    limit: 1000,
    remaining: 954,
    restoredPerSecond: 50,
  })
})

test("GitHub's is in the data, where the query asks for it", () => {
  const rateLimit = { limit: 5000, cost: 1, remaining: 4999, used: 1, resetAt: '2026-01-01T01:00:00Z' }
  expect(graphqlCost({ data: { rateLimit } })).toEqual({
    actual: 1,
    limit: 5000,
    remaining: 4999,
    resetAt: '2026-01-01T01:00:00Z',
  })
})

test.each([undefined, null, [], {}, { extensions: null, data: null }, { extensions: { cost: {} } }])(
  'a reply that tells of no cost has none: %j',
  (body) => {
    expect(graphqlCost(body)).toBeUndefined()
  },
)
