import { Readable } from 'node:stream'
import { brotliCompressSync, createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { SluiceError } from '../../errors.ts'
import type { HttpHeaders, HttpResponse } from '../../ports/runtime.ts'
import { readJson } from './json.ts'

const url = 'https://api.example.com/tickets?page=2'
const limits = { url, maxBytes: 1_000_000, maxPageSize: 10_000_000 }

function response(
  body: string | Uint8Array | AsyncIterable<Uint8Array>,
  headers: HttpHeaders = { 'content-type': 'application/json' },
  status = 200,
): HttpResponse {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return {
    status,
    headers,
    body: bytes instanceof Uint8Array ? pieces(bytes, 7) : bytes,
    discard: async () => {},
  }
}

async function* pieces(bytes: Uint8Array, size: number, then?: Error): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  if (then) throw then
}

async function failure(reading: Promise<unknown>): Promise<SluiceError> {
  return reading.then(
    () => expect.fail('it was read'),
    (error: SluiceError) => error,
  )
}

const text = '{"name":"Zoë €","id":12345678901234567890}'
const value = { name: 'Zoë €', id: 12345678901234567890n }

describe('reading', () => {
  // PEERS: Airbyte GzipDecoder
  test.each<[string, HttpHeaders, Uint8Array]>([
    ['plain', {}, Buffer.from(text)],
    ['gzip', { 'content-encoding': 'gzip' }, gzipSync(text)],
    ['x-gzip', { 'content-encoding': 'X-GZIP' }, gzipSync(text)],
    ['deflate', { 'content-encoding': 'deflate' }, deflateSync(text)],
    ['raw deflate', { 'content-encoding': 'deflate' }, deflateRawSync(text)],
    ['br', { 'content-encoding': 'br' }, brotliCompressSync(text)],
    ['gzip upon deflate', { 'content-encoding': 'deflate, gzip' }, gzipSync(deflateSync(text))],
    [
      'gzip in two members',
      { 'content-encoding': 'gzip' },
      Buffer.concat([gzipSync(text.slice(0, 9)), gzipSync(text.slice(9))]),
    ],
    ['a gzip file without content-encoding', { 'content-type': 'application/gzip' }, gzipSync(text)],
    ['identity under the name of gzip', { 'content-encoding': 'gzip' }, Buffer.from(text)],
    ['UTF-8 with a byte order mark', {}, Buffer.from(`\ufeff${text}`)],
    ['UTF-16 with a byte order mark', {}, Buffer.from(`\ufeff${text}`, 'utf16le')],
    [
      'UTF-16 as declared',
      { 'content-type': 'application/json; charset="UTF-16LE"' },
      Buffer.from(text, 'utf16le'),
    ],
    [
      'windows-1252 as declared',
      { 'content-type': 'application/json;charset=windows-1252' },
      Buffer.from(text.replace('€', '\x80'), 'latin1'),
    ],
  ])('a body is read as it was encoded: %s', async (_name, headers, bytes) => {
    const body = await readJson(response(bytes, headers), limits)
    expect(body.value).toEqual(value)
    expect(body.byteLength).toBe(body.bytes.length)
  })

  test('the inflated bytes are handed on, so that two pages can be compared (R1)', async () => {
    const first = await readJson(response(gzipSync(text), { 'content-encoding': 'gzip' }), limits)
    const second = await readJson(response(text), limits)
    expect(first.bytes.equals(second.bytes)).toBe(true)
  })
})

