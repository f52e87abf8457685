// Any body, whole or broken: what comes of it is its records, or an error of Sluice's own. The bench runs the same with more cases.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSluiceError } from '../../errors.ts'
import { type BrokenBody, brokenBody, wholeBody } from '../../http/decode/bodies.arbitrary.ts'
import { responseOf, url } from '../../http/decode/scripted-response.ts'
import type { JsonRecord } from '../../ports/json.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { responseReader } from './read-response.ts'

const limits = { maxBodySize: 1_000_000, maxPageSize: 1_000_000, maxLineSize: 100_000 }

async function read(body: Omit<BrokenBody, 'how'>): Promise<{ records: JsonRecord[]; rejects: number }> {
  const { format, headers, bytes, size, records: path } = body
  const records: JsonRecord[] = []
  let rejects = 0
  const reader = responseReader({
    format,
    records: path,
    optionalRecords: false,
    key: [],
    unwrap: undefined,
    limits,
    stream: 'api.items',
  })
  const parts = {
    begin() {
      records.length = 0
    },
    async part(some: readonly JsonRecord[], _bytes: number, bad: readonly unknown[] = []) {
      records.push(...some)
      rejects += bad.length
    },
  }
  const judge = { method: 'GET', clock: fakeClock(), react: undefined, about: undefined }
  const page = await reader(responseOf(bytes, { headers, size }), url, parts, judge)
  records.push(...page.records)
  return { records, rejects }
}

// PEERS: dlt JSON bodies only
test('a whole body gives all of its records, whatever its format, charset and compression', async () => {
  await fc.assert(
    fc.asyncProperty(wholeBody, fc.integer({ min: 1, max: 300 }), async (body, size) => {
      const { records, rejects } = await read({ ...body, size })
      const id = body.format.type === 'xml' ? '@id' : 'id'
      expect(records.map((record) => ({ id: record[id], text: record.text }))).toEqual(body.rows)
      expect(rejects).toBe(0)
    }),
    { numRuns: 400 },
  )
})

test('a broken body gives records, or an error with a code and a message that names the address', async () => {
  await fc.assert(
    fc.asyncProperty(brokenBody, async (body) => {
      try {
        await read(body)
      } catch (error) {
        if (!isSluiceError(error)) throw error
        expect(error.code).toMatch(
          /^(BODY_TRUNCATED|BODY_UNREADABLE|BODY_TOO_LARGE|SELECTOR_EMPTY|API_ERROR_BODY)$/,
        )
        expect(error.message).toContain(url)
      }
    }),
    { numRuns: 2000 },
  )
})

test('nothing is lost silently: a body that was cut gives all of its records, or an error', async () => {
  await fc.assert(
    fc.asyncProperty(wholeBody, fc.nat(100_000), fc.integer({ min: 1, max: 300 }), async (body, at, size) => {
      fc.pre(body.bytes.length > 0)
      // Where a body is lines, its cut at the end of one can't be told from a shorter body: the length that HTTP tells does it.
      const bytes = body.bytes.subarray(0, at % body.bytes.length)
      const headers = { ...body.headers, 'content-length': String(body.bytes.length) }
      const outcome = await read({ ...body, bytes, headers, size }).then(
        ({ records }) => records.length,
        (error: unknown) => error,
      )
      expect(isSluiceError(outcome)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('nothing is lost silently: of a JSON or XML document that was cut, no record is taken', async () => {
  await fc.assert(
    fc.asyncProperty(wholeBody, fc.nat(100_000), async (body, at) => {
      fc.pre(body.bytes.length > 0)
      fc.pre(body.format.type === 'json' || body.format.type === 'xml')
      const bytes = body.bytes.subarray(0, at % body.bytes.length)
      const outcome = await read({ ...body, bytes, size: 100 }).catch((error: unknown) => error)
      expect(isSluiceError(outcome)).toBe(true)
    }),
    { numRuns: 500 },
  )
})
