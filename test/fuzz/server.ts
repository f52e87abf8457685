// A server that answers as the seed says: as a well-behaved one does, with something wrong in a share of its answers.
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { BodyTruncatedError, TimeoutError, TransportError } from '../../src/http/errors.ts'
import type { HttpRequest, HttpResponse, Transport } from '../../src/ports/runtime.ts'
import type { FakeClock } from '../../src/testing/fake-clock.ts'
import type { Chance } from './chance.ts'
import type { SecretForms } from './leaks.ts'
import { mutateText, oddText } from './texts.ts'
import { anyJson, nested, times } from './values.ts'

type Headers = Record<string, string | string[]>

export interface Answer {
  status: number
  headers: Headers
  body: Uint8Array
  /** Comes after the body. */
  breaks?: Error
}

export interface FuzzServer {
  readonly transport: Transport
  readonly requests: HttpRequest[]
  /** Forgets the secrets that it was sent, as for another process that has not sent them yet. */
  forget(): void
  /** Called at each request, before it is answered. */
  onRequest: (count: number) => void
}

export interface FuzzServerOptions {
  readonly chance: Chance
  readonly clock: FakeClock
  /** `json`, `jsonl`, `csv` or `xml`. */
  readonly format: string
  /** Those of them that it was sent it sends back wherever a server may. */
  readonly secrets?: readonly SecretForms[]
}

/** After so many requests it changes no more: whoever goes on for ever then would do so with any server. */
const changingRequests = 60

export function fuzzServer({ chance, clock, format, secrets = [] }: FuzzServerOptions): FuzzServer {
  const requests: HttpRequest[] = []
  const wrong = chance.oneOf([0, 0.05, 0.05, 0.3, 0.9])
  const pages = chance.oneOf([1, 2, 3, 10, 1000])
  const asked = new Map<string, number>()
  let last: Answer | undefined
  let echo: string[] = []

  function answer(request: HttpRequest): Answer | Error {
    const path = URL.canParse(request.url) ? new URL(request.url).pathname : ''
    const page = (asked.get(path) ?? 0) + 1
    asked.set(path, page)
    if (/token|login|session/.test(path) && chance.happens(0.9)) return tokens(chance)
    if (last !== undefined && requests.length > changingRequests) return last
    const good = goodAnswer(chance, format, page, page < pages, echo)
    last = good
    if (!chance.happens(wrong)) return good
    const broken = spoil(good, chance, request, echo)
    if (!(broken instanceof Error)) last = broken
    return broken
  }

  const server: FuzzServer = {
    requests,
    onRequest: () => {},
    forget() {
      echo = []
    },
    async transport(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
      signal?.throwIfAborted()
      requests.push(request)
      server.onRequest(requests.length)
      if (secrets.length > 0) echo = [...new Set([...echo, ...secretsSent(request, secrets)])]
      const given = answer(request)
      if (chance.happens(0.5)) await clock.sleep(chance.between(0, 50), signal)
      if (given instanceof Error) throw given
      return respond(given, chance)
    },
  }
  return server
}

function secretsSent({ url, headers, body = '' }: HttpRequest, secrets: readonly SecretForms[]): string[] {
  const sent = `${url}\n${Object.values(headers).join('\n')}\n${Buffer.from(body).toString()}`
  return secrets.filter(({ forms }) => forms.some((form) => sent.includes(form))).map(({ value }) => value)
}

function respond({ status, headers, body, breaks }: Answer, chance: Chance): HttpResponse {
  const size = chance.oneOf([1, 7, 100, 1000, 100_000])
  const step = Math.max(size, body.length / 50)
  return {
    status,
    headers,
    body: (async function* () {
      for (let at = 0; at < body.length; at += step)
        yield body.subarray(Math.floor(at), Math.floor(at + step))
      if (breaks !== undefined) throw breaks
    })(),
    discard: async () => {},
  }
}

function tokens(chance: Chance): Answer {
  const body = {
    access_token: `minted-${chance.between(1, 1e9)}-token-of-the-server`,
    token: `session-${chance.between(1, 1e9)}-of-the-server`,
    token_type: 'Bearer',
    expires_in: chance.oneOf([0, 1, 60, 3600, -1, 1e12, '3600', null]),
    ...(chance.happens(0.2) && { refresh_token: `rotated-${chance.between(1, 1e9)}-of-the-server` }),
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  }
}

