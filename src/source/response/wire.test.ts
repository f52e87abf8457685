// Bodies as they come over a socket: compressed, in chunks, cut, announced wrongly; read by the real client and transport.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from '../../http/client.ts'
import { systemRuntime } from '../../http/system-runtime.ts'
import { createRestSource } from '../rest.ts'
import { type RestOptions, restOptions } from '../rest-options.ts'
import { runOnce, Warehouse } from '../testing/scripted-client.ts'

type Answer = (response: ServerResponse, attempt: number) => void

const answers = new Map<string, Answer>()
const attempts = new Map<string, number>()
const server = createServer((request, response) => {
  const path = request.url!
  const attempt = (attempts.get(path) ?? 0) + 1
  attempts.set(path, attempt)
  answers.get(path)!(response, attempt)
})

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise((resolve) => server.close(resolve)))

let number = 0

async function read(options: Omit<RestOptions['streams'][string], 'path'>, answer: Answer) {
  const path = `/items/${++number}`
  answers.set(path, answer)
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const settings = restOptions.parse({
    type: 'rest',
    baseUrl,
    retry: { maxAttempts: 2, firstDelay: '1ms', maxDelay: '1ms' },
    streams: { items: { path, key: 'id', ...options } },
  })
  const runtime = systemRuntime()
  await using client = createClient({ name: 'api', baseUrl, runtime, retry: settings.retry })
  await using source = createRestSource('api', settings, { client, clock: runtime.clock })
  const warehouse = new Warehouse()
  await runOnce(source.streams[0]!, warehouse)
  return { records: [...warehouse.rows.values()], attempts: attempts.get(path) }
}

const csv = 'id,name\n001,Zoë\n002,"a\n""b"""\n'
const records = [
  { id: '001', name: 'Zoë' },
  { id: '002', name: 'a\n"b"' },
]
const format = 'csv' as const

describe('a CSV body', () => {
  test.each<[string, Record<string, string>, Uint8Array]>([
    ['as it is', {}, Buffer.from(csv)],
    ['gzip', { 'content-encoding': 'gzip' }, gzipSync(csv)],
    ['deflate', { 'content-encoding': 'deflate' }, deflateSync(csv)],
    ['br', { 'content-encoding': 'br' }, brotliCompressSync(csv)],
    ['a gzip file', { 'content-type': 'application/gzip' }, gzipSync(csv)],
    ['a zip archive', { 'content-type': 'application/zip' }, zipSync({ 'a.csv': strToU8(csv) })],
    [
      'a zip archive, sent as gzip',
      { 'content-encoding': 'gzip' },
      gzipSync(zipSync({ 'a.csv': strToU8(csv) })),
    ],
    ['windows-1252', { 'content-type': 'text/csv; charset=windows-1252' }, Buffer.from(csv, 'latin1')],
  ])('is read in chunks of any size: %s', async (_name, headers, bytes) => {
    const read1 = await read({ format }, (response) => {
      response.writeHead(200, headers)
      for (const byte of bytes) response.write(Uint8Array.of(byte))
      response.end()
    })
    expect(read1.records).toEqual(records)
    const whole = { ...headers, 'content-length': String(bytes.length) }
    const read2 = await read({ format }, (response) => response.writeHead(200, whole).end(bytes))
    expect(read2.records).toEqual(records)
  })

  test.each<[string, (response: ServerResponse) => void]>([
    [
      'the connection is cut between chunks',
      (response) => {
        response.writeHead(200, { 'transfer-encoding': 'chunked' })
        response.write(csv.slice(0, 16), () => response.socket!.destroy())
      },
    ],
    [
      'fewer bytes come than were announced',
      (response) => {
        response.writeHead(200, { 'content-length': '1000' })
        response.write(csv.slice(0, 16), () => response.socket!.end())
      },
    ],
    [
      'its gzip data ends in the middle',
      (response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(csv).subarray(0, -9)),
    ],
    [
      'its zip archive ends in the middle',
      (response) => response.end(zipSync({ 'a.csv': strToU8(csv) }).subarray(0, -9)),
    ],
    ['a quote is open at its end', (response) => response.end(csv.slice(0, -5))],
    ['values are missing at its end', (response) => response.end(`${csv}003`)],
  ])('is asked for again where %s, and nothing is there twice', async (_name, breakOff) => {
    const { records: got, attempts: asked } = await read({ format }, (response, attempt) =>
      attempt === 1 ? breakOff(response) : response.end(csv),
    )
    expect(got).toEqual(records)
    expect(asked).toBe(2)
  })

  test('that breaks off each time fails with what is missing', async () => {
    const reading = read({ format }, (response) => response.end(csv.slice(0, -5)))
    await expect(reading).rejects.toThrow('in the row that begins on line 3 a quote is not closed')
  })
})

test('a login page under 200 is named, and not asked for again', async () => {
  let asked = 0
  const reading = read({ format: 'xml', paginate: { type: 'none' } }, (response) => {
    asked++
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>')
  })
  await expect(reading).rejects.toThrow('answered HTML, not XML (content-type: text/html)')
  expect(asked).toBe(1)
})

test('an XML document and a JSON page come in any cut and any compression', async () => {
  const xml = await read(
    { format: 'xml', records: 'a.b', key: '@id', paginate: { type: 'none' } },
    (response) => {
      response.writeHead(200, { 'content-encoding': 'br' })
      for (const byte of brotliCompressSync('<a><b id="1">é</b></a>')) response.write(Uint8Array.of(byte))
      response.end()
    },
  )
  expect(xml.records).toEqual([{ '@id': '1', '#text': 'é' }])
  const json = await read({ records: '$.data[*].node', paginate: { type: 'none' } }, (response) => {
    for (const byte of Buffer.from('\ufeff{"data":[{"node":{"id":12345678901234567890}}]}')) {
      response.write(Uint8Array.of(byte))
    }
    response.end()
  })
  expect(json.records).toEqual([{ id: 12345678901234567890n }])
})

test('204 is an answer without records', async () => {
  const { records: got } = await read({ paginate: { type: 'none' } }, (response) =>
    response.writeHead(204).end(),
  )
  expect(got).toEqual([])
})
