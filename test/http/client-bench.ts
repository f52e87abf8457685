import { expect } from 'vitest'
import { type ClientOptions, createClient } from '../../src/http/client.ts'
import type { Authenticator } from '../../src/ports/authenticator.ts'
import type { SluiceEvent } from '../../src/ports/events.ts'
import type { RequestSpec } from '../../src/ports/request.ts'
import type { HttpRequest, HttpResponse } from '../../src/ports/runtime.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../../src/testing/scripted-transport.ts'

// For the tests of the client: one whose network is a script and whose time is told.
export const get = (url = 'items', more: Partial<RequestSpec> = {}): RequestSpec => ({
  method: 'GET',
  url,
  query: {},
  headers: {},
  ...more,
})

export async function text(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

export const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as Error,
  )

export function bench(replies: Iterable<ScriptedReply>, options: Partial<ClientOptions> = {}) {
  const clock = fakeClock({ start: 0, auto: true })
  const transport = scriptedTransport(replies)
  const events: SluiceEvent[] = []
  const client = createClient({
    name: 'desk',
    baseUrl: 'https://api.test/v2',
    runtime: { clock, transport, random: () => 0.5 },
    onEvent: (event) => events.push(event),
    ...options,
  })
  const ofType = (type: SluiceEvent['type']) => events.filter((event) => event.type === type)
  return { client, clock, transport, events, ofType, ask: (spec = get()) => client.request(spec, text) }
}

/** A bearer token that is renewed to the next number. */
export function tokens(options: { renews?: boolean } = {}): Authenticator & { renewals: number } {
  let current = 1
  return {
    renewals: 0,
    sign: async (request) => ({
      ...request,
      headers: { ...request.headers, authorization: `Bearer token-${current}` },
    }),
    ...(options.renews === false
      ? {}
      : {
          async renew(refused: HttpRequest) {
            this.renewals++
            expect(refused.headers['authorization']).toBe(`Bearer token-${current}`)
            current++
            return true
          },
        }),
  }
}
