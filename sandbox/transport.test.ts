import { expect, test } from 'vitest'
import { asker, payAuth, testWorld } from './ask.ts'
import { SandboxTransportError, sandboxTransport } from './transport.ts'

const PAY = '/pay/v1/balance_transactions'

function inProcess() {
  const { sandbox, clock } = testWorld()
  return { sandbox, clock, transport: sandboxTransport(sandbox), ask: asker(sandboxTransport(sandbox)) }
}

test.each([
  ['reset', 'the sandbox broke the connection before the headers'],
  ['truncate', 'the sandbox broke the connection in the middle of the body'],
  ['short', /the body ended after \d+ of \d+ bytes/],
] as const)(
  'a %s rejects with an error that can be retried, and the next request works',
  async (kind, problem) => {
    const { sandbox, ask } = inProcess()
    sandbox.force(PAY, kind)
    const failure = await ask(`${PAY}?limit=2`, payAuth).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(SandboxTransportError)
    expect(failure).toMatchObject({
      code: 'TRANSPORT_FAILED',
      recovery: 'retry',
      url: `http://sandbox.test${PAY}`,
    })
    expect((failure as Error).message).toMatch(problem)
    expect((await ask(`${PAY}?limit=2`, payAuth)).status).toBe(200)
  },
)

test('an aborted request rejects with the reason, also while a slow body comes', async () => {
  const { sandbox, clock, transport } = inProcess()
  const request = { method: 'GET', url: `http://sandbox.test${PAY}`, headers: payAuth.headers }
  await expect(transport(request, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
  sandbox.force(PAY, 'slow')
  const abort = new AbortController()
  const response = await transport(request, abort.signal)
  const reading = (async () => {
    for await (const _ of response.body);
  })()
  await clock.advance(1)
  abort.abort(new Error('enough'))
  await expect(reading).rejects.toThrow('enough')
})
