import { createHash, createHmac } from 'node:crypto'
import { z } from 'zod'
import { withQuery } from '../http/request-url.ts'
import { checkHeaderText, lateIdentifier, lateSecret } from '../options/late-secret.ts'
import { secret } from '../options/secret.ts'
import type { Authenticator } from '../ports/authenticator.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import { fieldTextParts } from '../template/placeholder.ts'
import { requestTemplate } from '../template/request-template.ts'
import type { AuthContext } from './auth-context.ts'
import { tokenId } from './jwt-signer.ts'
import { placeName } from './placement.ts'
import { keyEncoding, sharedKey } from './signing-key.ts'

/** What a template may name, and what it stands for. */
const placeholders = {
  method: 'the method, in capitals',
  url: 'the whole address',
  host: 'the host, and its port where it is not the usual one',
  path: 'the path, as it is sent',
  query: 'the query, as it is sent, without its question mark',
  target: 'path and query, as they are sent',
  body: 'the body, as it is sent; nothing where there is none',
  bodyHash: 'the hash of the body, by `algorithm` and in `encoding`',
  timestamp: 'the time of the attempt',
  nonce: '32 hexadecimal digits that no other attempt has',
  keyId: 'the option keyId',
} as const

const template = z.string().superRefine((text, context) => {
  for (const name of namesIn(text)) {
    if (name in placeholders || name === 'signature' || name.startsWith('header.')) continue
    const all = [...Object.keys(placeholders), 'header.NAME', 'signature']
    context.addIssue({
      code: 'custom',
      message: `{${name}} stands for nothing here: there are ${all.map((each) => `{${each}}`).join(', ')}; for a brace itself, write {{ or }}`,
      input: text,
    })
  }
})

const templates = z.record(placeName, template).default({})

export const hmacOptions = z
  .strictObject({
    type: z
      .literal('hmac')
      .describe('Each request is signed with a key that the API knows, too (HMAC, RFC 2104).'),
    key: secret.describe('The shared key.'),
    keyEncoding,
    keyId: secret.exactOptional().describe('Names the key to the API: `{keyId}`.'),
    algorithm: z
      .enum(['sha256', 'sha512', 'sha384', 'sha1', 'md5'])
      .default('sha256')
      .describe('The hash. Default: sha256.'),
    message: template.describe(
      `What is signed, as in "{timestamp}{method}{target}{body}". ${Object.entries(placeholders)
        .map(([name, meaning]) => `{${name}}: ${meaning}`)
        .join('; ')}; {header.NAME}: a header of the request.`,
    ),
    encoding: z
      .enum(['hex', 'base64', 'base64url'])
      .default('hex')
      .describe('How the signature is written. Default: hex.'),
    headers: templates.describe(
      'Headers that carry it, as in `{ X-Signature: "{signature}", X-Time: "{timestamp}" }`. Those without {signature} are set before it is made, so that `message` may name them.',
    ),
    query: templates.describe(
      'Query parameters that carry it, as in `{ signature: "{signature}" }`. Those without {signature} are a part of the {query} that is signed.',
    ),
    timestamp: z
      .enum(['s', 'ms', 'iso'])
      .default('s')
      .describe(
        'How {timestamp} is written: seconds or milliseconds since 1970, or ISO 8601 in UTC. Default: s.',
      ),
  })
  .check(({ value, issues }) => {
    const refuse = (path: string, message: string) =>
      issues.push({ code: 'custom', path: [path], input: undefined, message })
    const carriers = [...Object.values(value.headers), ...Object.values(value.query)]
    if (!carriers.some((text) => namesIn(text).includes('signature')))
      refuse(
        'headers',
        'nothing carries the signature: name a header or a query parameter, as in `headers: { X-Signature: "{signature}" }`',
      )
    if (namesIn(value.message).includes('signature')) refuse('message', 'the signature cannot sign itself')
    if (
      value.keyId === undefined &&
      [value.message, ...carriers].some((text) => namesIn(text).includes('keyId'))
    )
      refuse('keyId', '{keyId} is used, and no keyId is set')
  })
