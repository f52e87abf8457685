import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listStream, records } from '../../engine/testing/list-stream.ts'
import { streamToFile } from './stream-to-file.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-file-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const lines = async (path: string) =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

test('every record of every slice stands on a line of its own, in the order of reading', async () => {
  const stream = listStream({
    slices: { monday: [records(1, 3), records(4, 5)], tuesday: [[], records(6, 6)] },
  })
  const path = join(folder, 'tickets.jsonl')
  const file = await streamToFile(stream, path)
  expect(await lines(path)).toEqual(records(1, 6))
  expect(file).toEqual({ path, records: 6, bytes: (await readFile(path)).length })
})

test('R4: long numbers keep their digits in the file', async () => {
  const stream = listStream({
    slices: { all: [[{ id: 1, trace: 12345678901234567890n, list: [90071992547409931n] }]] },
  })
  const path = join(folder, 'traces.jsonl')
  await streamToFile(stream, path)
  expect(await readFile(path, 'utf8')).toBe(
    '{"id":1,"trace":12345678901234567890,"list":[90071992547409931]}\n',
  )
})

test('pages of any size and any characters follow one another as they were read', async () => {
  const page = (size: number, text: string) =>
    Array.from({ length: size }, (_, id) => ({ id, text: text.repeat(id % 700) }))
  const pages = [page(900, 'abc'), page(3, '\ud83d\ude00'), page(400, 'é\n"\\'), page(900, '漢\ud800')]
  const path = join(folder, 'texts.jsonl')
  const { bytes } = await streamToFile(listStream({ slices: { all: pages } }), path)
  const written = await readFile(path)
  expect(written.toString()).toBe(
    pages
      .flat()
      .map((record) => `${JSON.stringify(record)}\n`)
      .join(''),
  )
  expect(bytes).toBe(written.length)
})

test('a stream without records gives an empty file', async () => {
  const path = join(folder, 'empty.jsonl')
  expect(await streamToFile(listStream({ slices: { all: [[]] } }), path)).toMatchObject({
    records: 0,
    bytes: 0,
  })
  expect(await readFile(path, 'utf8')).toBe('')
})

test('a stream that fails publishes nothing, leaves the older file as it was, and nothing beside it', async () => {
  const path = join(folder, 'tickets.jsonl')
  await writeFile(path, 'older\n')
  const stream = listStream({
    slices: { all: [records(1, 3), records(4, 6)] },
    beforePage: (_slice, page) => {
      if (page === 1) throw new Error('the network is down')
    },
  })
  await expect(streamToFile(stream, path)).rejects.toThrow('the network is down')
  expect(await readFile(path, 'utf8')).toBe('older\n')
  expect(await readdir(folder)).toEqual(['tickets.jsonl'])
})

test('nothing is seen under the name before the stream has ended', async () => {
  const path = join(folder, 'tickets.jsonl')
  const seen: string[][] = []
  const stream = listStream({
    slices: { all: [records(1, 3), records(4, 6)] },
    beforePage: async () => {
      seen.push((await readdir(folder)).filter((name) => !name.startsWith('.')))
    },
  })
  await streamToFile(stream, path)
  expect(seen).toEqual([[], []])
  expect(await readdir(folder)).toEqual(['tickets.jsonl'])
})

test('an aborted read publishes nothing', async () => {
  const abort = new AbortController()
  const stream = listStream({
    slices: { all: [records(1, 3)] },
    beforePage: () => abort.abort(new Error('enough')),
  })
  await expect(streamToFile(stream, join(folder, 'x.jsonl'), { signal: abort.signal })).rejects.toThrow(
    'enough',
  )
  expect(await readdir(folder)).toEqual([])
})

test('a folder that is not there is named, with the reason', async () => {
  const path = join(folder, 'missing', 'x.jsonl')
  await expect(streamToFile(listStream({ slices: { all: [records(1, 1)] } }), path)).rejects.toThrow(
    `${path}: the file can't be written (ENOENT)`,
  )
})

test('only the part that is asked for is read', async () => {
  const stream = listStream({ slices: { all: [records(1, 3)] } })
  await streamToFile(stream, join(folder, 'x.jsonl'), { since: '2026-01-01' })
  expect(stream.scopes).toEqual([{ since: '2026-01-01' }])
})
