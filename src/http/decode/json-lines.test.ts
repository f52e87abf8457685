import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SluiceError } from '../../errors.ts'
import type { JsonRecord } from '../../ports/json.ts'
import type { HttpHeaders, HttpResponse } from '../../ports/runtime.ts'
import { readJsonLines } from './json-lines.ts'

const url = 'https://data.example.com/export'
const limits = { url, maxLineSize: 1_000_000, batchBytes: 1_000_000 }

function response(bytes: Uint8Array, size: number, headers: HttpHeaders = {}): HttpResponse {
  return {
    status: 200,
    headers,
    body: (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    })(),
    discard: async () => {},
  }
}

async function read(
  body: string | Uint8Array,
  options: { size?: number; headers?: HttpHeaders; batchBytes?: number; maxLineSize?: number } = {},
) {
  const { size = 50, headers, ...rest } = options
  const batches: { records: JsonRecord[]; bytes: number }[] = []
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const result = await readJsonLines(response(bytes, size, headers), {
    ...limits,
    ...rest,
    onRecords: async (records, bytes) => void batches.push({ records, bytes }),
  })
  return { ...result, batches, all: batches.flatMap((batch) => batch.records) }
}

async function failure(reading: Promise<unknown>): Promise<SluiceError> {
  return reading.then(
    () => expect.fail('it was read'),
    (error: SluiceError) => error,
  )
}

describe('reading', () => {
  // PEERS: Airbyte JsonlDecoder
  test('any records, cut anywhere, come out as they were written', async () => {
    const record = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.bigInt({ min: 2n ** 60n })),
      {
        noNullPrototype: true,
      },
    )
    const blank = fc.constantFrom('', ' \t', '\r', '\n\n')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(record, blank)),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        async (lines, newline, ending, size, batchBytes, gzip) => {
          const write = (value: object) =>
            JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? `<${item}>` : item)).replace(
              /"<(\d+)>"/g,
              '$1',
            )
          let text = lines.map(([value, space]) => `${space}${newline}${write(value)}`).join(newline)
          if (ending) text += newline
          const bytes = gzip ? gzipSync(text) : Buffer.from(text)
          const result = await read(bytes, { size, batchBytes })
          const clean = (value: object) =>
            JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? `<${item}>` : item))
          expect(result.all.map(clean)).toEqual(lines.map(([value]) => clean(value)))
          expect(result.records).toBe(lines.length)
          expect(result.byteLength).toBe(Buffer.byteLength(text))
        },
      ),
      { numRuns: 200 },
    )
  })

  test('records are handed on by the batch, and reading waits for them', async () => {
    let handed = 0
    let read = 0
    const line = Buffer.from(`${JSON.stringify({ text: 'x'.repeat(90) })}\n`)
    const body = (async function* () {
      for (; read < 100; read++) yield line
    })()
    const ahead: number[] = []
    await readJsonLines(
      { status: 200, headers: {}, body, discard: async () => {} },
      {
        ...limits,
        batchBytes: line.length * 10,
        onRecords: async (records, bytes) => {
          handed += records.length
          ahead.push(read + 1 - handed)
          expect(bytes).toBe(records.length * line.length)
          await Promise.resolve()
        },
      },
    )
    expect(handed).toBe(100)
    expect(Math.max(...ahead)).toBeLessThanOrEqual(1)
  })

  test('an empty body has no records', async () => {
    expect(await read('')).toMatchObject({ records: 0, batches: [] })
    expect(await read('\n \n')).toMatchObject({ records: 0, batches: [] })
    expect(await read(gzipSync(''), { headers: { 'content-encoding': 'gzip' } })).toMatchObject({
      records: 0,
    })
  })

  test('a byte order mark and a declared charset are understood', async () => {
    expect((await read('\ufeff{"a":1}\n{"a":2}')).all).toEqual([{ a: 1 }, { a: 2 }])
    const latin = Buffer.from('{"a":"é"}\n{"a":"ü"}\n', 'latin1')
    expect(
      (await read(latin, { size: 3, headers: { 'content-type': 'text/plain; charset=ISO-8859-1' } })).all,
    ).toEqual([{ a: 'é' }, { a: 'ü' }])
  })

  test('two lines that are wrong by themselves are not taken for one record', async () => {
    const error = await failure(read('{"a":[{}\n{}]}\n{"b":1}\n'))
    expect(error.message).toContain('answered line 1, which is no JSON object: "{\\"a\\":[{}"')
  })
})

describe('errors', () => {
  test.each([
    'terminated early',
    'export terminated early\n',
    '{"event":"b","prop',
    '"terminated early"\n\n',
    '17',
  ])('a last line that is no JSON object means that the body is not whole: %j', async (last) => {
    for (const size of [3, 1000]) {
      const error = await failure(read(`{"event":"a"}\n\n${last}`, { size, batchBytes: 5 }))
      expect(error).toMatchObject({ code: 'BODY_TRUNCATED', recovery: 'retry' })
      expect(error.message).toBe(
        `${url}: the body broke off: its last line, line 3, is no JSON object: ${JSON.stringify(last.trim())}`,
      )
    }
  })

  test('a line in the middle that is no JSON object is named by its number', async () => {
    for (const size of [3, 1000]) {
      const error = await failure(read('{"a":1}\n\n{"a":2}\noops\n\n{"a":3}\n', { size, batchBytes: 5 }))
      expect(error).toMatchObject({ code: 'BODY_UNREADABLE', recovery: 'stop-stream' })
      expect(error.message).toBe(
        `${url} answered line 4, which is no JSON object: "oops". Check that the endpoint answers JSON Lines, one object a line`,
      )
    }
  })

  test('a JSON array is recognised', async () => {
    const error = await failure(read('[{"a":1},{"a":2}]'))
    expect(error).toMatchObject({ code: 'BODY_UNREADABLE', recovery: 'stop-stream' })
    expect(error.message).toContain(
      'The endpoint seems to answer one JSON array: read it as JSON, not as JSON Lines',
    )
  })

  test('HTML is recognised, also as a single line', async () => {
    const error = await failure(
      read('<html><body>Sign in</body></html>', { headers: { 'content-type': 'text/html' } }),
    )
    expect(error.code).toBe('BODY_UNREADABLE')
    expect(error.message).toContain(
      'answered HTML, not JSON Lines (content-type: text/html): "<html><body>Sign in',
    )
  })

  test('a broken gzip stream may be asked for again', async () => {
    const bytes = gzipSync('{"a":1}\n'.repeat(1000))
    const error = await failure(read(bytes.subarray(0, bytes.length - 9)))
    expect(error).toMatchObject({ code: 'BODY_TRUNCATED', recovery: 'retry' })
  })

  test('a line longer than maxLineSize is refused before it is whole', async () => {
    let sent = 0
    const body = (async function* () {
      yield Buffer.from('{"a":1}\n{"a":"')
      for (; ; sent += 100) yield Buffer.alloc(100, 'x')
    })()
    const error = await failure(
      readJsonLines(
        { status: 200, headers: {}, body, discard: async () => {} },
        { ...limits, maxLineSize: 1000, onRecords: async () => {} },
      ),
    )
    expect(error).toMatchObject({ code: 'BODY_TOO_LARGE', option: 'maxLineSize' })
    expect(error.message).toContain('of the JSON Lines body is larger than maxLineSize allows (1000 bytes)')
    expect(sent).toBeLessThan(1200)
    expect(
      (await failure(read(`{"a":"${'x'.repeat(500)}"}\n{"a":1}`, { maxLineSize: 400, size: 5000 }))).message,
    ).toContain('line 1 of')
  })
})
