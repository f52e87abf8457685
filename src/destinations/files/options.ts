import { z } from 'zod'
import { duration } from '../../options/duration.ts'
import { address, secret } from '../../options/secret.ts'

const ofBuckets = [
  'endpoint',
  'region',
  'accessKeyId',
  'secretAccessKey',
  'sessionToken',
  'pathStyle',
] as const

/** Loads into files: JSON Lines, CSV or Parquet, on disk or in a bucket. */
export const filesOptions = z
  .strictObject({
    type: z.literal('files').describe('Files on disk, or in a bucket.'),
    path: z
      .string()
      .min(1)
      .refine((path) => placeOf(path) !== null, { error: (issue) => noPlace(String(issue.input)) })
      .describe(
        'The folder, made if it is not there; a relative one starts from the folder of the pipeline file. Or `s3://bucket/prefix`, of S3 or a store with its interface that keeps `If-None-Match`. Each pipeline has a folder of its own name in it.',
      ),
    format: z
      .enum(['jsonl', 'csv', 'parquet'])
      .default('parquet')
      .describe(
        'What new data files are: `parquet`, `jsonl` (JSON Lines) or `csv`. Files that are there stay as they are, and are read beside them. Default "parquet".',
      ),
    compression: z
      .enum(['gzip', 'none'])
      .default('gzip')
      .describe(
        'Of files of JSON Lines and CSV. Default "gzip". A Parquet file is compressed inside, with zstd, whatever stands here.',
      ),
    grace: duration
      .prefault('1h')
      .refine((ms) => ms >= 60_000, { error: 'grace must be at least "1m"' })
      .describe(
        'How long a file stays that no manifest names, or names no more: longer than a reader takes that began before, and than a commit. Default "1h", at least "1m".',
      ),
    endpoint: address
      .exactOptional()
      .describe(
        "With `s3://`: the store's address, as in `https://minio.example.com`. Default: AWS's own, for the region.",
      ),
    region: z
      .string()
      .min(1)
      .exactOptional()
      .describe('With `s3://`: the region. Default: AWS_REGION, or AWS_DEFAULT_REGION, or "us-east-1".'),
    accessKeyId: secret
      .exactOptional()
      .describe('With `s3://`: the access key. Default: the variable AWS_ACCESS_KEY_ID.'),
    secretAccessKey: secret
      .exactOptional()
      .describe('With `s3://`: its secret. Default: the variable AWS_SECRET_ACCESS_KEY.'),
    sessionToken: secret
      .exactOptional()
      .describe(
        'With `s3://` and temporary credentials: their session token. Default: the variable AWS_SESSION_TOKEN, where the access key comes from the environment, too.',
      ),
    pathStyle: z
      .boolean()
      .exactOptional()
      .describe(
        'With `s3://`: whether the bucket stands in the path of an address (true), or before its host. Default: true with an `endpoint`, else false.',
      ),
  })
  .check((context) => {
    const { path } = context.value
    const stray = ofBuckets.find((option) => context.value[option] !== undefined)
    if (stray === undefined || placeOf(path) !== undefined) return
    context.issues.push({
      code: 'custom',
      input: context.value[stray],
      path: [stray],
      message: `it is for a bucket, and ${JSON.stringify(path)} is a folder: leave it out, or write path: s3://bucket/prefix`,
    })
  })
  .describe('Loads into files of JSON Lines, CSV or Parquet, on disk or in a bucket.')

/** The options as a user writes them. */
export type FilesInput = z.input<typeof filesOptions>

/** The options, validated, with their defaults. */
export type FilesOptions = z.output<typeof filesOptions>

/** Files as a pipeline's destination. */
export function files(options: Omit<FilesInput, 'type'>): FilesInput {
  return { type: 'files', ...options }
}

export interface BucketPlace {
  readonly bucket: string
  /** Empty, or with a `/` at its end. */
  readonly prefix: string
}

/** The bucket that a path names; `undefined` where it is a folder. */
export function bucketPlace(path: string): BucketPlace | undefined {
  return placeOf(path) ?? undefined
}

/** `undefined` for a folder, `null` for what is no place of a bucket. */
function placeOf(path: string): BucketPlace | undefined | null {
  const match = /^([a-z][a-z0-9+.-]+):\/\/(.*)$/i.exec(path)
  if (match === null) return undefined
  const [bucket = '', ...rest] = match[2]!.split('/')
  if (match[1] !== 's3' || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) return null
  const prefix = rest.filter((part) => part !== '').join('/')
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/` }
}

function noPlace(path: string): string {
  return `${JSON.stringify(path)} is no place for files: write a folder, or s3://bucket/prefix, with a bucket's name of 3 to 63 small letters, digits, dots and hyphens`
}