describe('a body that broke off may be asked for again', () => {
  test('fewer bytes than content-length says', async () => {
    const error = await failure(readJson(response('{"a":1}', { 'content-length': '900' }), limits))
    expect(error).toMatchObject({ code: 'BODY_TRUNCATED', recovery: 'retry' })
    expect(error.message).toBe(`${url}: the body broke off: 7 of 900 bytes arrived`)
  })

  test.each<[string, string, Uint8Array]>([
    ['gzip', 'gzip', gzipSync(text.repeat(50))],
    ['deflate', 'deflate', deflateSync(text.repeat(50))],
    ['br', 'br', brotliCompressSync(text.repeat(50))],
  ])('a compressed stream that ends early: %s', async (_name, encoding, bytes) => {
    const cut = bytes.subarray(0, bytes.length - 6)
    const error = await failure(readJson(response(cut, { 'content-encoding': encoding }), limits))
    expect(error).toMatchObject({ code: 'BODY_TRUNCATED', recovery: 'retry' })
    expect(error.message).toContain(`its ${encoding} data is incomplete or damaged (unexpected end of file)`)
  })

  test('a compressed stream that is damaged', async () => {
    const bytes = gzipSync(text.repeat(50))
    bytes[bytes.length - 6]! ^= 0xff
    const error = await failure(readJson(response(bytes, { 'content-encoding': 'gzip' }), limits))
    expect(error.code).toBe('BODY_TRUNCATED')
    expect(error.message).toContain('its gzip data is incomplete or damaged (incorrect data check)')
  })

  test.each([[''], ['gzip']])(
    'a connection that fails in the middle (content-encoding: "%s")',
    async (encoding) => {
      const bytes = encoding === 'gzip' ? gzipSync(text) : Buffer.from(text)
      const body = pieces(bytes.subarray(0, 20), 7, new Error('read ECONNRESET'))
      const error = await failure(readJson(response(body, { 'content-encoding': encoding }), limits))
      expect(error).toMatchObject({ code: 'BODY_TRUNCATED', recovery: 'retry' })
      expect(error.message).toBe(
        `${url}: the body broke off: the connection failed after 20 bytes (read ECONNRESET)`,
      )
    },
  )

  test.each(['{"a":1', '{"a', '[1,', '{"a":"x\\', '[tru', '[12, -', '{"a":{}  ', '"\\u00'])(
    'JSON that ends in the middle: %s',
    async (cut) => {
      const error = await failure(readJson(response(cut), limits))
      expect(error).toMatchObject({ code: 'BODY_TRUNCATED', recovery: 'retry' })
      expect(error.message).toBe(
        `${url}: the body broke off: its JSON ends in the middle, after ${cut.length} characters: ${JSON.stringify(cut)}`,
      )
    },
  )

  test('an empty body that was not announced', async () => {
    const error = await failure(readJson(response(''), limits))
    expect(error).toMatchObject({ code: 'BODY_TRUNCATED', recovery: 'retry' })
    expect(error.message).toBe(`${url}: the body broke off: it is empty`)
  })

  test('damaged data is reported even while the rest of the body hangs', async () => {
    const bytes = Buffer.from('1f8b08ffffffffffffff', 'hex')
    const body = (async function* () {
      yield bytes
      await new Promise(() => {})
    })()
    const error = await failure(readJson(response(body, { 'content-encoding': 'gzip' }), limits))
    expect(error).toMatchObject({ code: 'BODY_TRUNCATED', recovery: 'retry' })
  })

  test('a read that was aborted keeps its reason', async () => {
    const abort = new DOMException('This operation was aborted', 'AbortError')
    const body = pieces(gzipSync(text).subarray(0, 20), 7, abort)
    expect(await failure(readJson(response(body, { 'content-encoding': 'gzip' }), limits))).toBe(abort)
  })
})

