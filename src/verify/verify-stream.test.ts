import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { formatVerifyReport } from '../cli/format-verify-report.ts'
import { destinationAt } from '../destinations/duckdb/test-warehouse.ts'
import { csvWriter } from '../destinations/files/formats/csv.ts'
import { asStored } from '../destinations/postgres/json-text.ts'
import type { DestinationSession } from '../ports/destination.ts'
import { type Json, type JsonRecord, LongDecimal, type Value } from '../ports/json.ts'
import type { Column, TableSchema } from '../ports/schema.ts'
import type { Stream, WriteMode } from '../ports/source.ts'
import { observeRecords } from '../records/observe.ts'
import { verifyStream } from './verify-stream.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-verify-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

function streamOf(records: readonly JsonRecord[], write: WriteMode = 'merge', key = ['id']) {
  return {
    name: 'a.t',
    table: 't',
    write,
    key,
    slices: () => [{}],
    read: (_slice: unknown, { emit }: { emit(page: { records: readonly JsonRecord[] }): Promise<void> }) =>
      emit({ records }),
  } as unknown as Stream
}

/** Loads batches into a new DuckDB file, each with the schema as it is after it, and leaves the session open. */
async function loaded(batches: readonly (readonly JsonRecord[])[], mode: 'merge' | 'history' = 'merge') {
  const session = await destinationAt(join(folder, `${++files}.duckdb`)).open('p')
  let schema: TableSchema | null = null
  for (const [at, records] of batches.entries()) {
    schema = observeRecords(schema, records).schema
    await session.commit({
      id: `load ${at}`,
      runId: 'run',
      at,
      stream: 'a.t',
      table: 't',
      mode,
      key: ['id'],
      schema,
      records,
      rejects: [],
      checkpoints: [],
    })
  }
  return session
}

/** A session that holds these rows, as `readRows` tells them. */
function holding(columns: readonly Column[], rows: readonly Record<string, Json>[]) {
  return {
    readSchema: async () => ({ columns }),
    async *readRows() {
      yield rows
    },
  } as unknown as DestinationSession
}

const verify = (stream: Stream, session: DestinationSession) =>
  verifyStream(stream, { description: 'test' }, session)
const same = { missing: { rows: 0 }, extra: { rows: 0 }, different: { rows: 0 }, doubled: { rows: 0 } }
const text = (name: string): Column => ({ field: name, name, type: { kind: 'text' } })
const json = (name: string): Column => ({ field: name, name, type: { kind: 'json' } })

test('texts that differ only in NUL are different where the table keeps them apart, half a character is U+FFFD', async () => {
  const records = ['a\0', 'a\ufffd', 'a', 'a\ud800', ''].map((v, id) => ({ id, v }))
  await using session = await loaded([records])
  expect(await verify(streamOf(records), session)).toMatchObject({ ...same, rows: 5 })
  const changed = records.map(({ id, v }) => ({ id, v: v.replace('\0', '\ufffd') }))
  expect((await verify(streamOf(changed), session)).different.rows).toBe(1)
})

test('CSV, which has no NUL, holds texts that differ in it alone as one', async () => {
  const session = holding([text('id'), text('v')], [{ id: 'k', v: 'x\ufffd' }])
  const { asStored } = csvWriter('none')
  const stream = streamOf([{ id: 'k', v: 'x\0' }])
  expect((await verify(stream, session)).different.rows).toBe(1)
  expect(await verify(stream, { ...session, asStored: asStored! })).toMatchObject(same)
})

test('what PostgreSQL holds in place of a value that it can not hold is no difference', async () => {
  let deep: Value = 'bottom'
  for (let level = 0; level < 20_000; level++) deep = [deep]
  const record = { id: 'k', v: { n: [new LongDecimal('1e200000'), 'x\0y\ud800'] }, deep }
  const [n, d] = [{ n: ['1e200000', 'x\ufffdy\ufffd'] }, `${'['.repeat(20_000)}"bottom"${']'.repeat(20_000)}`]
  const row = { id: 'k', v: JSON.stringify(n), deep: JSON.stringify(d) }
  const session = holding([text('id'), json('v'), json('deep')], [row])
  expect((await verify(streamOf([record]), session)).different.rows).toBe(1)
  expect(await verify(streamOf([record]), { ...session, asStored })).toMatchObject(same)
})

test('a column that was widened holds the texts of its old numbers, booleans and times: they are no difference', async () => {
  const batches = [
    [{ id: 1, a: 1, b: true, c: '2026-01-31T10:00:00.5+02:00', d: 9007199254740993n, e: '2026-01-31' }],
    [{ id: 2, a: 1.5, b: 7, c: 'soon', d: new LongDecimal('0.12345678901234567890') }],
    [{ id: 3, a: 's', c: { x: 1 }, d: 1e-7 }],
    [{ id: 4, a: { x: 1 }, b: [1], d: [2], e: { y: 2 } }],
  ]
  await using session = await loaded(batches)
  const records: JsonRecord[] = batches.flat()
  expect(await verify(streamOf(records), session)).toMatchObject(same)
  const changed = records.map((record, at) => (at === 0 ? { ...record, a: 2 } : record))
  expect((await verify(streamOf(changed), session)).different.rows).toBe(1)
})

