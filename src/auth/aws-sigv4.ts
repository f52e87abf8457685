// AWS Signature Version 4, by the steps of its documentation ("Create a signed AWS API request"). Written by hand: aws4 parses a query with
// a parser that drops what comes after 1,000 parameters, signs the first of repeated ones alone for S3, and encodes anew what is encoded in a
// query that has brackets, too.
import { createHash, createHmac } from 'node:crypto'
import { z } from 'zod'
import { lateCredential, lateIdentifier } from '../options/late-secret.ts'
import { secret } from '../options/secret.ts'
import type { Authenticator } from '../ports/authenticator.ts'
import type { HttpRequest } from '../ports/runtime.ts'
import type { AuthContext } from './auth-context.ts'

export const awsSigV4Options = z.strictObject({
  type: z
    .literal('aws_sigv4')
    .describe('Each request is signed as AWS asks (Signature Version 4), with the time of the attempt.'),
  service: z.string().min(1).describe('The service, as in `execute-api`, `s3` or `es`.'),
  region: z.string().min(1).describe('The region, as in `eu-central-1`.'),
  accessKeyId: secret.describe('The access key.'),
  secretAccessKey: secret.describe('Its secret.'),
  sessionToken: secret.exactOptional().describe('With temporary credentials: their session token.'),
})
export type AwsSigV4Options = z.input<typeof awsSigV4Options>

/**
 * Signs each request as AWS asks:
 * `awsSigV4({ service: 'execute-api', region: 'eu-central-1', accessKeyId: env('AWS_ACCESS_KEY_ID'), secretAccessKey: env('AWS_SECRET_ACCESS_KEY') })`.
 */
export function awsSigV4(options: Omit<AwsSigV4Options, 'type'>): AwsSigV4Options {
  return { type: 'aws_sigv4', ...options }
}

export function awsSigV4Authenticator(
  options: z.output<typeof awsSigV4Options>,
  context: AuthContext,
): Authenticator {
  const accessKeyId = lateIdentifier(options.accessKeyId, 'auth.accessKeyId', context)
  const secretAccessKey = lateCredential(options.secretAccessKey, 'auth.secretAccessKey', context)
  const sessionToken =
    options.sessionToken === undefined
      ? undefined
      : lateCredential(options.sessionToken, 'auth.sessionToken', context)
  return {
    async sign(request) {
      return signAwsV4(request, {
        service: options.service,
        region: options.region,
        accessKeyId: accessKeyId(),
        secretAccessKey: secretAccessKey(),
        sessionToken: sessionToken?.(),
        now: context.runtime.clock.now(),
      })
    },
  }
}

/** What a signature is made of. */
export interface AwsSigning {
  readonly service: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

/** The request with its signature; its query, and for S3 its path, are encoded as they are signed. */
export function signAwsV4(request: HttpRequest, signing: AwsSigning): HttpRequest {
  const { service, region, sessionToken } = signing
  const { headers, ...rest } = request
  const url = sentUrl(new URL(request.url), service)
  const bodyHash = createHash('sha256')
    .update(request.body ?? '')
    .digest('hex')
  const date = amzDate(signing.now)
  const { authorization: _, ...others } = headers
  const sent: Record<string, string> = {
    ...others,
    'x-amz-date': date,
    ...(sessionToken && { 'x-amz-security-token': sessionToken }),
    // S3 asks for it.
    ...(service === 's3' && { 'x-amz-content-sha256': bodyHash }),
  }
  const signed = Object.entries({ ...sent, host: url.host })
    .filter(([name]) => !unsignedHeaders.has(name))
    .sort(byName)
  const names = signed.map(([name]) => name).join(';')
  const canonical = [
    request.method,
    canonicalPath(url.pathname, service),
    canonicalQuery(url.search),
    ...signed.map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, ' ')}`),
    '',
    names,
    bodyHash,
  ].join('\n')
  const scope = [date.slice(0, 8), region, service, 'aws4_request']
  const text = [algorithm, date, scope.join('/'), createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  )
  const key = scope.reduce<string | Buffer>(mac, `AWS4${signing.secretAccessKey}`)
  const credential = `${signing.accessKeyId}/${scope.join('/')}`
  const signature = mac(key, text).toString('hex')
  sent['authorization'] =
    `${algorithm} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`
  return { ...rest, url: url.href, headers: sent }
}

const algorithm = 'AWS4-HMAC-SHA256'

/** What a proxy on the way may change or leave out. The length is told by the transport. */
const unsignedHeaders: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'range',
  'transfer-encoding',
  'user-agent',
  'x-amzn-trace-id',
])

function mac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1
}

/**
 * The address with its query encoded as it is signed, and for S3 its path: what is sent is then what AWS computes the signature of. The order of
 * the parameters stays; a plus is a space, as in a form.
 */
function sentUrl(given: URL, service: string): URL {
  const url = new URL(given)
  if (service === 's3') url.pathname = canonicalPath(url.pathname, service)
  url.search = parametersOf(url.search)
    .map((pair) => pair.join('='))
    .join('&')
  return url
}

/** Every other service asks for a path that is encoded once more than it is sent, without empty segments. */
function canonicalPath(path: string, service: string): string {
  const segments = (service === 's3' ? path : path.replace(/\/{2,}/g, '/')).split('/')
  return segments.map((one) => escaped(service === 's3' ? decoded(one) : one)).join('/')
}

function canonicalQuery(search: string): string {
  return parametersOf(search)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&')
}

function parametersOf(search: string): [name: string, value: string][] {
  return search
    .slice(1)
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', ...value] = part.replaceAll('+', ' ').split('=')
      return [escaped(decoded(name)), escaped(decoded(value.join('=')))]
    })
}

/** A percent sign that begins no encoded character stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** RFC 3986: all but its unreserved characters. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** ISO 8601 without separators, to the second: `20150830T123600Z`. */
function amzDate(now: number): string {
  return new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')
}
