import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Runtime } from '../../../ports/runtime.ts'
import type { BucketPlace } from '../options.ts'
import { explainDisk } from './disk-failure.ts'
import type { ObjectStore, StagedFile, StoredObject } from './object-store.ts'
import { readS3Xml, S3Client, type S3Options } from './s3-client.ts'

/** A file up to this size is sent whole, a larger one in parts of it. Least size of a part: 5 MiB. */
const PART_BYTES = 16 * 1024 * 1024

/** Deletions under way at once. */
const DELETIONS = 8

/** A bucket, or what begins with a prefix in it. */
export class S3Store implements ObjectStore {
  readonly #client: S3Client
  readonly #place: BucketPlace
  readonly #close: () => Promise<void>
  readonly description: string
  #folder: Promise<string> | undefined
  #staged = 0

  /** @param close ends what the store's connections go through */
  constructor(
    place: BucketPlace,
    options: Omit<S3Options, 'bucket'>,
    runtime: Runtime,
    close: () => Promise<void>,
  ) {
    this.#place = place
    this.#client = new S3Client({ ...options, bucket: place.bucket }, runtime)
    this.#close = close
    this.description = options.description
  }

  location(key: string): string {
    return `s3://${this.#place.bucket}/${this.#key(key)}`
  }

  now(): number {
    return this.#client.now()
  }

  async create(key: string, body: Uint8Array): Promise<boolean> {
    const { status, repeated } = await this.#client.send(
      { method: 'PUT', key: this.#key(key), body, headers: { 'if-none-match': '*' } },
      [412],
    )
    if (status !== 412) return true
    // The answer to an attempt before may have been lost: what is there is this very object then, or another's.
    if (!repeated) return false
    const present = await this.get(key)
    return present !== null && Buffer.compare(present, body) === 0
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#client.send({ method: 'PUT', key: this.#key(key), body })
  }

  async get(key: string): Promise<Uint8Array | null> {
    const { status, body } = await this.#client.send({ method: 'GET', key: this.#key(key) }, [404])
    return status === 404 ? null : body
  }

  async localCopy(key: string, target: string): Promise<string> {
    const { body } = await this.#client.send({ method: 'GET', key: this.#key(key) })
    await writeFile(target, body).catch((error: unknown) => {
      throw explainDisk(error, this.description, 'write', target)
    })
    return target
  }

  async has(key: string): Promise<boolean> {
    return (await this.#client.send({ method: 'HEAD', key: this.#key(key) }, [404])).status !== 404
  }

  async *list(prefix: string, after?: string): AsyncIterable<StoredObject> {
    for (let last = after, isWhole = false; !isWhole; ) {
      const { body } = await this.#client.send({
        method: 'GET',
        key: '',
        query: {
          'list-type': '2',
          'encoding-type': 'url',
          prefix: this.#key(prefix),
          ...(last !== undefined && { 'start-after': this.#key(last) }),
        },
      })
      const page = readS3Xml(body) as ListPage
      const contents = page.Contents ?? []
      for (const { Key: given, Size: bytes, LastModified: modified } of contents) {
        // Some stores don't encode keys though they are asked to, and then say so.
        const whole = page.EncodingType === 'url' ? decodeURIComponent(given.replaceAll('+', ' ')) : given
        const key = whole.slice(this.#place.prefix.length)
        last = key
        yield { key, bytes: Number(bytes), modifiedAt: Date.parse(modified) }
      }
      isWhole = page.IsTruncated !== 'true' || contents.length === 0
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    const left = [...keys]
    const workers = Array.from({ length: Math.min(DELETIONS, keys.length) }, async () => {
      for (let key = left.shift(); key !== undefined; key = left.shift())
        await this.#client.send({ method: 'DELETE', key: this.#key(key) }, [404])
    })
    await Promise.all(workers)
  }

  async stage(key: string): Promise<StagedFile> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'sluice-upload-'))
    // Files of several tables may have one name.
    const path = join(await this.#folder, `${++this.#staged}-${basename(key)}`)
    const explain = (error: unknown) => explainDisk(error, this.description, 'write', path)
    return {
      path,
      explain,
      keep: async () => {
        try {
          return await this.#upload(key, path)
        } catch (error) {
          throw explain(error)
        } finally {
          await rm(path, { force: true })
        }
      },
      drop: async () => {
        await rm(path, { force: true }).catch(() => undefined)
        await this.remove([key]).catch(() => undefined)
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const folder = await this.#folder?.catch(() => undefined)
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    await this.#close()
  }

  async #upload(key: string, path: string): Promise<number> {
    await using file = await open(path, 'r')
    const { size } = await stat(path)
    const read = async (from: number) => {
      const { buffer, bytesRead } = await file.read({
        buffer: Buffer.alloc(Math.min(PART_BYTES, size - from)),
        position: from,
      })
      return buffer.subarray(0, bytesRead)
    }
    if (size <= PART_BYTES) await this.put(key, await read(0))
    else await this.#uploadParts(this.#key(key), size, read)
    return size
  }

  async #uploadParts(key: string, size: number, read: (from: number) => Promise<Uint8Array>): Promise<void> {
    const begun = await this.#client.send({ method: 'POST', key, query: { uploads: '' } })
    const uploadId = String(readS3Xml(begun.body)['UploadId'])
    try {
      let parts = ''
      for (let from = 0, number = 1; from < size; from += PART_BYTES, number++) {
        const query = { partNumber: String(number), uploadId }
        const { headers } = await this.#client.send({ method: 'PUT', key, query, body: await read(from) })
        parts += `<Part><PartNumber>${number}</PartNumber><ETag>${String(headers['etag'])}</ETag></Part>`
      }
      const body = Buffer.from(`<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`)
      const answer = await this.#client.send({ method: 'POST', key, query: { uploadId }, body }, [404])
      // An attempt before this one has put it together: then there is no such upload any more.
      const isThere = answer.status !== 404 || (answer.repeated && (await this.#isThere(key)))
      if (!isThere) throw new Error(`the upload of ${key} is gone before it was put together`)
    } catch (error) {
      await this.#client.send({ method: 'DELETE', key, query: { uploadId } }, [404]).catch(() => undefined)
      throw error
    }
  }

  async #isThere(key: string): Promise<boolean> {
    return (await this.#client.send({ method: 'HEAD', key }, [404])).status !== 404
  }

  #key(key: string): string {
    return `${this.#place.prefix}${key}`
  }
}

interface ListPage {
  readonly Contents?: readonly {
    readonly Key: string
    readonly Size: string
    readonly LastModified: string
  }[]
  readonly IsTruncated?: string
  readonly EncodingType?: string
}
