import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { strToU8, Zip, ZipDeflate, ZipPassThrough, zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { bodyFiles } from './body-files.ts'
import { failureOf, responseOf, url } from './scripted-response.ts'

interface ReadOptions {
  size?: number
  entry?: string
  maxPageSize?: number
}

async function filesOf(archive: Uint8Array, options: ReadOptions = {}): Promise<[string, string][]> {
  const { size = 50, entry, ...limits } = options
  const files: [string, string][] = []
  for await (const { name, bytes } of bodyFiles(responseOf(archive, { size }), { url, ...limits }, entry)) {
    const chunks: Uint8Array[] = []
    for await (const chunk of bytes) chunks.push(chunk)
    files.push([name ?? '(no archive)', Buffer.concat(chunks).toString()])
  }
  return files
}

/** As servers write one that they stream: lengths and checksums come behind each file. */
function streamedZip(files: Readonly<Record<string, string>>, packed = true): Uint8Array {
  const chunks: Uint8Array[] = []
  const zip = new Zip((error, chunk) => {
    if (error) throw error
    chunks.push(chunk)
  })
  for (const [name, text] of Object.entries(files)) {
    const file = packed ? new ZipDeflate(name) : new ZipPassThrough(name)
    zip.add(file)
    const bytes = strToU8(text)
    file.push(bytes.subarray(0, bytes.length >> 1))
    file.push(bytes.subarray(bytes.length >> 1), true)
  }
  zip.end()
  return Buffer.concat(chunks)
}

const plain = (files: Readonly<Record<string, string>>, level: 0 | 6 = 6) =>
  zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])), { level })

const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8})?\.csv$/), { maxLength: 5 })
const contents = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.nat(5000).map((count) => 'row,'.repeat(count)),
)
const fileSet = names.chain((all) =>
  fc
    .array(contents, { minLength: all.length, maxLength: all.length })
    .map((texts) => Object.fromEntries(all.map((name, at) => [name, texts[at]!]))),
)

// PEERS: Airbyte ZipfileDecoder
describe('reading', () => {
  test('any files come out as they were put in, however the archive was written and wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fileSet,
        fc.constantFrom(plain, streamedZip, (files: Record<string, string>) => plain(files, 0)),
        fc.integer({ min: 1, max: 5000 }),
        async (files, write, size) => {
          expect(await filesOf(write(files), { size })).toEqual(Object.entries(files))
        },
      ),
      { numRuns: 150 },
    )
  })

  test('an archive of one byte a chunk, folders in it, and what macOS adds to one', async () => {
    const archive = plain({
      'data/': '',
      'data/a.csv': 'id\n1\n',
      '__MACOSX/data/._a.csv': 'x',
      '.DS_Store': 'y',
    })
    expect(await filesOf(archive, { size: 1 })).toEqual([['data/a.csv', 'id\n1\n']])
  })

  test('an archive without files has none', async () => {
    expect(await filesOf(zipSync({}))).toEqual([])
  })

  test('a file that is gzip inside the archive is gunzipped (Amplitude sends such)', async () => {
    const archive = zipSync({ '1.json.gz': gzipSync('{"id":1}'), '2.json': strToU8('{"id":2}') })
    expect(await filesOf(archive)).toEqual([
      ['1.json.gz', '{"id":1}'],
      ['2.json', '{"id":2}'],
    ])
  })

  test('what is no archive is the body itself', async () => {
    expect(await filesOf(Buffer.from('PK is a column\n1'), { size: 1 })).toEqual([
      ['(no archive)', 'PK is a column\n1'],
    ])
    expect(await filesOf(Buffer.alloc(0))).toEqual([['(no archive)', '']])
  })

  test('`entry` names the files, with * for any text', async () => {
    const archive = plain({ 'readme.txt': 'hi', 'data/1.csv': 'a', 'data/2.csv': 'b', 'x[1].csv': 'c' })
    expect(await filesOf(archive, { entry: 'data/*.csv' })).toEqual([
      ['data/1.csv', 'a'],
      ['data/2.csv', 'b'],
    ])
    expect(await filesOf(archive, { entry: 'x[1].csv' })).toEqual([['x[1].csv', 'c']])
  })
})

