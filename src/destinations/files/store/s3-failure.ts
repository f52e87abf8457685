import { SluiceError } from '../../../errors.ts'
import { DestinationError } from '../../errors.ts'
import type { S3Options, S3Request } from './s3-client.ts'

/** What a store answered in place of doing what it was asked. */
export class S3Refusal extends SluiceError {
  readonly code = 'DESTINATION_FAILED'
  readonly recovery = 'stop-run'
  readonly status: number
  /** S3's own, as in `NoSuchBucket`; empty where there is none. */
  readonly refusal: string
  /** Whether the same request may succeed later. */
  readonly isPassing: boolean
  constructor(status: number, refusal: string, message: string, isPassing: boolean) {
    super(message)
    this.status = status
    this.refusal = refusal
    this.isPassing = isPassing
  }
}

const advice: Readonly<Record<string, (options: S3Options) => string>> = {
  NoSuchBucket: ({ bucket }) => `there is no bucket ${bucket}: make it, or correct destination.path`,
  InvalidAccessKeyId: () =>
    'the store does not know the access key: correct destination.accessKeyId, or AWS_ACCESS_KEY_ID',
  SignatureDoesNotMatch: () =>
    'the secret does not belong to the access key: correct destination.secretAccessKey, or AWS_SECRET_ACCESS_KEY',
  ExpiredToken: () => 'the session token has expired: get new credentials',
  InvalidToken: () => 'the session token is not valid: get new credentials',
  RequestTimeTooSkewed: () =>
    "this machine's clock differs from the store's by more than the store allows, 15 minutes as a rule: set the clock",
  AccessDenied: ({ bucket }) =>
    `these credentials may not do that: they need s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket on ${bucket}`,
  AuthorizationHeaderMalformed: ({ region }) =>
    `the bucket is in another region than ${region}: correct destination.region`,
  PermanentRedirect: ({ region }) =>
    `the bucket is at another address: correct destination.region (now ${region}) or destination.endpoint`,
  NotImplemented: () =>
    'the store does not know a part of the request. It has to keep If-None-Match: use a store, or a version of it, that does',
}

/** What a request that failed for good means. */
export function explainS3(error: Error, options: S3Options, { method, key }: S3Request): Error {
  const what = `${method} ${key === '' ? options.bucket : key}`
  if (!(error instanceof S3Refusal))
    return new DestinationError(options.description, `${what} failed: ${error.message}`, { cause: error })
  const { status, refusal, message } = error
  const told = refusal === '' ? `status ${status}` : `${status} ${refusal}`
  const meaning =
    advice[refusal]?.(options) ??
    (status === 403 ? advice['AccessDenied']!(options) : message || 'it said no more')
  return new DestinationError(options.description, `${what} was refused (${told}): ${meaning}`, {
    cause: error,
  })
}
