import fc from 'fast-check'
import { strToU8, zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import type { Value } from '../../ports/json.ts'
import type { HttpHeaders } from '../../ports/runtime.ts'
import { failureOf, responseOf, url } from './scripted-response.ts'
import { type ReadXmlOptions, readXml } from './xml.ts'

const read = async (
  body: string | Uint8Array,
  options: Partial<ReadXmlOptions> = {},
  headers: HttpHeaders = { 'content-type': 'application/xml' },
): Promise<Value> => (await readXml(responseOf(body, { headers }), { url, ...options })).value

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

// PEERS: Airbyte XmlDecoder
describe('reading', () => {
  test('attributes, text, children and lists are told apart by their names', async () => {
    const body = `<?xml version="1.0"?>
      <feed page="1"><!-- two --><entry id="007">first</entry><entry><id>8</id><tag/><tag>x</tag></entry></feed>`
    expect(await read(body)).toEqual({
      feed: {
        '@page': '1',
        entry: [
          { '@id': '007', '#text': 'first' },
          { id: '8', tag: ['', 'x'] },
        ],
      },
    })
  })

  test('values are text: zeros in front, long numbers and true stay what was sent (R4)', async () => {
    expect(await read('<a n="1e5"><b>007</b><c>12345678901234567890</c><d>true</d><e>0x1F</e></a>')).toEqual({
      a: { '@n': '1e5', b: '007', c: '12345678901234567890', d: 'true', e: '0x1F' },
    })
  })

  test('any text comes back as it was, but for the white space around it', async () => {
    const text = fc
      .string({ unit: 'grapheme' })
      .map((all) => all.replace(/[^\P{C}]/gu, '').trim())
      .filter((all) => all === all.normalize() && !/[\ufffe\uffff\u0085\u2028]/.test(all))
    await fc.assert(
      fc.asyncProperty(text, text, async (first, second) => {
        const body = `<a><b>${escaped(first)}</b><b>${escaped(second)}</b></a>`
        expect(await read(body)).toEqual({ a: { b: [first, second] } })
      }),
      { numRuns: 300 },
    )
  })

  test('entities, numeric references and CDATA are the characters that they stand for', async () => {
    expect(
      await read('<a><b>&lt;&amp;&#233;&#xe9;&apos;</b><c><![CDATA[<!DOCTYPE html>&amp;]]></c></a>'),
    ).toEqual({
      a: { b: `<&éé'`, c: '<!DOCTYPE html>&amp;' },
    })
  })

  test('a document type is characters like others in a comment and in an instruction', async () => {
    expect(await read('<?note <!DOCTYPE x> ?><a><!-- <!DOCTYPE a> --><b>1</b></a>')).toEqual({
      a: { b: '1' },
    })
  })

  test('white space and instructions before the first element may be of any length', async () => {
    expect(await read(`${' '.repeat(5_000_000)}${'<?a b?>'.repeat(20_000)}<a>1</a>`)).toEqual({ a: '1' })
  })

  test('namespaces are kept, or stripped where that is asked for', async () => {
    const body = '<s:Envelope xmlns:s="urn:x"><s:Body s:id="1"><item>a</item></s:Body></s:Envelope>'
    expect(await read(body)).toEqual({
      's:Envelope': { '@xmlns:s': 'urn:x', 's:Body': { '@s:id': '1', item: 'a' } },
    })
    expect(await read(body, { namespaces: 'strip' })).toEqual({
      Envelope: { Body: { '@id': '1', item: 'a' } },
    })
  })

  test('a byte order mark, a declared charset, and one file of a zip archive', async () => {
    expect(await read('\ufeff<a>é</a>')).toEqual({ a: 'é' })
    const latin = { 'content-type': 'text/xml; charset=iso-8859-1' }
    expect(await read(Buffer.from('<a>\xe9</a>', 'latin1'), {}, latin)).toEqual({ a: 'é' })
    const inside = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', 'latin1')
    expect(await read(inside)).toEqual({ a: 'é' })
    expect(await read(inside, { encoding: 'iso-8859-5' })).toEqual({ a: 'щ' })
    expect(await read(zipSync({ 'a.xml': strToU8('<a>1</a>') }))).toEqual({ a: '1' })
    const error = await failureOf(read(zipSync({ 'a.xml': strToU8('<a/>'), 'b.xml': strToU8('<b/>') })))
    expect(error.message).toContain(
      'a zip archive with several files, "a.xml" and "b.xml" among them, where one document was expected. Say which one to read with `entry`',
    )
    expect((await failureOf(read(zipSync({})))).message).toContain('a zip archive without a file in it')
  })

  test('references are decoded however many there are', async () => {
    const body = `<a>${'<b>x &amp; y</b>'.repeat(20_000)}</a>`
    const { a } = (await read(body)) as { a: { b: string[] } }
    expect(a.b).toHaveLength(20_000)
    expect(a.b.at(-1)).toBe('x & y')
  })
})

describe('errors', () => {
  test.each<[string, string]>([
    ['<a><b>1</b>', 'its XML ends in the middle (Unclosed tag'],
    ['<a><b>1</b><b', 'its XML ends in the middle'],
    ['<a><b>1</', 'its XML ends in the middle'],
    ['<a><!-- x', 'its XML ends in the middle'],
  ])('a document that ends early is asked for again: %s', async (body, message) => {
    const error = await failureOf(read(body))
    expect([error.code, error.recovery]).toEqual(['BODY_TRUNCATED', 'retry'])
    expect(error.message).toContain(message)
  })

  test.each<[string, string, string]>([
    ['tags that cross', '<a><b>1</a></b>', "answered invalid XML: Expected closing tag 'b'"],
    ['an attribute twice', '<a x="1" x="2"/>', "Attribute 'x' is repeated, line 1"],
    ['text behind the document', '<a>1</a> and more', 'answered invalid XML: Extra text at the end, line 1'],
    [
      'a document type',
      '<?xml version="1.0"?>\n<!-- x -->\n<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
      'answered XML with a document type, which is not read, since it can define entities that grow without end: "<!DOCTYPE a',
    ],
    [
      'a document type inside an element',
      '<a><!DOCTYPE a [<!ENTITY x "yyyy">]>&x;</a>',
      'answered XML with a document type, which is not read, since it can define entities that grow without end: "<!DOCTYPE a',
    ],
    [
      'a document type behind its element, and behind comments and CDATA',
      '<a><!-- > --><![CDATA[<!-- ]]></a><!doctype a>',
      'answered XML with a document type, which is not read, since it can define entities that grow without end: "<!doctype a>"',
    ],
    ['a name that no object may have', '<a><__proto__>1</__proto__></a>', 'answered invalid XML: '],
    [
      'elements in one another without end',
      '<a>'.repeat(5000) + '</a>'.repeat(5000),
      'answered invalid XML: ',
    ],
    ['HTML', '<html><body>Sign in</body></html>', 'answered HTML, not XML (content-type: application/xml)'],
    ['JSON', '{"error":"x"}', 'answered JSON, not XML'],
    ['text', 'busy', 'answered invalid XML: it begins with no tag. It begins with "busy"'],
  ])('%s says what is wrong, and is not asked for again', async (_name, body, message) => {
    const error = await failureOf(read(body))
    expect([error.code, error.recovery]).toEqual(['BODY_UNREADABLE', 'stop-stream'])
    expect(error.message).toContain(message)
  })

  test('an empty body broke off, unless it was announced', async () => {
    expect((await failureOf(read(''))).code).toBe('BODY_TRUNCATED')
    const error = await failureOf(read('', {}, { 'content-length': '0' }))
    expect(error.message).toContain('answered 200 with an empty body where XML was expected')
  })
})
