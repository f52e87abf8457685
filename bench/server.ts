// Serves pages that were made beforehand, from a process of its own, so that serving costs the reader nothing but the wire.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { benchPage } from './records.ts'

const pages = Number(process.argv[2])
// Every page is kept, so that no page is made while the clock runs.
const bodies = Array.from({ length: pages }, (_, page) => Buffer.from(benchPage(page, pages)))

const server = createServer((request, response) => {
  const page = Number(new URL(request.url!, 'http://localhost').searchParams.get('cursor') ?? 0)
  const body = bodies[page]
  if (body === undefined) {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
})
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())
