// An API that answers each request after a delay, from a process of its own: `node latency-server.js <pages> <delay in ms>`. The list by offset, and the
// same records by day: ten pages a day, one after the other.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dayMs, firstDay, pagesADay, smallPage } from './latency.ts'
import { benchRecord } from './records.ts'

const pages = Number(process.argv[2])
const delayMs = Number(process.argv[3])
const total = pages * smallPage
const bodies = Array.from({ length: pages }, (_, page) =>
  Array.from({ length: smallPage }, (_, index) => benchRecord(page * smallPage + index + 1)).join(','),
)

const server = createServer((request, response) => {
  const url = new URL(request.url!, 'http://localhost')
  const given = (name: string) => Number(url.searchParams.get(name) ?? 0)
  const day = url.pathname === '/days'
  const page = day
    ? Math.round((given('from') * 1000 - firstDay) / dayMs) * pagesADay + given('cursor')
    : given('offset') / smallPage
  const next = given('cursor') + 1 < pagesADay ? `"${given('cursor') + 1}"` : null
  const body = `{"data":[${bodies[page] ?? ''}],"total":${total},"next":${bodies[page] === undefined ? null : next}}`
  setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(body), delayMs)
})
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())