describe('errors', () => {
  test('an `entry` that names no file says which ones there are', async () => {
    const error = await failureOf(filesOf(plain({ 'a.csv': '1', 'b.txt': '2' }), { entry: '*.json' }))
    expect(error.code).toBe('BODY_UNREADABLE')
    expect(error.message).toBe(
      `${url} answered a zip archive without a file named "*.json": it holds "a.csv", "b.txt". Change \`format.entry\``,
    )
  })

  test('an archive that ends early, at whatever byte, is an error that is retried', async () => {
    for (const archive of [
      plain({ 'a.csv': 'id\n1\n', 'b.csv': 'id\n2\n' }),
      streamedZip({ 'a.csv': 'id\n1\n' }),
    ]) {
      for (let length = 4; length < archive.length; length++) {
        const error = await failureOf(filesOf(archive.subarray(0, length)))
        expect([length, error.code, error.recovery]).toEqual([length, 'BODY_TRUNCATED', 'retry'])
        expect(error.message).toMatch(/the body broke off: its zip archive (ends|is damaged)/)
      }
    }
  })

  test('a byte that was changed is found, or changes nothing of the files', async () => {
    const files = { 'a.csv': 'id,name\n1,Zoe\n2,Max\n'.repeat(9), 'b.csv': 'id\n' }
    const archive = plain(files)
    await fc.assert(
      fc.asyncProperty(fc.nat(archive.length - 5), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Uint8Array.from(archive)
        changed[at + 4]! ^= flip
        const outcome = await filesOf(changed).then(
          (read) => read.map(([, text]) => text),
          (error: { code: string }) => error.code,
        )
        if (typeof outcome === 'string') expect(['BODY_TRUNCATED', 'BODY_UNREADABLE']).toContain(outcome)
        // A name is not part of any checksum; one that ends in a slash is a folder's.
        else for (const text of outcome) expect(Object.values(files)).toContain(text)
      }),
      { numRuns: 400 },
    )
  })

  test('a directory that lists other files than there are says so', async () => {
    const archive = Buffer.from(plain({ 'a.csv': '1', 'b.csv': '2' }))
    const second = archive.indexOf('PK\x03\x04', 4, 'latin1')
    const directory = archive.indexOf('PK\x01\x02', 0, 'latin1')
    const without = Buffer.concat([archive.subarray(0, second), archive.subarray(directory)])
    const error = await failureOf(filesOf(without))
    expect(error.message).toContain('its zip archive is damaged: it holds 1 files, and its directory lists 2')
  })

  test('an encrypted file, one of another method, and one without an end are refused by name', async () => {
    const archive = (change: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(plain({ 'a.csv': 'id\n1\n' }))
      change(bytes)
      return bytes
    }
    const encrypted = await failureOf(filesOf(archive((bytes) => bytes.writeUInt16LE(1, 6))))
    expect(encrypted.message).toContain(
      'a zip archive whose file "a.csv" is encrypted. Ask for another format',
    )
    const other = await failureOf(filesOf(archive((bytes) => bytes.writeUInt16LE(14, 8))))
    expect(other.message).toContain('"a.csv" is packed by method 14; deflate (8) can be read')
    const endless = await failureOf(filesOf(streamedZip({ 'a.csv': 'id\n1\n' }, false)))
    expect(endless.message).toContain('"a.csv" is stored without its length, so that its end can\'t be told')
  })

  test('an archive that inflates without end is refused for the price of its limit', async () => {
    const archive = zipSync({ 'a.csv': new Uint8Array(50_000_000), 'b.csv': new Uint8Array(10) })
    const error = await failureOf(filesOf(archive, { maxPageSize: 1_000_000, size: 64 * 1024 }))
    expect(error.code).toBe('BODY_TOO_LARGE')
    expect(error.message).toContain('the inflated archive is larger than maxPageSize allows (1000000 bytes)')
  })
})

describe('the names of files', () => {
  test('a star stands for any text, the line breaks and the nothing in it included', async () => {
    const archive = zipSync(
      Object.fromEntries(
        ['a.csv', 'data/a.csv', 'data/b.json', 'a\n.csv', '.csv'].map((name) => [name, strToU8(name)]),
      ),
    )
    const named = async (entry: string) => (await filesOf(archive, { entry })).map(([name]) => name)
    expect(await named('*.csv')).toEqual(['a.csv', 'data/a.csv', 'a\n.csv', '.csv'])
    expect(await named('data/*')).toEqual(['data/a.csv', 'data/b.json'])
    expect(await named('*a*.c*')).toEqual(['a.csv', 'data/a.csv', 'a\n.csv'])
    expect(await named('a.csv')).toEqual(['a.csv'])
    expect(await named('**')).toHaveLength(5)
  })

  test('a glob matches what a regular expression of the same meaning matches', () => {
    const letters = (unit: string[]) => fc.string({ unit: fc.constantFrom(...unit), maxLength: 8 })
    return fc.assert(
      fc.asyncProperty(
        letters(['a', 'b', '*']).filter((glob) => glob !== ''),
        letters(['a', 'b']),
        async (entry, name) => {
          const matches = new RegExp(`^${entry.replaceAll('*', '.*')}$`, 's').test(`x${name}`)
          const reading = filesOf(zipSync({ [`x${name}`]: strToU8('1') }), { entry })
          expect(
            await reading.then(
              (files) => files.length,
              () => 0,
            ),
          ).toBe(matches ? 1 : 0)
        },
      ),
    )
  })

  test('one that would share a long name among many stars in every way there is, is told at once, and quoted short', async () => {
    const archive = zipSync({ ['a'.repeat(60_000)]: strToU8('1') })
    const error = await failureOf(filesOf(archive, { entry: `${'*a'.repeat(12)}*b` }))
    expect(error.message).toContain(`it holds "${'a'.repeat(100)}…". Change \`format.entry\``)
  })
})