test('texts that merely look alike are different: 1.10 and 1.1, 007 and 7', async () => {
  const session = holding(
    [text('id'), text('v'), json('j')],
    [
      { id: '1', v: '1.10', j: '"1.10"' },
      { id: '2', v: '007', j: '"007"' },
      { id: '3', v: 'null', j: '[1]' },
      { id: '4', v: '1', j: '"[1]"' },
    ],
  )
  const records: JsonRecord[] = [
    { id: 1, v: '1.1', j: '1.10' },
    { id: 2, v: '007', j: '7' },
    { id: 3, v: null, j: [1] },
    { id: 4, v: 1, j: [1] },
  ]
  expect((await verify(streamOf(records), session)).different.rows).toBe(4)
})

test('keys that are two spellings of one instant are two keys of a text column', async () => {
  const records = [{ id: '2026-01-31T10:00:00+02:00' }, { id: '2026-01-31T08:00:00Z' }, { id: 'x' }]
  await using session = await loaded([records])
  expect(await verify(streamOf(records), session)).toMatchObject({ ...same, rows: 3 })
})

test('of a stream that was never loaded every record is missing, by its key, and the table is said not to be there', async () => {
  const records = Array.from({ length: 30 }, (_, at) => ({ id: at + 1, v: 'x' }))
  await using session = await loaded([])
  const report = await verify(streamOf(records), session)
  expect(report).toMatchObject({ ...same, missing: { rows: 30 }, rows: 0, tableExists: false })
  expect(formatVerifyReport(report)).toMatch(
    /^a\.t: 30 records read, t is not there yet: run first\n {2}missing \(not in the table\): 30\n {4}1, 2, 3, /,
  )
  expect((await verify(streamOf(records, 'append', []), session)).missing.rows).toBe(30)
})

test('of a table with history the present rows are compared, and told beside the rows of all versions', async () => {
  await using session = await loaded(
    [
      [
        { id: 1, v: 1 },
        { id: 2, v: 1 },
      ],
      [{ id: 1, v: 2 }],
    ],
    'history',
  )
  const stream = streamOf(
    [
      { id: 1, v: 2 },
      { id: 2, v: 1 },
    ],
    'history',
  )
  const report = await verify(stream, session)
  expect(report).toMatchObject({ ...same, rows: 2, versions: 3 })
  expect(formatVerifyReport(report)).toBe(
    'a.t: 2 records read, 2 present rows (of 3) in t\n  nothing is missing, extra or different',
  )
})

test('what differs is told by key and column, with both values on a line: clipped where they differ, nothing unseen in them', async () => {
  const long = 'x'.repeat(500)
  const columns = [text('id'), text('v'), json('j')]
  const session = holding(columns, [
    { id: 'eu 1', v: `${long}a`, j: '{"n":1}' },
    { id: '3', v: 'a\u001b[2Jb\u202ec', j: null },
    { id: '4', v: '4', j: '4' },
  ])
  const records: JsonRecord[] = [
    { id: 'eu 1', v: `${long}b${long}`, j: { n: 2 } },
    { id: '3', v: 'line\nbreak', j: 'null', 'ne\tw': 5 },
    { id: 4, v: 4, j: '4' },
  ]
  const { different } = await verify(streamOf(records), session)
  expect(different).toEqual({
    rows: 2,
    examples: ['"3"', 'eu 1'],
    values: [
      { key: '"3"', column: 'v', api: '"line\\nbreak"', table: '"a\\u001b[2Jb\\u202ec"' },
      { key: '"3"', column: 'j', api: '"null"', table: null },
      { key: '"3"', column: '"ne\\tw"', api: '5', table: null },
      {
        key: 'eu 1',
        column: 'v',
        api: `…${'x'.repeat(20)}b${'x'.repeat(57)}…`,
        table: `…${'x'.repeat(20)}a`,
      },
      { key: 'eu 1', column: 'j', api: '{"n":2}', table: '{"n":1}' },
    ],
  })
})

test('keys are shown as people write them, the shorter ones first; of many columns of a row three are printed', async () => {
  const ids = [12, 2, 'b, c', 'b', '', 'true', '007', ' x', 'é']
  const report = await verify(streamOf(ids.map((id) => ({ id, n: 1 }))), holding([json('id')], []))
  expect(report.missing.examples).toEqual(['2', '12', '""', 'b', 'é', '" x"', '"007"', '"b, c"', '"true"'])
  const columns = ['id', 'a', 'b', 'c', 'd', 'e'].map(text)
  const row = { id: 'k', a: '1', b: '1', c: '1', d: '1', e: '1' }
  const many = await verify(streamOf([{ id: 'k' }]), holding(columns, [row]))
  expect(many.different.values).toHaveLength(5)
  expect(formatVerifyReport(many)).toBe(`a.t: 1 record read, 1 row in t
  different (the row says something else): 1
    k: a is nothing at the API, 1 in the table
    k: b is nothing at the API, 1 in the table
    k: c is nothing at the API, 1 in the table
    k: and 2 more columns`)
})

test('without a key what is missing and extra is shown by its values', async () => {
  const session = holding(
    [json('n'), text('t')],
    [
      { n: '1', t: 'a' },
      { n: '1', t: null },
    ],
  )
  const records: JsonRecord[] = [
    { n: 1, t: 'a' },
    { n: 1, t: 'a' },
    { n: 2, more: 'x' },
  ]
  expect(await verify(streamOf(records, 'append', []), session)).toMatchObject({
    missing: { rows: 2, examples: ['n: 1, t: a', 'n: 2, more: x'] },
    extra: { rows: 1, examples: ['n: 1'] },
  })
})
