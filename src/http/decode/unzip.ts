// Zip archives (PKWARE APPNOTE 6.3), read from front to back while they arrive: a few chunks in memory, whatever their size.
//
// Each file's length and checksum are compared with what the archive says of it, and the number of files with the directory at its
// end: an archive that is damaged, or ends early, is an error. An entry whose length is not known beforehand ends where its own
// deflate stream does.
import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib'
import { BodyTruncatedError } from '../errors.ts'
import { ByteReader } from './byte-reader.ts'
import { BodyUnreadableError, excerptOf } from './errors.ts'

const localFile = 0x04034b50
const descriptorMark = 0x08074b50
const directoryEntry = 0x02014b50
const directoryEnd = 0x06054b50
const zip64End = 0x06064b50
const zip64Locator = 0x07064b50
const unknown32 = 0xffffffff

/** Inflated in one go: what bounds the memory, since deflate makes at most 1032 bytes of one. */
const sliceBytes = 16 * 1024

export interface ArchivedFile {
  readonly name: string
  /** Its bytes, to be read to the end or not at all: they are skipped when the next file is asked for. */
  readonly bytes: AsyncIterable<Uint8Array>
}

/** True where bytes begin as a zip archive does, one without files included. */
export function beginsAsZip(head: Uint8Array): boolean {
  return (
    head[0] === 0x50 &&
    head[1] === 0x4b &&
    ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6))
  )
}

/**
 * The files of an archive, one after the other, folders left out.
 * @throws BodyTruncatedError an archive that is damaged or ends early
 * @throws BodyUnreadableError an encrypted file, or one that is packed by another method than deflate
 */
export async function* unzip(source: AsyncIterable<Uint8Array>, url: string): AsyncGenerator<ArchivedFile> {
  const reader = new ByteReader(source)
  const broken = (problem: string, cause?: unknown) =>
    new BodyTruncatedError(url, `its zip archive ${problem}`, cause === undefined ? undefined : { cause })
  const exactly = async (length: number): Promise<Buffer> => {
    const bytes = await reader.peek(length)
    if (bytes.length < length) throw broken('ends early')
    reader.skip(length)
    return bytes
  }

  try {
    let files = 0
    while ((await reader.peek(4)).length === 4 && (await reader.peek(4)).readUInt32LE() === localFile) {
      files++
      const header = await readHeader(exactly, url)
      const bytes = header.method === 0 ? stored(header) : deflated(header)
      const checked = check(bytes, header)
      if (!header.name.endsWith('/'))
        yield { name: header.name, bytes: { [Symbol.asyncIterator]: () => checked } }
      while (!(await checked.next()).done);
    }
    await readDirectory(files)
    while ((await reader.some(sliceBytes)) !== undefined);
  } finally {
    await reader.close()
  }

  async function* stored({ packed, name }: FileHeader): AsyncGenerator<Uint8Array> {
    if (packed === undefined && !name.endsWith('/') && !(await isEmpty())) {
      throw new BodyUnreadableError(
        url,
        `answered a zip archive whose file ${excerptOf(name)} is stored without its length, so that its end can't be told. Ask for another format`,
        name,
      )
    }
    for (let left = packed ?? 0; left > 0; ) {
      const bytes = await reader.some(Math.min(left, sliceBytes))
      if (bytes === undefined) throw broken(`ends in ${excerptOf(name)}`)
      left -= bytes.length
      yield bytes
    }
  }

  /** A file without content says so right behind its header. */
  async function isEmpty(): Promise<boolean> {
    const next = await reader.peek(16)
    return (
      next.length === 16 &&
      next.readUInt32LE() === descriptorMark &&
      next.subarray(4).every((byte) => byte === 0)
    )
  }

  async function* deflated({ packed, name }: FileHeader): AsyncGenerator<Uint8Array> {
    const inflater = new Inflater()
    try {
      let given: Buffer = Buffer.alloc(0)
      let left = packed ?? Number.POSITIVE_INFINITY
      while (!inflater.ended && left > 0) {
        const bytes = await reader.some(Math.min(left, sliceBytes))
        if (bytes === undefined) throw broken(`ends in ${excerptOf(name)}`)
        given = bytes
        left -= bytes.length
        yield* await inflater.write(bytes)
      }
      if (!inflater.ended) yield* await inflater.end()
      const unread = inflater.unread
      if (packed === undefined) reader.unread(given.subarray(given.length - unread))
      else if (unread > 0 || left > 0) throw new Error('its data is followed by something else')
    } catch (error) {
      if (error instanceof BodyTruncatedError || !(error instanceof Error)) throw error
      throw broken(`is damaged in ${excerptOf(name)} (${error.message})`, error)
    } finally {
      inflater.close()
    }
  }

  async function* check(bytes: AsyncIterable<Uint8Array>, header: FileHeader): AsyncGenerator<Uint8Array> {
    let sum = 0
    let size = 0
    for await (const chunk of bytes) {
      sum = crc32(chunk, sum)
      size += chunk.length
      yield chunk
    }
    const told =
      header.described && !(await isFolderWithoutDescriptor(header))
        ? await readDescriptor(header, size)
        : header
    if (told.sum !== sum || told.size !== size) {
      throw broken(`is damaged in ${excerptOf(header.name)}: its length or its checksum is another`)
    }
  }

  /** Some tools say of folders, too, that a descriptor follows, and write none. */
  async function isFolderWithoutDescriptor({ name, method }: FileHeader): Promise<boolean> {
    if (method !== 0 || !name.endsWith('/')) return false
    const mark = await reader.peek(4)
    return mark.length < 4 || mark.readUInt32LE() !== descriptorMark
  }

  /** Behind a file whose header doesn't know them: checksum and lengths, of 4 or 8 bytes, with or without a mark before. */
  async function readDescriptor(
    { zip64 }: FileHeader,
    inflated: number,
  ): Promise<{ sum: number; size: number }> {
    const wide = zip64 || inflated > unknown32
    const mark = await reader.peek(4)
    if (mark.length === 4 && mark.readUInt32LE() === descriptorMark) reader.skip(4)
    const bytes = await exactly(wide ? 20 : 12)
    return {
      sum: bytes.readUInt32LE(),
      size: wide ? Number(bytes.readBigUInt64LE(12)) : bytes.readUInt32LE(8),
    }
  }

  /** The directory lists every file once more: fewer or more of them, and the archive is not what its sender made. */
  async function readDirectory(files: number): Promise<void> {
    let listed = 0
    for (;;) {
      const mark = (await exactly(4)).readUInt32LE()
      if (mark === directoryEntry) {
        listed++
        const rest = await exactly(42)
        await pass(rest.readUInt16LE(24) + rest.readUInt16LE(26) + rest.readUInt16LE(28))
      } else if (mark === zip64End) await pass(Number((await exactly(8)).readBigUInt64LE()))
      else if (mark === zip64Locator) await pass(16)
      else if (mark === directoryEnd) {
        const rest = await exactly(18)
        const total = rest.readUInt16LE(6)
        if (listed !== files || (total !== 0xffff && total !== files % 0x10000)) {
          throw broken(`is damaged: it holds ${files} files, and its directory lists ${listed}`)
        }
        return
      } else throw broken('is damaged: there is something else between its files')
    }
  }

  async function pass(length: number): Promise<void> {
    for (let left = length; left > 0; ) {
      const bytes = await reader.some(Math.min(left, sliceBytes))
      if (bytes === undefined) throw broken('ends early')
      left -= bytes.length
    }
  }
}

