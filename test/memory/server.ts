// Serves pages of 1,000 records of 620 bytes from a process of its own. Some pages are made beforehand, and each answer is a copy of one
// with its own ids written over: serving costs next to nothing, and no two records have one key.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { benchRecord, pageSize } from '../../bench/records.ts'

const pages = Number(process.argv[2])
const MADE = 20
/** Ids of nine digits, so that each has the same place in every copy. */
const FIRST_ID = 100_000_000

interface Template {
  readonly body: Buffer
  /** Where each record's id begins. */
  readonly ids: readonly number[]
}

const templates = Array.from({ length: Math.min(MADE, pages) }, (_, page) => template(page))

function template(page: number): Template {
  const records = Array.from({ length: pageSize }, (_, index) =>
    benchRecord(FIRST_ID + page * pageSize + index),
  )
  const parts: string[] = []
  const ids: number[] = []
  let length = '{"data":['.length
  for (const record of records) {
    ids.push(length + '{"id":'.length)
    parts.push(record)
    length += Buffer.byteLength(record) + 1
  }
  return { body: Buffer.from(`{"data":[${parts.join(',')}]`), ids }
}

createServer((request, response) => {
  const page = Number(new URL(request.url!, 'http://localhost').searchParams.get('cursor') ?? 0)
  const { body, ids } = templates[page % templates.length]!
  const copy = Buffer.from(body)
  for (const [index, place] of ids.entries())
    copy.write(String(FIRST_ID + page * pageSize + index), place, 'latin1')
  const end = Buffer.from(page + 1 < pages ? `,"next":"${page + 1}"}` : ',"next":null}')
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': copy.length + end.length })
  response.write(copy)
  response.end(end)
}).listen(0, '127.0.0.1', function (this: { address(): unknown }) {
  process.send!({ port: (this.address() as AddressInfo).port })
})
process.on('disconnect', () => process.exit())