export type HmacOptions = z.input<typeof hmacOptions>
type Settings = z.output<typeof hmacOptions>

/**
 * Signs each request with a shared key:
 * `hmac({ key: env('KEY'), message: '{timestamp}{method}{target}{body}', headers: { 'X-Sign': '{signature}', 'X-Time': '{timestamp}' } })`.
 */
export function hmac(options: Omit<HmacOptions, 'type'>): HmacOptions {
  return { type: 'hmac', ...options }
}

type Texts = Readonly<Record<string, string>>

export function hmacAuthenticator(options: Settings, context: AuthContext): Authenticator {
  const { runtime, source } = context
  const { algorithm, encoding } = options
  const keyText = lateSecret(options.key, context)
  const keyId = options.keyId === undefined ? () => '' : lateIdentifier(options.keyId, 'auth.keyId', context)
  const before = carriers(options, false)
  const after = carriers(options, true)
  const message = filler({ message: options.message })
  let key: Uint8Array | undefined

  function put(request: HttpRequest, parts: ReturnType<typeof carriers>, texts: Texts): HttpRequest {
    const headers = parts.headers(valuesOf(request, texts))
    for (const value of Object.values(headers)) checkHeaderText(value, 'auth.headers', source)
    return {
      ...request,
      url: withQuery(request.url, parts.query(valuesOf(request, texts))),
      headers: { ...request.headers, ...headers },
    }
  }

  return {
    async sign(request) {
      key ??= sharedKey(keyText(), options.keyEncoding, `sources.${source}.auth.key`)
      const texts = {
        timestamp: timestamp(runtime.clock.now(), options.timestamp),
        nonce: tokenId(runtime.random),
        keyId: keyId(),
        bodyHash: createHash(algorithm)
          .update(request.body ?? '')
          .digest(encoding),
      }
      const prepared = put(request, before, texts)
      const { message: signed = '' } = message(valuesOf(prepared, texts))
      const signature = createHmac(algorithm, key).update(signed).digest(encoding)
      return put(prepared, after, { ...texts, signature })
    },
  }
}

/** The templates of headers and parameters that hold the signature, or those that do not. */
function carriers({ headers, query }: Settings, signed: boolean) {
  const some = (record: Texts) =>
    Object.fromEntries(
      Object.entries(record).filter(([, text]) => namesIn(text).includes('signature') === signed),
    )
  const lowerCase = Object.fromEntries(
    Object.entries(some(headers)).map(([name, text]) => [name.toLowerCase(), text]),
  )
  return { headers: filler(lowerCase), query: filler(some(query)) }
}

function valuesOf(request: HttpRequest, texts: Texts) {
  const url = new URL(request.url)
  // As it is sent: `URL` leaves what is encoded alone, and encodes an apostrophe in a query.
  const query = url.search.slice(1)
  return {
    ...texts,
    method: request.method,
    url: url.href,
    host: url.host,
    path: url.pathname,
    query,
    target: url.pathname + url.search,
    body: typeof request.body === 'string' ? request.body : Buffer.from(request.body ?? '').toString(),
    header: request.headers,
  }
}

/** Fills templates by the one template language that there is. */
function filler(record: Texts): (values: Parameters<ReturnType<typeof requestTemplate>['fill']>[0]) => Texts {
  const compiled = templateOf(record)
  return (values) => compiled.fill(values).body as Texts
}

function namesIn(text: string): readonly string[] {
  return templateOf({ text }).placeholders
}

function templateOf(body: Texts): ReturnType<typeof requestTemplate> {
  return requestTemplate({ method: 'GET', url: '', query: {}, headers: {}, body }, fieldTextParts)
}

function timestamp(now: number, unit: Settings['timestamp']): string {
  if (unit === 'iso') return new Date(now).toISOString()
  return String(unit === 'ms' ? now : Math.floor(now / 1000))
}