interface FileHeader {
  readonly name: string
  /** 0 is stored as it is, 8 is deflate. */
  readonly method: number
  readonly sum: number
  readonly size: number
  /** Length in the archive; `undefined` where only its end tells. */
  readonly packed: number | undefined
  /** Checksum and lengths come behind the file. */
  readonly described: boolean
  readonly zip64: boolean
}

async function readHeader(exactly: (length: number) => Promise<Buffer>, url: string): Promise<FileHeader> {
  const fixed = await exactly(30)
  const flags = fixed.readUInt16LE(6)
  const method = fixed.readUInt16LE(8)
  const nameBytes = await exactly(fixed.readUInt16LE(26))
  // Bit 11 says UTF-8; without it names are in an old charset, of which only ASCII is sure.
  const name = nameBytes.toString('utf8')
  const extra = await exactly(fixed.readUInt16LE(28))
  const refuse = (why: string) =>
    new BodyUnreadableError(
      url,
      `answered a zip archive whose file ${excerptOf(name)} ${why}. Ask for another format`,
      name,
    )
  if ((flags & 1) !== 0) throw refuse('is encrypted')
  if (method !== 0 && method !== 8) throw refuse(`is packed by method ${method}; deflate (8) can be read`)
  const long = zip64Sizes(extra)
  const described = (flags & 8) !== 0
  const size = fixed.readUInt32LE(22)
  const packed = fixed.readUInt32LE(18)
  const wholeSize = size === unknown32 && long !== undefined ? long.size : size
  const wholePacked = packed === unknown32 && long !== undefined ? long.packed : packed
  return {
    name,
    method,
    sum: fixed.readUInt32LE(14),
    size: wholeSize,
    packed: described && wholePacked === 0 ? undefined : wholePacked,
    described,
    zip64: long !== undefined,
  }
}

/** The field 0x0001 of a header holds both lengths where they need 8 bytes. */
function zip64Sizes(extra: Buffer): { size: number; packed: number } | undefined {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue
    const length = extra.readUInt16LE(at + 2)
    if (length < 16 || at + 20 > extra.length) return undefined
    return { size: Number(extra.readBigUInt64LE(at + 4)), packed: Number(extra.readBigUInt64LE(at + 12)) }
  }
  return undefined
}

/** Raw deflate, slice by slice, that tells where its stream ends. */
class Inflater {
  readonly #stream: InflateRaw = createInflateRaw({ chunkSize: 128 * 1024 })
  #output: Uint8Array[] = []
  #given = 0
  #settle: (error?: Error) => void = () => {}
  ended = false

  constructor() {
    this.#stream.on('data', (chunk: Uint8Array) => this.#output.push(chunk))
    this.#stream.on('error', (error) => this.#settle(error))
    this.#stream.on('end', () => {
      this.ended = true
      this.#settle()
    })
  }

  write(bytes: Uint8Array): Promise<Uint8Array[]> {
    this.#given += bytes.length
    return this.#step(() => void this.#stream.write(bytes, () => this.#settle()))
  }

  end(): Promise<Uint8Array[]> {
    return this.#step(() => void this.#stream.end())
  }

  /** How many of the bytes that were written belong to what comes after the stream. */
  get unread(): number {
    return this.#given - this.#stream.bytesWritten
  }

  close(): void {
    this.#stream.destroy()
  }

  #step(begin: () => void): Promise<Uint8Array[]> {
    return new Promise((resolve, reject) => {
      this.#settle = (error) => {
        if (error) reject(error)
        else {
          const output = this.#output
          this.#output = []
          resolve(output)
        }
      }
      begin()
    })
  }
}