describe('a body that is whole and wrong is not asked for again', () => {
  test('HTML instead of JSON', async () => {
    const page = `<!DOCTYPE html><html><head><title>Sign in</title></head><body>${'please '.repeat(40)}</body></html>`
    const error = await failure(
      readJson(response(page, { 'content-type': 'text/html; charset=utf-8' }), limits),
    )
    expect(error).toMatchObject({ code: 'BODY_UNREADABLE', recovery: 'stop-stream' })
    expect(error.message).toBe(
      `${url} answered HTML, not JSON (content-type: text/html; charset=utf-8): ${JSON.stringify(`${page.slice(0, 100)}…`)}. ` +
        "Likely causes: a login page because the credential is not accepted, a wrong base URL or path, or a proxy's own page",
    )
  })

  test('invalid JSON, with its position and what is there', async () => {
    const error = await failure(readJson(response(`{"records":[{"id":1},{"id":NaN}]}`), limits))
    expect(error).toMatchObject({ code: 'BODY_UNREADABLE', recovery: 'stop-stream' })
    expect(error.message).toContain(
      `${url} answered invalid JSON (content-type: application/json) at position 27, near `,
    )
    expect(error.message).toContain('{\\"id\\":NaN}]}". NaN is no JSON')
  })

  test.each([
    ['204', 204, {}],
    ['content-length: 0', 200, { 'content-length': '0' }],
  ])('an empty body that was announced: %s', async (_name, status, headers) => {
    const error = await failure(readJson(response('', headers, status), limits))
    expect(error.code).toBe('BODY_UNREADABLE')
    expect(error.message).toBe(
      `${url} answered ${status} with an empty body where JSON was expected. Check the path, and the parameters that the endpoint needs`,
    )
  })

  test('an encoding or a charset that is not known', async () => {
    const encoding = await failure(readJson(response(text, { 'content-encoding': 'zstd' }), limits))
    expect(encoding.message).toBe(
      `${url} answered with content-encoding "zstd"; gzip, deflate and br can be read. Ask for one of these with an accept-encoding header`,
    )
    const charset = await failure(
      readJson(response(text, { 'content-type': 'application/json; charset=klingon' }), limits),
    )
    expect(charset.message).toContain(`answered in the charset "klingon", which is not known`)
    expect(charset.code).toBe('BODY_UNREADABLE')
  })
})

describe('a body that is too large is refused', () => {
  test('as it is sent, at the first byte too many', async () => {
    let read = 0
    let closed = false
    async function* endless() {
      try {
        for (;;) {
          read += 1000
          yield Buffer.alloc(1000, ' ')
        }
      } finally {
        closed = true
      }
    }
    const error = await failure(readJson(response(endless()), { ...limits, maxBytes: 5000 }))
    expect(error).toMatchObject({ code: 'BODY_TOO_LARGE', option: 'maxBodySize', limitBytes: 5000 })
    expect(error.message).toBe(
      `${url}: the body as sent is larger than maxBodySize allows (5000 bytes). Ask for smaller pages, or raise maxBodySize if the API is right`,
    )
    expect([read, closed]).toEqual([6000, true])
  })

  test('as content-length says, without reading it', async () => {
    let discarded = false
    const large = {
      ...response(text, { 'content-length': '2000000' }),
      discard: async () => {
        discarded = true
      },
    }
    expect((await failure(readJson(large, limits))).code).toBe('BODY_TOO_LARGE')
    expect(discarded).toBe(true)
  })

  test('once inflated: 300 MB of zeros in 300 KB are refused for the price of the limit', async () => {
    const zeros = Buffer.alloc(1_000_000)
    const bomb: Buffer[] = []
    for await (const chunk of Readable.from(Array.from({ length: 300 }, () => zeros)).pipe(createGzip()))
      bomb.push(chunk)
    let sent = 0
    let close = () => {}
    const closed = new Promise<void>((resolve) => {
      close = resolve
    })
    async function* body() {
      try {
        for (const chunk of bomb) {
          sent += chunk.length
          yield chunk
        }
      } finally {
        close()
      }
    }
    const total = bomb.reduce((sum, chunk) => sum + chunk.length, 0)
    expect(total).toBeLessThan(400_000)
    const before = process.memoryUsage.rss()
    const error = await failure(readJson(response(body(), { 'content-encoding': 'gzip' }), limits))
    expect(error.message).toContain('the inflated body is larger than maxPageSize allows (10000000 bytes)')
    expect(process.memoryUsage.rss() - before).toBeLessThan(60_000_000)
    expect(sent).toBeLessThan(total)
    await closed
  })
})

test('encodings upon one another without end are refused before the first is undone', async () => {
  const encodings = Array.from({ length: 500 }, () => 'gzip').join(', ')
  const error = await failure(readJson(response(gzipSync(text), { 'content-encoding': encodings }), limits))
  expect(error.message).toBe(
    `${url} answered with 500 encodings one upon another (content-encoding: gzip, gzip, gzip, gzip, …); 4 can be read. Ask for one of gzip, deflate and br with an accept-encoding header`,
  )
})

test('what follows an object is told apart in a time that grows with its length', async () => {
  const error = await failure(readJson(response(`{"a":1}${'\n'.repeat(400_000)}x`), limits))
  expect(error.message).toContain('answered invalid JSON')
})
