import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LongDecimal, type Value } from '../../../ports/json.ts'
import { encodeJson } from '../../../records/encode-json.ts'
import { withSession, write } from '../../conformance/harness.ts'
import { filesAt, liveRows, temporaryFolder } from '../test-files.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

/** Halves of pairs, what looks like their escape, and what JSON escapes. */
const text = fc.string({
  unit: fc.constantFrom('\ud800', '\udc00', '🦆', '\\', '\\ud800', '"', 'ud8ff', '\n', 'ü', 'a'),
  maxLength: 6,
})
const long = fc.stringMatching(/^0\.[0-9]{17,20}[1-9]$/).map((digits) => new LongDecimal(digits))
const inner: fc.Arbitrary<Value> = fc.oneof(text, long, fc.array(fc.oneof(text, long), { maxLength: 3 }))
/** Two that differ in halves alone would become one. */
const name = text.map((found) => Buffer.from(found).toString('utf8').replaceAll('\ufffd', ''))
const nested = fc.dictionary(name, inner, { minKeys: 1, maxKeys: 4 })

/** As it is stored: half of a pair is no character. */
function wellFormed(value: Value): Value {
  if (typeof value === 'string') return Buffer.from(value).toString('utf8')
  if (typeof value !== 'object' || value === null || value instanceof LongDecimal) return value
  if (Array.isArray(value)) return value.map(wellFormed)
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [wellFormed(k) as string, wellFormed(v)]))
}

let runs = 0
test.each(['jsonl', 'csv', 'parquet'] as const)(
  'R4: nested values with long numbers beside any text are read back whole (%s)',
  async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.array(nested, { minLength: 1, maxLength: 60 }), async (values) => {
        const destination = filesAt(`${folder.path}/${++runs}`, { format })
        const records = values.map((v, id) => ({ id, v: { ...v, [`n${id}`]: 1 } }))
        await withSession(destination, (session) => write(session, records))
        const rows = await liveRows(destination, 'tickets')
        const expected = records.map(({ id, v }) => [id, encodeJson(wellFormed(v))])
        expect(rows.map(({ id, v }) => [id, v])).toEqual(expected)
      }),
      { numRuns: 4, examples: [[[{ s: '\ud800', n: new LongDecimal('0.12345678901234567891') }]]] },
    )
  },
)
