// The few requests of S3's interface that the files destination needs, over the runtime's transport. Sources: the "Amazon S3 API Reference"
// (PutObject, GetObject, HeadObject, DeleteObject, ListObjectsV2, CreateMultipartUpload, UploadPart, CompleteMultipartUpload) and "Error
// responses" there. By hand and not by the vendor's client: six requests, signed by the signer that sources have.
import { XMLParser } from 'fast-xml-parser'
import { signAwsV4 } from '../../../auth/aws-sigv4.ts'
import { isSluiceError } from '../../../errors.ts'
import { firstHeader } from '../../../http/headers.ts'
import type { HttpHeaders, HttpResponse, Runtime } from '../../../ports/runtime.ts'
import { explainS3, S3Refusal } from './s3-failure.ts'

export interface S3Options {
  readonly bucket: string
  /** As in `https://minio.example.com`; absent: AWS's own. */
  readonly endpoint?: string | undefined
  readonly region: string
  /** Whether the bucket stands in the path. */
  readonly pathStyle: boolean
  readonly credentials: () => {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string | undefined
  }
  /** For messages. */
  readonly description: string
}

export interface S3Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'HEAD' | 'DELETE'
  /** Empty for the bucket itself. */
  readonly key: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

export interface S3Answer {
  readonly status: number
  readonly headers: HttpHeaders
  readonly body: Buffer
  /** Whether an attempt before this one may have done what was asked, though no answer came. */
  readonly repeated: boolean
}

const TIMEOUTS = { connect: 10_000, headers: 60_000, body: 60_000 }

/** Attempts of one request, the first among them: with these waits, about a minute. */
const ATTEMPTS = 8
const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 20_000

/** Codes of answers below 500 that say that the same request may succeed later. */
const PASSING = new Set(['SlowDown', 'RequestTimeout', 'OperationAborted', 'ConditionalRequestConflict'])

export class S3Client {
  readonly #options: S3Options
  readonly #runtime: Runtime
  readonly #base: URL
  #clockOffset = 0

  constructor(options: S3Options, runtime: Runtime) {
    this.#options = options
    this.#runtime = runtime
    this.#base = baseUrl(options)
  }

  /** The store's time, by its last answer. */
  now(): number {
    return this.#runtime.clock.now() + this.#clockOffset
  }

  /**
   * Sends a request, and again where it failed in passing.
   * @param accepted statuses that are an answer, beside those below 300
   * @throws DestinationError
   */
  async send(request: S3Request, accepted: readonly number[] = []): Promise<S3Answer> {
    let repeated = false
    for (let attempt = 1; ; attempt++) {
      const problem: S3Answer | Error = await this.#attempt(request, accepted, repeated).catch(
        (error: unknown) => {
          if (!isSluiceError(error)) throw error
          return error
        },
      )
      if (!(problem instanceof Error)) return problem
      const isPassing =
        problem instanceof S3Refusal
          ? problem.isPassing
          : isSluiceError(problem) && problem.recovery === 'retry'
      if (!isPassing || attempt === ATTEMPTS) throw explainS3(problem, this.#options, request)
      // A refusal with 4xx was not carried out; after any other failure nobody knows.
      repeated ||= !(problem instanceof S3Refusal) || problem.status >= 500
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1))
      await this.#runtime.clock.sleep(wait * (0.5 + this.#runtime.random() / 2))
    }
  }

  async #attempt(request: S3Request, accepted: readonly number[], repeated: boolean): Promise<S3Answer> {
    const { method, key, query = {}, headers = {}, body } = request
    const url = new URL(this.#base)
    url.pathname += key.split('/').map(encodeURIComponent).join('/')
    url.search = new URLSearchParams(query).toString()
    const signed = signAwsV4(
      {
        method,
        url: url.href,
        headers: { ...headers, 'accept-encoding': 'identity' },
        timeouts: TIMEOUTS,
        ...(body !== undefined && { body }),
      },
      {
        service: 's3',
        region: this.#options.region,
        ...this.#options.credentials(),
        now: this.#runtime.clock.now(),
      },
    )
    const response = await this.#runtime.transport(signed)
    this.#noteTime(response)
    const answer = {
      status: response.status,
      headers: response.headers,
      body: await readAll(response),
      repeated,
    }
    if (response.status < 300) {
      // A multipart upload is put together while the answer is on its way: it may say 200, and then that it failed.
      if (method === 'POST' && answer.body.includes('<Error>')) throw refusal(500, answer.body)
      return answer
    }
    if (accepted.includes(response.status)) {
      const { code } = errorOf(answer.body)
      if (code !== 'NoSuchBucket' && !PASSING.has(code)) return answer
    }
    throw refusal(response.status, answer.body)
  }

  #noteTime({ headers }: HttpResponse): void {
    const told = Date.parse(firstHeader(headers, 'date') ?? '')
    if (!Number.isNaN(told)) this.#clockOffset = told - this.#runtime.clock.now()
  }
}

const parser = new XMLParser({ parseTagValue: false, isArray: (name) => name === 'Contents' })

/** An answer's document, its root left out. Values are text. */
export function readS3Xml(body: Uint8Array): Record<string, unknown> {
  const [root] = Object.entries(parser.parse(Buffer.from(body)) as Record<string, unknown>).filter(
    ([name]) => name !== '?xml',
  )
  return typeof root?.[1] === 'object' && root[1] !== null ? (root[1] as Record<string, unknown>) : {}
}

function errorOf(body: Buffer): { code: string; message: string } {
  if (!body.includes('<Error>')) return { code: '', message: body.toString('utf8').slice(0, 200) }
  const { Code: code, Message: message } = readS3Xml(body)
  return { code: String(code ?? ''), message: String(message ?? '') }
}

function refusal(status: number, body: Buffer): S3Refusal {
  const { code, message } = errorOf(body)
  const isPassing = status >= 500 || status === 429 || PASSING.has(code)
  return new S3Refusal(status, code, message, isPassing)
}

function baseUrl({ endpoint, bucket, region, pathStyle }: S3Options): URL {
  const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  if (pathStyle) url.pathname += `${bucket}/`
  else url.host = `${bucket}.${url.host}`
  return url
}

async function readAll({ body }: HttpResponse): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