function goodAnswer(
  chance: Chance,
  format: string,
  page: number,
  more: boolean,
  echo: readonly string[],
): Answer {
  const echoes = echo.length > 0 && chance.happens(0.3) ? chance.oneOf(echo) : undefined
  const records = chance.list(more ? 1 : 0, chance.oneOf([2, 10, 100]), (index) => ({
    id: page * 100 + index,
    name: echoes ?? `item ${index}`,
    status: chance.oneOf(['open', 'closed', 'deleted']),
    updated_at: new Date(Date.parse('2025-01-01T00:00:00Z') + (page * 1000 + index) * 60_000).toISOString(),
    parent: { id: index % 3 },
    tags: ['a', { b: index }],
    ...(chance.happens(0.05) && { extra: anyJson(chance) }),
  }))
  const token = more ? `token ${page + 1}` : null
  const url = more ? `https://api.test/v1/items?page=${page + 1}` : null
  const link = url !== null ? { link: `<${url}>; rel="next"` } : {}
  const headers: Headers = { 'x-next': token ?? '', 'x-total': '500', ...link }
  if (format !== 'json')
    return {
      status: 200,
      headers: { ...headers, 'content-type': contentTypes[format] ?? 'text/plain' },
      body: Buffer.from(written(format, records)),
    }
  const body = {
    id: 'job 7',
    status: chance.oneOf(['done', 'done', 'running', 'completed', 'failed']),
    url: 'https://api.test/v1/results',
    items: records,
    results: records,
    nodes: records,
    next: token,
    cursor: token,
    meta: { next: token, total: 500, after_cursor: token },
    links: { next: url },
    '@odata.nextLink': url,
    has_more: more,
    total: 500,
    total_pages: 5,
    updated_at: times[0],
    data: { items: records, pageInfo: { hasNextPage: more, endCursor: token } },
  }
  const shaped = chance.happens(0.15) ? records : body
  return {
    status: 200,
    headers: { ...headers, 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(shaped)),
  }
}

const contentTypes: Readonly<Record<string, string>> = {
  jsonl: 'application/x-ndjson',
  csv: 'text/csv',
  xml: 'application/xml',
}

function written(format: string, records: readonly Record<string, unknown>[]): string {
  if (format === 'jsonl') return records.map((record) => `${JSON.stringify(record)}\n`).join('')
  if (format === 'csv')
    return `id,name,status,updated_at\n${records.map(({ id, name, status, updated_at }) => `${id},"${String(name).replaceAll('"', '""')}",${status},${updated_at}\n`).join('')}`
  const item = ({ id, status, updated_at }: Record<string, unknown>) =>
    `<items id="${id}"><id>${id}</id><status>${status}</status><updated_at>${updated_at}</updated_at></items>`
  return `<?xml version="1.0"?><data>${records.map(item).join('')}<next>x</next></data>`
}

const headerNames = [
  'retry-after',
  'link',
  'location',
  'date',
  'set-cookie',
  'content-type',
  'content-encoding',
  'content-length',
  'ratelimit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'x-next',
  'www-authenticate',
  'x-total',
]

const headerValues = [
  '0',
  '1',
  '5',
  '3600',
  '86400',
  '99999999999',
  '9'.repeat(400),
  '-1',
  '1.5',
  'Wed, 21 Oct 2026 07:28:00 GMT',
  'Fri, 31 Dec 9999 23:59:59 GMT',
  '2026-02-01T00:00:00Z',
  '<https://api.test/v1/items?page=2>; rel="next"',
  '<https://evil.test/items>; rel=next',
  '<>; rel=next',
  '</v1/items>; rel="prev next"',
  'https://api.test/v1/items?page=3',
  'https://evil.test/',
  'http://api.test/v1/items',
  '/v1/items',
  '//evil.test',
  'javascript:alert(1)',
  'application/json; charset=utf-16',
  'text/html',
  'text/csv; charset="x-unknown"',
  'gzip',
  'br',
  'gzip, gzip, gzip, gzip',
  'zstd',
  '"default";r=0;t=1',
  '"default";r=0;t=9999999999999999999999',
  'a=b; Path=/; HttpOnly',
  'Bearer error="invalid_token"',
]

function spoil(good: Answer, chance: Chance, request: HttpRequest, echo: readonly string[]): Answer | Error {
  const { url } = request
  const answer: Answer = { ...good, headers: { ...good.headers } }
  for (let left = chance.oneOf([1, 1, 1, 3]); left > 0; left--) {
    switch (chance.between(0, 9)) {
      case 0:
        answer.status = chance.oneOf([
          100,
          199,
          201,
          202,
          204,
          206,
          226,
          300,
          301,
          302,
          303,
          304,
          307,
          308,
          400,
          401,
          403,
          404,
          408,
          409,
          410,
          413,
          422,
          425,
          429,
          429,
          451,
          477,
          499,
          500,
          502,
          503,
          504,
          529,
          599,
          0,
          -1,
          600,
          999,
          Number.NaN,
          chance.between(100, 599),
        ])
        break
      case 1:
        answer.body = spoilBytes(answer.body, chance)
        break
      case 2:
        answer.body = Buffer.from(JSON.stringify(anyJson(chance, 4)))
        break
      case 3:
        answer.body = encoded(answer.body, chance, answer.headers)
        break
      case 4: {
        const value = () => (chance.happens(0.8) ? chance.oneOf(headerValues) : oddText(chance))
        answer.headers[chance.oneOf(headerNames)] = chance.happens(0.15) ? chance.list(0, 4, value) : value()
        break
      }
      case 5:
        answer.breaks = chance.oneOf([
          new BodyTruncatedError(url, 'the connection was closed'),
          new TransportError(url, 'ECONNRESET', 'the connection was closed', { sent: true }),
        ])
        break
      case 6:
        return chance.oneOf([
          new TransportError(url, 'ECONNREFUSED', 'nobody listens', { sent: false }),
          new TimeoutError(url, 'headers', 30_000),
        ])
      case 7:
        answer.body = Buffer.from(JSON.stringify(errorBody(chance, request, echo)))
        break
      case 8:
        answer.body = Buffer.from(
          chance.oneOf([
            JSON.stringify(nested(chance.oneOf([10, 2000]), 1, chance.happens(0.5))),
            '['.repeat(chance.oneOf([10, 100_000])),
            '{"items":[{"id":'.concat('9'.repeat(chance.oneOf([20, 20_000])), '}]}'),
            `{"items":[{"id":1e${'9'.repeat(30)},"x":0.${'1'.repeat(300)}}],"next":12345678901234567890}`,
            '<html><body>Sign in</body></html>',
            '',
            'null',
            '[]',
            '[null,1,"x",[],{}]',
            '{"items":{"a":{"id":1},"__proto__":{"id":2}},"__proto__":{"next":"x"}}',
          ]),
        )
        break
      default: {
        const place = chance.oneOf([
          'next',
          'cursor',
          'url',
          'has_more',
          'total',
          'items',
          'total_pages',
          'id',
          'status',
        ])
        answer.body = withField(
          answer.body,
          place,
          chance.happens(0.5) ? anyJson(chance, 2) : chance.oneOf(headerValues),
        )
        if (echo.length > 0) echoSomewhere(answer, chance, chance.oneOf(echo))
      }
    }
  }
  return answer
}

