import { expect, test } from 'vitest'
import { BodyTruncatedError, TransportError } from '../src/http/errors.ts'
import { asker, payAuth, testWorld } from './ask.ts'
import { sandboxTransport } from './transport.ts'

const PAY = '/pay/v1/balance_transactions'

function inProcess() {
  const { sandbox, clock } = testWorld()
  return { sandbox, clock, transport: sandboxTransport(sandbox), ask: asker(sandboxTransport(sandbox)) }
}

test.each([
  ['reset', TransportError, /: the sandbox broke the connection before the headers \(ECONNRESET\)$/],
  [
    'truncate',
    BodyTruncatedError,
    /: the body broke off: \d+ bytes arrived, then the sandbox broke the connection in the middle/,
  ],
  ['short', BodyTruncatedError, /: the body broke off: \d+ of \d+ bytes arrived$/],
] as const)(
  'a %s rejects with an error that can be retried, and the next request works',
  async (kind, error, message) => {
    const { sandbox, ask } = inProcess()
    sandbox.force(PAY, kind)
    const failure = await ask(`${PAY}?limit=2`, payAuth).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(error)
    expect(failure).toMatchObject({ recovery: 'retry', url: `http://sandbox.test${PAY}` })
    expect((failure as Error).message).toMatch(message)
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
