// Responses as a stream reads them: from its options, over a scripted API.
import { gzipSync } from 'node:zlib'
import { strToU8, zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { type RestOptions, restOptions } from '../rest-options.ts'
import { type Answer, runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'

type StreamInput = RestOptions['streams'][string]

const none = { type: 'none' } as const

async function read(options: Omit<StreamInput, 'path'>, ...answers: Answer[]) {
  const left = [...answers]
  const client = scriptedClient(() => left.shift()!)
  const stream = streamOf('api', 'items', { path: 'items', ...options }, client)
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  return {
    records: warehouse.pages.flatMap((page) => page.records),
    pages: warehouse.pages,
    requests: client.requests,
  }
}

const problemsOf = (stream: Omit<StreamInput, 'path'>) =>
  restOptions
    .safeParse({
      type: 'rest',
      baseUrl: 'https://api.test',
      streams: { items: { path: 'items', ...stream } },
    })
    .error?.issues.map(({ path, message }) => `${path.slice(2).join('.')}: ${message}`) ?? []

describe('formats', () => {
  test('CSV is read page by page where a header names the next one', async () => {
    const { records, requests } = await read(
      {
        format: 'csv',
        key: 'Id',
        query: { maxRecords: 2 },
        paginate: { type: 'cursor', token: { header: 'Sforce-Locator' }, param: 'locator' },
      },
      { body: '"Id","Zip"\n"001","0123"\n"002",""\n', headers: { 'sforce-locator': 'MTAw' } },
      { body: '"Id","Zip"\n"003","9"\n', headers: { 'sforce-locator': 'null' } },
    )
    expect(records).toEqual([
      { Id: '001', Zip: '0123' },
      { Id: '002', Zip: '' },
      { Id: '003', Zip: '9' },
    ])
    expect(requests.map(({ query }) => query.locator)).toEqual([undefined, 'MTAw'])
  })

  test('a row that can be no record is handed on as a reject, in its part', async () => {
    const { pages } = await read({ format: 'csv', key: 'id' }, { body: 'id,a\n1,2\n3\n4,5\n' })
    expect(pages[0]).toEqual({
      records: [
        { id: '1', a: '2' },
        { id: '4', a: '5' },
      ],
      bytes: 15,
      rejects: [
        { record: { line: 3, values: ['3'] }, reason: 'line 3 has 1 value, and there are 2 columns' },
      ],
    })
    expect(pages[1]).toMatchObject({ records: [], progress: { position: null } })
  })

  test('a body that breaks off after some of its parts is read again from its start, and nothing is lost', async () => {
    const row = (id: number) => `${id},${'x'.repeat(1000)}\n`
    const whole = ['id,text\n', ...Array.from({ length: 3000 }, (_, id) => row(id))].join('')
    const client = scriptedClient(({ query }) => ({
      body: query.whole ? whole : whole.slice(0, whole.lastIndexOf(',', 2_500_000)),
    }))
    const options = { path: 'items', format: 'csv', key: 'id' } as const
    const warehouse = new Warehouse()
    await expect(runOnce(streamOf('api', 'items', options, client), warehouse)).rejects.toThrow(
      'the body broke off',
    )
    expect(warehouse.progress.size).toBe(0)
    expect(warehouse.rows.size).toBeGreaterThan(1000)
    await runOnce(streamOf('api', 'items', { ...options, query: { whole: true } }, client), warehouse)
    expect(warehouse.rows.size).toBe(3000)
    expect(Math.max(...warehouse.pages.map((page) => page.bytes))).toBeLessThan(3_200_000)
  })

  test('XML: one element, several and none are all a list', async () => {
    const xml = { format: 'xml', records: 'users.user', key: '@id', paginate: none } as const
    const users = (inner: string) => ({
      body: `<users>${inner}</users>`,
      headers: { 'content-type': 'text/xml' },
    })
    expect((await read(xml, users('<user id="007"><name>Ann</name></user>'))).records).toEqual([
      { '@id': '007', name: 'Ann' },
    ])
    expect((await read(xml, users('<user id="1"/><user id="2">x</user>'))).records).toEqual([
      { '@id': '1' },
      { '@id': '2', '#text': 'x' },
    ])
    expect((await read(xml, users(''))).records).toEqual([])
    await expect(read(xml, { body: '<error><message>no access</message></error>' })).rejects.toThrow(
      'the API answered 200, but its body is an error: no access',
    )
  })

  test('JSON Lines in a zip archive of gzip files, as Amplitude exports', async () => {
    const archive = zipSync({
      'a.json.gz': gzipSync('{"id":1}\n{"id":2}\n'),
      'b.json.gz': gzipSync('{"id":3}\n'),
    })
    const { records } = await read(
      { format: 'jsonl', key: 'id' },
      { body: [Buffer.from(archive)], headers: { 'content-type': 'application/zip' } },
    )
    expect(records).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
  })

  describe('a JSON document that is streamed', () => {
    const stream = { format: { type: 'json', stream: true }, records: 'data.items', key: 'id' } as const
    const paginate = { type: 'cursor', token: 'next', param: 'c' } as const

    test('hands its records on in parts, and what is beside them names the next page', async () => {
      const { records, requests, pages } = await read(
        { ...stream, paginate },
        { body: { data: { items: [{ id: 1 }, 'x'] }, next: 'b' } },
        { body: { next: null, data: { items: [] } } },
      )
      expect(records).toEqual([{ id: 1 }, { value: 'x' }])
      expect(requests.map(({ query }) => query.c)).toEqual([undefined, 'b'])
      expect(pages[0]).not.toHaveProperty('progress')
      expect(pages.at(-1)?.progress).toEqual({ position: null, highWater: null })
    })

    test('R2 holds for it as for one that is read whole', async () => {
      const options = { ...stream, paginate: none }
      await expect(read(options, { body: { data: { item: [] } } })).rejects.toThrow(
        'did you mean `data.item`?',
      )
      await expect(read(options, { body: { data: { items: [] }, error: 'busy' } })).rejects.toThrow(
        'its body is an error: busy',
      )
      expect((await read({ ...options, optionalRecords: true }, { body: { data: {} } })).records).toEqual([])
      expect((await read(options, { body: { data: { items: { id: 7 } } } })).records).toEqual([{ id: 7 }])
    })
  })

  test('a JSON document in a zip archive is the file that `entry` names', async () => {
    const archive = zipSync({ 'data.json': strToU8('[{"id":1}]'), 'schema.json': strToU8('{}') })
    const { records } = await read(
      { format: { type: 'json', entry: 'data*' }, key: 'id', paginate: none },
      { body: [Buffer.from(archive)] },
    )
    expect(records).toEqual([{ id: 1 }])
  })

  test('`encoding` says what neither the body nor a header does', async () => {
    const body = [Buffer.from('[{"id":"Zo\xeb"}]', 'latin1')]
    const { records } = await read(
      { format: { type: 'json', encoding: 'latin1' }, key: 'id', paginate: none },
      { body },
    )
    expect(records).toEqual([{ id: 'Zoë' }])
  })

  // PEERS: dlt response_actions ignore 204
  test.each(['json', 'jsonl', 'csv', 'xml'] as const)(
    '204 has no records, and ends the list: %s',
    async (format) => {
      const { records, pages } = await read({ format, key: 'id', paginate: none }, { status: 204, body: '' })
      expect(records).toEqual([])
      expect(pages.at(-1)?.progress).toEqual({ position: null, highWater: null })
    },
  )
})

describe('a body of another kind', () => {
  test.each<[Omit<StreamInput, 'path'>, string, string]>([
    [{ paginate: none }, '<!DOCTYPE html><html>Sign in', 'answered HTML, not JSON'],
    [
      { paginate: none },
      '<?xml version="1.0"?><a/>',
      'answered XML, not JSON (content-type: none): "<?xml version=\\"1.0\\"?><a/>". If that is what the endpoint answers, set `format: xml`',
    ],
    [{ paginate: none }, '{"id":1}\n{"id":2}\n', 'answered JSON Lines, not JSON'],
    [{ paginate: none }, '[{"id":1}] ok', 'answered invalid JSON (content-type: none) at position 11'],
    [
      { paginate: none },
      '[{"id":NaN}]',
      'NaN is no JSON: no value stands for it that would be right for each reader',
    ],
    [{ paginate: none }, '[{"id":-Infinity}]', 'near "[{\\"id\\":-Infinity}]". Infinity is no JSON'],
    [{ format: 'jsonl', key: 'id' }, '[{"id":1},{"id":2}]', 'read it as JSON, not as JSON Lines'],
    [{ format: 'jsonl', key: 'id' }, '<html>\n<body>', 'answered HTML, not JSON Lines'],
    [{ format: 'csv', key: 'id' }, '[{"id":1}]', 'answered JSON, not CSV'],
    [{ format: 'xml', paginate: none }, '[{"id":1}]', 'answered JSON, not XML'],
  ])('%j on %j', async (options, body, message) => {
    await expect(read(options, { body, headers: {} })).rejects.toThrow(message)
  })

  test('CSV instead of JSON is told by its content type', async () => {
    const answer = { body: 'id,a\n1,2\n', headers: { 'content-type': 'text/csv' } }
    await expect(read({ paginate: none }, answer)).rejects.toThrow(
      'answered CSV, not JSON (content-type: text/csv): "id,a\\n1,2\\n". If that is what the endpoint answers, set `format: csv`',
    )
  })
})

describe('records', () => {
  test('values beside the records go into each of them', async () => {
    const { records } = await read(
      {
        records: 'rates',
        recordsAs: { map: 'currency' },
        include: { base: 'base', at: 'meta.at', none: 'absent' },
        key: 'currency',
        paginate: none,
      },
      {
        body: { base: 'EUR', meta: { at: '2024-01-01' }, rates: { USD: { rate: 1.1 }, GBP: { rate: 0.8 } } },
      },
    )
    expect(records).toEqual([
      { currency: 'USD', rate: 1.1, base: 'EUR', at: '2024-01-01' },
      { currency: 'GBP', rate: 0.8, base: 'EUR', at: '2024-01-01' },
    ])
  })

  test('an included field takes the place of none', async () => {
    const reading = read(
      { records: 'items', include: { at: 'at' }, paginate: none },
      { body: { at: 1, items: [{ at: 2 }] } },
    )
    await expect(reading).rejects.toThrow(
      'a record has a field "at" of its own, which would be replaced: give the included one another name',
    )
  })

  // PEERS: Airbyte DpathFlattenFields
  test('records that are wrapped are unwrapped beside their fields, or taken alone', async () => {
    const body = { data: [{ type: 'user', attributes: { id: 1, type: 'admin' } }] }
    const beside = await read({ records: 'data', unwrap: 'attributes', paginate: none }, { body })
    expect(beside.records).toEqual([{ type: 'user', id: 1, attributes_type: 'admin' }])
    const alone = await read({ records: '$.data[*].attributes', paginate: none }, { body })
    expect(alone.records).toEqual([{ id: 1, type: 'admin' }])
  })
})

describe('what can not work is refused when the pipeline is loaded', () => {
  test.each<[Omit<StreamInput, 'path'>, string]>([
    [{ format: 'csv' }, 'key: `format: csv` commits parts of a body'],
    [{ format: 'csv', key: 'id', records: 'items' }, 'records: with `format: csv` each row is a record'],
    [{ format: 'csv', key: 'id', unwrap: 'a' }, 'unwrap: with `format: csv` each value of a record is text'],
    [
      { format: 'jsonl', key: 'id', include: { a: 'a' } },
      'include: with `format: jsonl` each line is a record, and there is nothing beside them',
    ],
    [{ format: 'csv', key: 'id', sides: { a: { records: 'a' } } }, 'sides: with `format: csv`'],
    [{ format: 'csv', key: 'id', recordsAs: { map: 'id' } }, 'recordsAs: with `format: csv`'],
    [
      { format: 'csv', key: 'id', paginate: { type: 'cursor', token: 'next', param: 'c' } },
      'paginate: with `format: csv` a body is streamed, and a paginator of type cursor would have to look into it',
    ],
    [
      { format: { type: 'json', stream: true }, key: 'id', records: '$.a[*].b' },
      'records: `format: { type: json, stream: true }` finds the list by names alone, as in "data.items", and not "$.a[*].b"',
    ],
    [
      { format: { type: 'json', stream: true }, key: 'id', include: { a: 'a' } },
      'include: with `format: { type: json, stream: true }` records are handed on before the document is whole',
    ],
    [
      { format: { type: 'json', stream: true }, key: 'id', paginate: { type: 'page-number', param: 'p' } },
      'paginate: with `format: { type: json, stream: true }` the records are gone when the document ends',
    ],
    [{ format: 'xml' }, 'paginate: say how the API hands out the list page by page'],
    [
      { paginate: none, records: '$.a[' },
      'records: "$.a[" is no path (as JSONPath: unclosed bracketed selection)',
    ],
    [
      {
        paginate: none,
        key: 'id',
        incremental: { by: 'id', field: 'id', param: 'since' },
        sides: { users: { records: 'users' } },
      },
      'sides.users.key: `incremental` reads pages again, and without a key the rows of `users` would be there twice',
    ],
    [
      { paginate: none, key: 'id', sides: { users: { records: 'users' } } },
      'sides.users.key: with `write: merge` each run reads the list from its beginning, and without a key the rows of `users` would be there twice',
    ],
  ])('%j', (stream, message) => {
    const problems = problemsOf(stream)
    expect(problems.filter((problem) => problem.startsWith(message))).toHaveLength(1)
  })
})