/** Puts what was sent where the next request, an error or a checkpoint may take it from. */
function echoSomewhere(answer: Answer, chance: Chance, text: string): void {
  const inUrl = encodeURIComponent(text)
  const url = chance.oneOf([
    `https://api.test/v1/items?page=2&api_key=${inUrl}`,
    `https://api.test/v1/items?page=2&x=${inUrl}`,
    `https://api.test/v1/${inUrl}/items`,
    `https://evil.test/items?key=${inUrl}`,
    `https://user:${inUrl}@api.test/v1/items`,
  ])
  switch (chance.between(0, 5)) {
    case 0:
      answer.headers['link'] = `<${url}>; rel="next"`
      break
    case 1:
      answer.headers['location'] = url
      answer.status = 302
      break
    case 2:
      answer.headers[chance.oneOf(headerNames)] = text
      break
    case 3:
      answer.body = withField(
        answer.body,
        chance.oneOf(['links', 'next', 'url', '@odata.nextLink']),
        chance.oneOf([url, { next: url }]),
      )
      break
    case 4:
      answer.status = chance.oneOf([400, 401, 403, 404, 422, 429, 500])
      answer.body = Buffer.from(
        chance.oneOf([
          text,
          `<html>${text}</html>`,
          JSON.stringify({ error: { message: `bad key ${text}` } }),
        ]),
      )
      break
    default:
      answer.body = Buffer.from(`{"items": ${text}`)
  }
}

function errorBody(chance: Chance, { headers, url }: HttpRequest, echo: readonly string[]): unknown {
  const said = echo.length > 0 ? [chance.oneOf(echo), JSON.stringify(headers), url] : ['no']
  const message = `refused: ${chance.oneOf(said)}`
  return chance.oneOf([
    { error: message },
    { error: { message, code: 'rate_limited', retry_after: chance.oneOf([1, -1, 1e300, 'x']) } },
    { errors: [{ message, extensions: { code: 'THROTTLED' } }] },
    { ok: false, error: message },
    { success: false, errors: [message] },
    { error: 'invalid_token', error_description: message },
    { errors: anyJson(chance, 3) },
  ])
}

function withField(body: Uint8Array, name: string, value: unknown): Uint8Array {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(body).toString())
    if (typeof parsed === 'object' && parsed !== null)
      return Buffer.from(JSON.stringify({ ...parsed, [name]: value }))
  } catch {
    // It is no JSON: it stays as it is.
  }
  return body
}

function spoilBytes(body: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.between(0, body.length)
  switch (chance.between(0, 3)) {
    case 0:
      return body.subarray(0, at)
    case 1: {
      const changed = Uint8Array.from(body)
      for (let left = chance.between(1, 5); left > 0 && changed.length > 0; left--)
        changed[chance.between(0, changed.length - 1)] = chance.between(0, 255)
      return changed
    }
    case 2:
      return Uint8Array.from(chance.list(0, 200, () => chance.between(0, 255)))
    default:
      return Buffer.from(mutateText(chance, Buffer.from(body).toString('latin1')), 'latin1')
  }
}

function encoded(body: Uint8Array, chance: Chance, headers: Headers): Uint8Array {
  const [name, encode] = chance.oneOf([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)
  if (chance.happens(0.8)) headers['content-encoding'] = chance.happens(0.9) ? name : 'gzip'
  const bytes = chance.happens(0.1) ? Buffer.alloc(3_000_000) : body
  const sent = encode(bytes)
  return chance.happens(0.3) ? spoilBytes(sent, chance) : sent
}
