// Bodies of every format, whole and broken, for property tests and for the bench's fuzz. Each comes with what it was made of, so that
// a reader that loses something silently is found.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { strToU8, zipSync } from 'fflate'
import type { HttpHeaders } from '../../ports/runtime.ts'
import { formatOf, type ResponseFormat } from './format-options.ts'

/** A row of values that every format can carry: text without white space around it. */
export type Row = Readonly<Record<string, string>>

export interface WholeBody {
  readonly format: ResponseFormat
  readonly headers: HttpHeaders
  readonly bytes: Uint8Array
  /** The records that it holds, with the columns `id` and `text`. */
  readonly rows: readonly Row[]
  /** Where its records are. */
  readonly records: string
}

export interface BrokenBody extends Omit<WholeBody, 'rows'> {
  /** What was done to it. */
  readonly how: 'whole' | 'cut' | 'flipped' | 'inserted' | 'spliced' | 'mislabelled' | 'random'
  /** How long its chunks are. */
  readonly size: number
}

type FormatName = ResponseFormat['type']

const word = fc
  .array(
    fc.constantFrom(
      'a',
      'Z',
      '0',
      '9',
      '.',
      '-',
      '"',
      "'",
      ',',
      ';',
      '<',
      '&',
      '\\',
      '\n',
      'é',
      '💧',
      '{',
      '}',
      ']',
    ),
    {
      maxLength: 8,
    },
  )
  .map((chars) => chars.join('').trim())

const rows = fc
  .array(word, { maxLength: 6 })
  .map((words) => words.map((text, id): Row => ({ id: `0${id}`, text })))

const writers: Readonly<Record<FormatName, (rows: readonly Row[]) => string>> = {
  json: (all) => JSON.stringify({ data: { items: all } }),
  jsonl: (all) => all.map((row) => `${JSON.stringify(row)}\n`).join(''),
  csv: (all) =>
    ['id,text', ...all.map(({ id, text }) => `${id},"${text!.replaceAll('"', '""')}"`)]
      .map((line) => `${line}\n`)
      .join(''),
  xml: (all) =>
    `<?xml version="1.0"?><data><items>${all.map((row) => `<item id="${row.id}"><text>${escapeXml(row.text!)}</text></item>`).join('')}</items></data>`,
}

/** Where the records of `writers` are. */
const places: Readonly<Record<FormatName, string>> = {
  json: 'data.items',
  jsonl: '',
  csv: '',
  xml: 'data.items.item',
}

const contentTypes: Readonly<Record<FormatName, string>> = {
  json: 'application/json',
  jsonl: 'application/x-ndjson',
  csv: 'text/csv',
  xml: 'application/xml',
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll(']', '&#93;')
}

const coders: Readonly<Record<string, (bytes: Uint8Array) => { bytes: Uint8Array; headers: HttpHeaders }>> = {
  plain: (bytes) => ({ bytes, headers: {} }),
  gzip: (bytes) => ({ bytes: gzipSync(bytes), headers: { 'content-encoding': 'gzip' } }),
  'gzip file': (bytes) => ({ bytes: gzipSync(bytes), headers: {} }),
  deflate: (bytes) => ({ bytes: deflateSync(bytes), headers: { 'content-encoding': 'deflate' } }),
  'raw deflate': (bytes) => ({ bytes: deflateRawSync(bytes), headers: { 'content-encoding': 'deflate' } }),
  br: (bytes) => ({ bytes: brotliCompressSync(bytes), headers: { 'content-encoding': 'br' } }),
  zip: (bytes) => ({ bytes: zipSync({ 'data.txt': bytes }), headers: {} }),
}

const formats = fc.constantFrom<FormatName>('json', 'jsonl', 'csv', 'xml')

/** Bodies that are as they should be. */
export const wholeBody: fc.Arbitrary<WholeBody> = fc
  .tuple(
    formats,
    rows,
    fc.boolean(),
    fc.constantFrom(...Object.keys(coders)),
    fc.constantFrom('utf-8', 'utf-8 mark', 'utf-16le'),
  )
  .map(([type, all, stream, coding, charset]) => {
    const text = writers[type](all)
    const encoded =
      charset === 'utf-16le'
        ? Buffer.from(`\ufeff${text}`, 'utf16le')
        : strToU8(charset === 'utf-8' ? text : `\ufeff${text}`)
    const { bytes, headers } = coders[coding]!(encoded)
    return {
      format: formatOf(type === 'json' ? { type, stream } : type),
      headers: { 'content-type': contentTypes[type], ...headers },
      bytes,
      rows: all,
      records: places[type],
    }
  })

const oddBytes = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc
    .constantFrom(
      '{',
      '"',
      '\u0000',
      '<!DOCTYPE a>',
      '<a>',
      ']]>',
      '&x;',
      'PK\u0003\u0004',
      '\u001f\u008b',
      'NaN',
      '\\u0001',
      '\r',
    )
    .map((text) => Buffer.from(text, 'latin1')),
)

/** Bodies that are not, or no longer, as they should be; some of them are whole all the same. */
export const brokenBody: fc.Arbitrary<BrokenBody> = fc
  .tuple(
    wholeBody,
    wholeBody,
    fc.constantFrom<BrokenBody['how']>(
      'whole',
      'cut',
      'flipped',
      'inserted',
      'spliced',
      'mislabelled',
      'random',
    ),
    fc.nat(100_000),
    oddBytes,
    fc.integer({ min: 1, max: 300 }),
    fc.uint8Array({ maxLength: 200 }),
  )
  .map(([body, other, how, at, odd, size, random]) => {
    const { bytes, rows: _, ...rest } = body
    const place = at % (bytes.length + 1)
    const made = (changed: Uint8Array, more: Partial<WholeBody> = {}): BrokenBody => ({
      ...rest,
      ...more,
      bytes: changed,
      how,
      size,
    })
    const changes: Readonly<Record<BrokenBody['how'], () => BrokenBody>> = {
      whole: () => made(bytes),
      cut: () => made(bytes.subarray(0, place)),
      flipped() {
        const changed = Uint8Array.from(bytes)
        if (place < changed.length) changed[place] = changed[place]! ^ (1 << (at % 8))
        return made(changed)
      },
      inserted: () => made(Buffer.concat([bytes.subarray(0, place), odd, bytes.subarray(place)])),
      spliced: () => made(Buffer.concat([bytes.subarray(0, place), other.bytes])),
      mislabelled: () => made(bytes, { format: other.format, records: other.records }),
      random: () => made(random),
    }
    return changes[how]()
  })
