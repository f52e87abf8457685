import { expect, test } from 'vitest'
import { z } from 'zod'
import type { HttpResponse } from '../ports/runtime.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { scriptedTransport } from '../testing/scripted-transport.ts'
import { createClient } from './client.ts'
import { clientOptions } from './client-options.ts'

async function readAll(response: HttpResponse): Promise<void> {
  for await (const _ of response.body);
}

test('what the options give is what the client takes', async () => {
  const options = clientOptions.parse({
    headers: { 'X-Team': 'data' },
    retry: { maxAttempts: 2 },
    breaker: { maxWait: '0s' },
    timeouts: { body: '5m' },
    maxConcurrent: 3,
    maxBodySize: '2KiB',
    allowedOrigins: ['https://data.api.test'],
  })
  const transport = scriptedTransport([{ body: 'x'.repeat(2049) }])
  const runtime = { transport, clock: fakeClock(), random: () => 0 }
  const client = createClient({ name: 'desk', baseUrl: 'https://api.test', runtime, ...options })
  const spec = { method: 'GET', url: 'https://data.api.test/export', query: {}, headers: {} }
  await expect(client.request(spec, readAll)).rejects.toThrow('maxBodySize allows 2048')
  expect(transport.requests[0]).toMatchObject({
    headers: { 'x-team': 'data' },
    timeouts: { connect: 10_000, headers: 60_000, body: 300_000 },
  })
})

test('every option says what it means', () => {
  const schema = z.toJSONSchema(clientOptions, { io: 'input' })
  const walk = (node: z.core.JSONSchema.BaseSchema, path: string): string[] =>
    Object.entries(node.properties ?? {}).flatMap(([name, property]) =>
      typeof property === 'boolean'
        ? []
        : [...(property.description ? [] : [`${path}${name}`]), ...walk(property, `${path}${name}.`)],
    )
  expect(walk(schema, '')).toEqual([])
})

test('mistakes are named', () => {
  const problem = (input: unknown) =>
    clientOptions.safeParse(input).error!.issues.map((issue) => issue.path.join('.'))
  expect(problem({ retry: { deadline: 30 } })).toEqual(['retry.deadline'])
  expect(problem({ maxConcurrent: 0 })).toEqual(['maxConcurrent'])
  expect(problem({ allowedOrigins: ['ftp://x'] })).toEqual(['allowedOrigins.0'])
})
