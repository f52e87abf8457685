// Asks a sandbox and reads the whole answer, as the tests of this folder need it.
import { gunzipSync } from 'node:zlib'
import type { HttpHeaders, Transport } from '../src/ports/runtime.ts'
import { type FakeClock, fakeClock } from '../src/testing/fake-clock.ts'
import type { SandboxOptions } from './options.ts'
import { createSandbox, type Sandbox } from './sandbox.ts'
import { CREDENTIALS } from './tokens.ts'

export interface Answer {
  readonly status: number
  readonly headers: HttpHeaders
  readonly text: string
  /** The body as JSON, loosely typed: a test looks into it. */
  // biome-ignore lint/suspicious/noExplicitAny: what a vendor sends has no type here, and each test asserts what it reads.
  readonly body: any
}

export interface Asking {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

export type Ask = (path: string, asking?: Asking) => Promise<Answer>

/** Sends path after path to `origin` through a transport. A body that isn't JSON is in `text` only. */
export function asker(transport: Transport, origin = 'http://sandbox.test'): Ask {
  return async (path, { method = 'GET', headers = {}, body } = {}) => {
    const response = await transport({
      method,
      url: `${origin}${path}`,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    const pieces: Uint8Array[] = []
    for await (const piece of response.body) pieces.push(piece)
    let bytes = Buffer.concat(pieces)
    if (response.headers['content-encoding'] === 'gzip') bytes = gunzipSync(bytes)
    const text = bytes.toString('utf8')
    return { status: response.status, headers: response.headers, text, body: parse(text) }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export interface TestWorld {
  readonly sandbox: Sandbox
  readonly clock: FakeClock
  readonly ask: Ask
}

/** A sandbox on a fake clock, and a way to ask it. */
export function testWorld(options: SandboxOptions = {}): TestWorld {
  const clock = fakeClock()
  const sandbox = createSandbox({ records: 1_000, ...options, clock })
  return { sandbox, clock, ask: asker((request, signal) => sandbox.handle(request, signal)) }
}

/** The parameters of a client credentials grant, with changes. */
export const grant = (changes: Record<string, string> = {}): Asking => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    grant_type: 'client_credentials',
    client_id: CREDENTIALS.desk.clientId,
    client_secret: CREDENTIALS.desk.clientSecret,
    ...changes,
  }),
})

/** Headers with a fresh desk token. */
export async function deskAuth(ask: Ask): Promise<{ headers: Record<string, string> }> {
  const { body } = await ask('/desk/oauth/tokens', grant())
  return { headers: { authorization: `Bearer ${body.access_token}` } }
}

export const payAuth = { headers: { authorization: `Bearer ${CREDENTIALS.pay.secretKey}` } }

export const codeAuth = { headers: { 'private-token': CREDENTIALS.code.token } }

export const trackAuth = {
  headers: {
    authorization: `Basic ${Buffer.from(`${CREDENTIALS.track.username}:${CREDENTIALS.track.secret}`).toString('base64')}`,
  },
}
