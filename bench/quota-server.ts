// Serves pages under a limit of requests in any second, from a process of its own, and counts what it refuses. Answers take 20 to 60 ms.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { smallPage } from './latency.ts'

const limit = Number(process.argv[2])
const windowMs = 1000
const body = JSON.stringify({ items: Array.from({ length: smallPage }, (_, id) => ({ id })) })

let counted: number[] = []
let answered = 0
let refused = 0

const server = createServer((_request, response) => {
  const now = performance.now()
  counted = counted.filter((at) => at > now - windowMs)
  const full = counted.length >= limit
  if (full) refused++
  else {
    counted.push(now)
    answered++
  }
  const reset = Math.ceil(((counted[0] ?? now) + windowMs - now) / 1000)
  const headers = {
    'content-type': 'application/json',
    'ratelimit-policy': `"default";q=${limit};w=${windowMs / 1000}`,
    ratelimit: `"default";r=${limit - counted.length};t=${reset}`,
  }
  const delay = 20 + ((answered * 7919) % 41)
  setTimeout(() => {
    if (full) response.writeHead(429, { ...headers, 'retry-after': '1' }).end('{"error":"too many requests"}')
    else response.writeHead(200, headers).end(body)
  }, delay)
})
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('message', () => {
  process.send!({ answered, refused })
  counted = []
  answered = 0
  refused = 0
})
process.on('disconnect', () => process.exit())
