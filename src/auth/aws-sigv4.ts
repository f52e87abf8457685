import aws4 from 'aws4'
import { z } from 'zod'
import { lateCredential, lateIdentifier } from '../options/late-secret.ts'
import { secret } from '../options/secret.ts'
import type { Authenticator } from '../ports/authenticator.ts'
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
      const url = new URL(request.url)
      const signed = aws4.sign(
        {
          service: options.service,
          region: options.region,
          method: request.method,
          host: url.host,
          path: url.pathname + url.search,
          // Our own clock's time, which aws4 would take from the machine.
          headers: { ...request.headers, 'x-amz-date': amzDate(context.runtime.clock.now()) },
          ...(request.body !== undefined && { body: bodyOf(request.body) }),
        },
        {
          accessKeyId: accessKeyId(),
          secretAccessKey: secretAccessKey(),
          ...(sessionToken && { sessionToken: sessionToken() }),
        },
      )
      const headers = Object.fromEntries(
        Object.entries(signed.headers ?? {})
          .map(([name, value]) => [name.toLowerCase(), String(value)] as const)
          // The transport names the host and the length itself, as they are signed here.
          .filter(([name]) => name !== 'host' && name !== 'content-length'),
      )
      // The path as aws4 has signed it: it encodes a query anew.
      return { ...request, url: `${url.origin}${signed.path}`, headers }
    },
  }
}

function bodyOf(body: string | Uint8Array): string | Buffer {
  return typeof body === 'string' ? body : Buffer.from(body)
}

/** ISO 8601 without separators, to the second: `20150830T123600Z`. */
function amzDate(now: number): string {
  return new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')
}
