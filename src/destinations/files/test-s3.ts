// A real S3 server for tests: s3rver, with a gate before it for what it does not do. It has every request of the interface that is needed
// here, but it takes any signature of version 4 for right, ignores If-None-Match on a PUT, and can't end a page of ListObjectsV2 (its tokens
// are made with DES, which OpenSSL 3 has no more). The gate checks signatures
// with aws4, which is not what Sluice signs with, and the clock; and it lets one PUT of a key with If-None-Match through where there is none,
// and asks for the listing of version 1, which has the same entries.
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import aws4 from 'aws4'
import S3rver from 's3rver'
import { systemClock } from '../../http/system-runtime.ts'
import { temporaryFolder } from './test-files.ts'

export const BUCKET = 'lake-house'
export const ACCESS_KEY = 'S3RVER'
export const SECRET_KEY = 'S3RVER'
export const REGION = 'eu-central-1'

export interface TestS3 extends AsyncDisposable {
  /** As in `http://127.0.0.1:4711`. */
  readonly endpoint: string
  /** Asked before each request that is right: `drop` closes the connection unanswered, `lose` has it carried out first, a number is a status to answer with. */
  fault: (request: { readonly method: string; readonly key: string; readonly conditional: boolean }) => Fault
  /** Whether If-None-Match counts. */
  keepsConditions: boolean
  /** Requests so far, refused ones too, as in `PUT lake/_sluice/probe`. */
  readonly requests: string[]
  /** What the server's clock is ahead of the machine's, in milliseconds. */
  clockAhead: number
}

export type Fault = 'none' | 'drop' | 'lose' | number

/** Starts the server with one bucket. */
export async function startS3(): Promise<TestS3> {
  const folder = await temporaryFolder()
  const inner = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: folder.path,
    vhostBuckets: false,
    configureBuckets: [{ name: BUCKET }],
  })
  const { port } = await inner.run()
  const turns = new Map<string, Promise<unknown>>()
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://any').pathname
    // One after the other for each key: what was looked at stays as it is until the PUT has ended.
    const turn = (turns.get(path) ?? Promise.resolve()).then(() => answer(request, response))
    turns.set(
      path,
      turn.catch(() => response.destroy()),
    )
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request)
    const { method = '', url = '', headers } = request
    const key = decodeURIComponent(new URL(url, 'http://any').pathname.slice(BUCKET.length + 2))
    gate.requests.push(`${method} ${key}`)
    const problem = refusalOf(request)
    if (problem !== undefined) return refuse(response, 403, problem)
    const fault = gate.fault({ method, key, conditional: headers['if-none-match'] !== undefined })
    if (fault === 'drop') {
      response.destroy()
      return
    }
    if (typeof fault === 'number')
      return refuse(response, fault, fault === 503 ? 'SlowDown' : 'InternalError')
    if (method === 'PUT' && headers['if-none-match'] === '*' && gate.keepsConditions) {
      const present = await forward(port, 'HEAD', url, {}, Buffer.alloc(0))
      if (present.status === 200) return refuse(response, 412, 'PreconditionFailed')
    }
    const { 'if-none-match': _, ...others } = headers
    const answered = await forward(port, method, listing(url), others, body)
    if (fault === 'lose') {
      response.destroy()
      return
    }
    const date = new Date(systemClock.now() + gate.clockAhead).toUTCString()
    response.writeHead(answered.status, { ...answered.headers, date }).end(answered.body)
  }

  function refusalOf({ method, url, headers }: IncomingMessage): string | undefined {
    const { authorization = '' } = headers
    const [, key] = /Credential=([^/]+)\//.exec(authorization) ?? []
    const [, names = ''] = /SignedHeaders=([^,]+)/.exec(authorization) ?? []
    if (key !== ACCESS_KEY) return 'InvalidAccessKeyId'
    const stamp = String(headers['x-amz-date'])
    const sentAt = Date.parse(stamp.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
    if (Math.abs(sentAt - systemClock.now() - gate.clockAhead) > 15 * 60_000) return 'RequestTimeTooSkewed'
    const expected = aws4.sign(
      {
        service: 's3',
        region: REGION,
        method: method!,
        path: url!,
        headers: Object.fromEntries(names.split(';').map((name) => [name, String(headers[name])])),
      },
      { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    )
    const signature = (text: string) => /Signature=([0-9a-f]+)/.exec(text)?.[1]
    const own = String((expected.headers as Record<string, unknown>)['Authorization'])
    return signature(authorization) === signature(own) ? undefined : 'SignatureDoesNotMatch'
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const gate: TestS3 = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: () => 'none',
    keepsConditions: true,
    requests: [],
    clockAhead: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await inner.close()
      await folder.remove()
    },
  }
  return gate
}

function listing(path: string): string {
  const url = new URL(path, 'http://any')
  const { searchParams } = url
  if (searchParams.get('list-type') !== '2') return path
  const [prefix, after] = [searchParams.get('prefix'), searchParams.get('start-after')]
  const query = new URLSearchParams({ ...(prefix && { prefix }), ...(after && { marker: after }) })
  return `${url.pathname}?${query}`
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response
    .writeHead(status, { 'content-type': 'application/xml' })
    .end(
      `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>told by the gate</Message></Error>`,
    )
}

interface Forwarded {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

function forward(
  port: number,
  method: string,
  path: string,
  headers: IncomingMessage['headers'],
  body: Buffer,
): Promise<Forwarded> {
  return new Promise((resolve, reject) => {
    const unsigned = Object.fromEntries(
      Object.entries(headers).filter(([name]) => name !== 'authorization' && name !== 'host'),
    )
    const authorization = signedFor(port, method, path)
    const request = send(
      { port, host: '127.0.0.1', method, path, headers: { ...unsigned, ...authorization } },
      (response) => {
        readAll(response).then(
          (answered) => resolve({ status: response.statusCode!, headers: response.headers, body: answered }),
          reject,
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

/** s3rver wants to know who asks. */
function signedFor(port: number, method: string, path: string): Record<string, string> {
  const { headers } = aws4.sign(
    { service: 's3', region: REGION, method, path, host: `127.0.0.1:${port}`, headers: {} },
    { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
  )
  const signed = headers as Record<string, string>
  return Object.fromEntries(Object.entries(signed).map(([name, value]) => [name.toLowerCase(), value]))
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
