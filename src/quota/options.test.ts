import { expect, test } from 'vitest'
import { z } from 'zod'
import { fakeClock } from '../testing/fake-clock.ts'
import { createQuota, quotaOptions } from './options.ts'

// PEERS: Airbyte Rate
test('a quota is named as it is written', () => {
  const parse = (input: z.input<typeof quotaOptions>) =>
    createQuota(quotaOptions.parse(input), fakeClock()).name
  expect(parse({ quotas: [{ requests: 700, per: '1m' }] })).toBe('700 requests per 1m')
  expect(parse({ quotas: [{ requests: 7, per: '1.5s', burst: 3 }, { concurrent: 5 }] })).toBe(
    '7 requests per 1500ms and 5 requests in flight',
  )
  expect(parse({})).toBe('what the API reports')
})

test('header names are taken in any case', () => {
  const options = quotaOptions.parse({
    rateLimitHeaders: { remaining: 'X-Left', reset: 'X-Again', resetUnit: 'epoch' },
  })
  expect(options.rateLimitHeaders).toEqual({ remaining: 'x-left', reset: 'x-again', resetUnit: 'epoch' })
})

test.each<[unknown, string]>([
  [{ requests: 0, per: '1m' }, 'Too small'],
  [{ requests: 700, per: '0s' }, 'a window has to be longer than nothing'],
  [{ requests: 700, per: '1 minute' }, '"1 minute" is no duration'],
  [{ requests: 10, per: '1s', burst: 11 }, 'burst is larger than requests'],
  [{ concurrent: 0 }, 'Too small'],
  [{ requests: 10 }, '`requests` needs the length of the window, as in per: "1m"'],
  [{ rate: 5 }, 'write a quota as { requests: 700, per: "1m" }'],
])('a mistake in %j is explained', (entry, message) => {
  const result = quotaOptions.safeParse({ quotas: [entry] })
  expect(result.success).toBe(false)
  expect(JSON.stringify(result.error!.issues).replaceAll('\\"', '"').replaceAll('\\', '')).toContain(message)
})

test('every option has a description and a JSON Schema', () => {
  const schema = z.toJSONSchema(quotaOptions, { io: 'input' })
  const describe = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    if ('properties' in node)
      for (const [name, property] of Object.entries(node.properties as object))
        expect(property, name).toHaveProperty('description')
    for (const child of Object.values(node)) describe(child)
  }
  describe(schema)
  expect(Object.keys(schema.properties!)).toEqual(['quotas', 'pace', 'rateLimitHeaders'])
})
