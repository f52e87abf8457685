import type { HttpResponse } from '../../ports/runtime.ts'
import { BodyTooLargeError } from '../errors.ts'
import { BodyUnreadableError, excerptOf } from './errors.ts'
import { gunzipped, type InflateLimits, inflatedBody } from './inflate.ts'
import { beginsAsZip, unzip } from './unzip.ts'

/** What a body holds: itself, or a file of the zip archive that it is. */
export interface BodyFile {
  /** Absent where the body is no archive. */
  readonly name?: string
  readonly bytes: AsyncIterable<Uint8Array>
}

/**
 * The files of a body, decompressed: those of a zip archive, known by its first bytes, that `entry` names, and the body itself
 * where it is none. A file that is gzip inside the archive is gunzipped, too. Each file is read before the next one is asked for.
 * @throws BodyUnreadableError where the archive has files, and `entry` names none of them; also what `inflatedBody` and `unzip` throw
 */
export async function* bodyFiles(
  response: HttpResponse,
  limits: InflateLimits,
  entry?: string,
): AsyncGenerator<BodyFile> {
  const { url, maxPageSize } = limits
  const body = inflatedBody(response, limits)
  let inflated = 0
  try {
    const head = await firstBytes(body)
    const whole = head === undefined ? body : after(head, body)
    if (head === undefined || !beginsAsZip(head)) {
      yield { bytes: whole }
      return
    }
    const wanted = entry === undefined ? isContent : globMatcher(entry)
    const others: string[] = []
    let found = 0
    for await (const { name, bytes } of unzip(whole, url)) {
      if (wanted(name)) {
        found++
        yield { name, bytes: limited(gunzipped(bytes, url)) }
      } else if (others.length < 12) others.push(name)
    }
    if (found === 0 && others.length > 0 && entry !== undefined) {
      throw new BodyUnreadableError(
        url,
        `answered a zip archive without a file named ${JSON.stringify(entry)}: it holds ${others.map((name) => excerptOf(name)).join(', ')}. Change \`format.entry\``,
        entry,
      )
    }
  } finally {
    await body.return(undefined)
  }

  async function* limited(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      inflated += chunk.length
      if (maxPageSize !== undefined && inflated > maxPageSize) {
        throw new BodyTooLargeError(url, 'the inflated archive', 'maxPageSize', maxPageSize)
      }
      yield chunk
    }
  }
}

/** The first chunks, until they tell what the body is. */
async function firstBytes(body: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  let head: Uint8Array | undefined
  while (head === undefined || head.length < 4) {
    const next = await body.next()
    if (next.done) return head
    head = head === undefined ? next.value : Buffer.concat([head, next.value])
  }
  return head
}

/** Not a generator: pages are small and many, and each layer of one costs as much as their parsing. */
function after(head: Uint8Array, body: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> {
  let first: Uint8Array | undefined = head
  return {
    [Symbol.asyncIterator]: () => ({
      next() {
        if (first === undefined) return body.next()
        const value = first
        first = undefined
        return Promise.resolve({ value, done: false })
      },
      return: () => body.return(undefined),
    }),
  }
}

/** What macOS adds to each archive is none of its files. */
function isContent(name: string): boolean {
  return !name.startsWith('__MACOSX/') && !name.endsWith('.DS_Store')
}

/** Tells whether names match, in time that grows with their length alone: a regular expression would try every way to share them among the stars. */
function globMatcher(glob: string): (name: string) => boolean {
  const [first = '', ...others] = glob.split('*')
  const last = others.pop()
  if (last === undefined) return (name) => name === first
  return (name) => {
    if (!name.startsWith(first)) return false
    let at = first.length
    // The earliest place of each part leaves the most to those behind it.
    for (const part of others) {
      const found = name.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return name.length - last.length >= at && name.endsWith(last)
  }
}
