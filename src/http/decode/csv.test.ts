import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { strToU8, zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { JsonRecord } from '../../ports/json.ts'
import type { HttpHeaders } from '../../ports/runtime.ts'
import { type RejectedRow, readCsv } from './csv.ts'
import { type CsvFormat, formatOf, responseFormat } from './format-options.ts'
import { failureOf, responseOf, url } from './scripted-response.ts'

interface ReadOptions {
  format?: Omit<Extract<Parameters<typeof formatOf>[0], { type: 'csv' }>, 'type'>
  size?: number
  headers?: HttpHeaders
  key?: string[]
  maxLineSize?: number
  batchBytes?: number
}

async function read(body: string | Uint8Array, options: ReadOptions = {}) {
  const { format, size = 7, headers = {}, ...rest } = options
  const records: JsonRecord[] = []
  const rejects: RejectedRow[] = []
  const parts: number[] = []
  const result = await readCsv(responseOf(body, { headers, size }), {
    url,
    maxLineSize: 100_000,
    batchBytes: 1_000_000,
    ...rest,
    format: formatOf({ type: 'csv', ...format }) as CsvFormat,
    onRecords: async (some, bytes, bad) => {
      records.push(...some)
      rejects.push(...bad)
      parts.push(bytes)
    },
  })
  return { ...result, records, rejects, parts }
}

const quoted = (text: string) =>
  /[",\r\n]/.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text

// PEERS: Airbyte CsvDecoder
describe('reading', () => {
  test('any values, cut anywhere, come out as the text that was sent (R4)', async () => {
    const value = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\r', '\n', ' ', '0', '💧'), maxLength: 6 }),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.array(fc.array(value, { minLength: 4, maxLength: 4 }), { maxLength: 8 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.boolean(),
        fc.integer({ min: 1, max: 60 }),
        async (columns, rows, end, isEnded, size) => {
          fc.pre(!columns[0]!.startsWith('\ufeff') && !/^\s*[<{[%]/.test(columns[0]!))
          const cells = rows.map((row) => row.slice(0, columns.length))
          const text = [columns, ...cells].map((row) => row.map(quoted).join(',')).join(end)
          const { records, rejects } = await read(text + (isEnded ? end : ''), { size })
          expect(records.map((record) => columns.map((name) => record[name]))).toEqual(cells)
          expect(rejects).toEqual([])
        },
      ),
      { numRuns: 300 },
    )
  })

  test('zeros in front stay, nothing is taken for a number, and an empty value is empty text', async () => {
    const { records } = await read('id,zip,amount,note\n007,01234,12345678901234567890.10,\n')
    expect(records).toEqual([{ id: '007', zip: '01234', amount: '12345678901234567890.10', note: '' }])
  })

  // PEERS: Airbyte CsvDecoder.set_values_to_none
  // PEERS: Airbyte ResponseToFileExtractor
  test('`nullValues` are null, quoted or not', async () => {
    const { records } = await read('id,a,b,c\n1,,"",NULL\n', { format: { nullValues: ['', 'NULL'] } })
    expect(records).toEqual([{ id: '1', a: null, b: null, c: null }])
  })

  test('a byte order mark belongs to no name, also in UTF-16, and before a quote', async () => {
    expect((await read('\ufeff"id",b\n1,2\n', { size: 1 })).records).toEqual([{ id: '1', b: '2' }])
    expect((await read(Buffer.from('\ufeffid,b\n1,é\n', 'utf16le'), { size: 3 })).records).toEqual([
      { id: '1', b: 'é' },
    ])
  })

  test('a charset is the one of the header, and `encoding` outranks it', async () => {
    const bytes = Buffer.from('id,name\n1,Zo\xeb \x80\n', 'latin1')
    const headers = { 'content-type': 'text/csv; charset=windows-1252' }
    expect((await read(bytes, { headers })).records).toEqual([{ id: '1', name: 'Zoë €' }])
    expect((await read(bytes, { format: { encoding: 'Windows-1252' } })).records).toEqual([
      { id: '1', name: 'Zoë €' },
    ])
    const wrong = { 'content-type': 'text/csv; charset=utf-8' }
    expect((await read(bytes, { headers: wrong, format: { encoding: 'cp1252' } })).records[0]).toEqual({
      id: '1',
      name: 'Zoë €',
    })
  })

  test('delimiter, quote, names and lines before the header are as configured', async () => {
    const body = `Report "of the day\r\nmade for you\r\n1;'a;''b'\r\n`
    const format = { delimiter: ';', quote: "'", header: ['id', 'name'], skipLines: 2 }
    for (const size of [1, 7, 100]) {
      expect((await read(body, { format, size })).records).toEqual([{ id: '1', name: "a;'b" }])
    }
    expect((await read('a\tb\n1\t"x" y\n', { format: { delimiter: '\t', quote: '' } })).records).toEqual([
      { a: '1', b: '"x" y' },
    ])
  })

  // PEERS: Airbyte IterableDecoder
  test('lines that are neither CSV nor JSON are records of one field', async () => {
    const format = { header: ['line'], delimiter: '\0', quote: '' }
    expect((await read('{"a": "b", 1}\n<p>x,y\n', { format })).records).toEqual([
      { line: '{"a": "b", 1}' },
      { line: '<p>x,y' },
    ])
  })

  test('a body whose last byte is 0 is read to its end', async () => {
    expect((await read('id\na\0')).records).toEqual([{ id: 'a\0' }])
  })

  test('names that objects have by themselves are columns like others', async () => {
    const [record] = (await read('__proto__,constructor,toString\n1,2,3\n')).records
    expect(Object.entries(record!)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
      ['toString', '3'],
    ])
  })

  test('blank lines are skipped; an empty body and a header alone have no records', async () => {
    expect((await read('id\n\n1\n\r\n2\n\n')).records).toEqual([{ id: '1' }, { id: '2' }])
    expect((await read('')).records).toEqual([])
    expect((await read('id,name\n', { key: ['id'] })).records).toEqual([])
  })

  test('records are handed on in parts, and a slow taker holds the reading back', async () => {
    const rows = Array.from({ length: 1000 }, (_, id) => `${id},name ${id}`)
    const { parts, records, byteLength } = await read(['id,name', ...rows].join('\n'), {
      size: 100,
      batchBytes: 2000,
    })
    expect(records).toHaveLength(1000)
    expect(parts.length).toBeGreaterThan(5)
    expect(Math.max(...parts)).toBeLessThan(2200)
    expect(parts.reduce((sum, bytes) => sum + bytes, 0)).toBe(byteLength)
  })

  // PEERS: Airbyte GzipDecoder
  test('gzip files, and all files of a zip archive, each with its header', async () => {
    expect((await read(gzipSync('id\n1\n'))).records).toEqual([{ id: '1' }])
    const archive = zipSync({
      'a.csv': strToU8('id,b\n1,2\n'),
      'b.csv': strToU8('b,id\n4,3\n'),
      'c.txt': strToU8('no'),
    })
    expect((await read(archive, { format: { entry: '*.csv' } })).records).toEqual([
      { id: '1', b: '2' },
      { b: '4', id: '3' },
    ])
  })

  test('a row of another length is a reject with its line and its values, and the others are records', async () => {
    const { records, rejects } = await read('id,a\n1\n2,x\n"3\n",y,z\n4,w\n')
    expect(records).toEqual([
      { id: '2', a: 'x' },
      { id: '4', a: 'w' },
    ])
    expect(rejects).toEqual([
      { record: { line: 2, values: ['1'] }, reason: 'line 2 has 1 value, and there are 2 columns' },
      {
        record: { line: 5, values: ['3\n', 'y', 'z'] },
        reason: 'line 5 has 3 values, and there are 2 columns',
      },
    ])
  })
})

describe('a body that is not whole', () => {
  test.each<[string, string, string]>([
    ['a last row without its last values', 'id,a\n1,2\n3', 'its last row, line 3, has 1 of 2 values: "3"'],
    [
      'a quote that is open',
      'id,a\n1,"2\n3,4\n',
      'in the row that begins on line 2 a quote is not closed. If the API encloses',
    ],
  ])('%s is asked for again', async (_name, body, message) => {
    for (const size of [1, 100]) {
      const error = await failureOf(read(body, { size }))
      expect([error.code, error.recovery]).toEqual(['BODY_TRUNCATED', 'retry'])
      expect(error.message).toContain(message)
    }
  })

  test('a last row that is too long is not cut, but wrong', async () => {
    expect((await read('id,a\n1,2,3')).rejects).toHaveLength(1)
    expect((await read('id,a\n1\n')).rejects).toHaveLength(1)
  })
})

describe('a body that is whole and wrong', () => {
  test.each<[string, string, string]>([
    [
      'two columns of one name',
      'id,a,id\n1,2,3\n',
      'a header, line 1, has two columns named "id": "id,a,id". Name the columns with `header`',
    ],
    ['a column without a name', 'id,\n1,2\n', 'has no name for column 2'],
    [
      'a quote in a value',
      'id,a\n1,x"y\n',
      'line 2 has a "\\"" in the middle of a value. If the API encloses values in another',
    ],
    ['text behind a quote', 'id,a\n1,"x"y\n', 'line 2 has a "\\"" in the middle of a value'],
    ['HTML', '<!doctype html><title>Sign in</title>', 'answered HTML, not CSV'],
    [
      'JSON',
      '{"error":"no such report"}',
      'answered JSON, not CSV (content-type: none): "{\\"error\\":\\"no such report\\"}". If that is what the endpoint answers, set `format: json`',
    ],
    ['XML', '<?xml version="1.0"?><a/>', 'answered XML, not CSV'],
    ['a PDF file', '%PDF-1.7 x', 'answered a PDF file, not CSV'],
    [
      'a line of text',
      'Report not found',
      'answered one line of text, where a header with the column "id" was expected: "Report not found"',
    ],
  ])('%s says what is wrong, and is not asked for again', async (_name, body, message) => {
    for (const size of [1, 3, 1000]) {
      const error = await failureOf(read(body, { size, key: ['id'] }))
      expect([error.code, error.recovery]).toEqual(['BODY_UNREADABLE', 'stop-stream'])
      expect(error.message).toContain(message.replace('a header, ', 'answered CSV whose header, '))
    }
  })

  test('a row beyond the limit stops it before it is whole', async () => {
    const error = await failureOf(read(`id,a\n1,${'x'.repeat(5000)}`, { maxLineSize: 1000 }))
    expect(error.code).toBe('BODY_TOO_LARGE')
    expect(error.message).toContain('line 2 of the CSV body is larger than maxLineSize allows (1000 bytes)')
  })

  test("the taker's error is its own", async () => {
    const reading = readCsv(responseOf('id\n1\n'), {
      url,
      maxLineSize: 100,
      batchBytes: 1,
      format: formatOf('csv') as CsvFormat,
      onRecords: async () => {
        throw new RangeError('full')
      },
    })
    await expect(reading).rejects.toThrow(new RangeError('full'))
  })
})

test.each<[string, object, string]>([
  ['a delimiter with a quote', { type: 'csv', delimiter: '"' }, `"\\"" can't be what separates values`],
  [
    'a quote that is the delimiter',
    { type: 'csv', delimiter: ';', quote: ';' },
    '`quote` and `delimiter` are the same',
  ],
  ['a quote of two characters', { type: 'csv', quote: '""' }, 'is no quote: write one character'],
  ['no names', { type: 'csv', header: [] }, 'name the columns, in their order'],
  ['a name twice', { type: 'csv', header: ['a', 'a'] }, 'two columns have the same name'],
  [
    'a charset that is not known',
    { type: 'json', encoding: 'utf-9' },
    '"utf-9" is no charset that can be read',
  ],
])('%s is refused when the pipeline is loaded', (_name, format, message) => {
  const { success, error } = responseFormat.safeParse(format)
  expect(success).toBe(false)
  expect(z.prettifyError(error!)).toContain(message)
})
