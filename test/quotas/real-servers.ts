// Rate limiters that are not ours, each behind the server that it is made for. All of them count in memory.
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastifyRateLimit from '@fastify/rate-limit'
import express from 'express'
import { rateLimit } from 'express-rate-limit'
import fastify from 'fastify'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

export interface LimiterOptions {
  readonly requests: number
  readonly windowMs: number
}

export interface WindowTally {
  refused: number
  /** What each window counted that has begun. */
  readonly windows: number[]
}

export interface LimitedServer extends AsyncDisposable {
  readonly url: string
  readonly tally: Readonly<WindowTally>
}

export async function expressServer(
  { requests, windowMs }: LimiterOptions,
  standardHeaders: 'draft-6' | 'draft-7' | 'draft-8',
): Promise<LimitedServer> {
  const tally: WindowTally = { refused: 0, windows: [] }
  const app = express()
  app.use(
    rateLimit({
      limit: requests,
      windowMs,
      standardHeaders,
      legacyHeaders: false,
      handler(_request, response) {
        tally.refused++
        response.status(429).json({ error: 'too many requests' })
      },
    }),
  )
  app.get('/items', (request, response) => {
    const { used } = (request as unknown as { rateLimit: { used: number } }).rateLimit
    count(tally, used === 1)
    response.json({ items: [] })
  })
  return listen(app, tally)
}

export async function fastifyServer({ requests, windowMs }: LimiterOptions): Promise<LimitedServer> {
  const tally: WindowTally = { refused: 0, windows: [] }
  const app = fastify({ forceCloseConnections: true })
  await app.register(fastifyRateLimit, {
    max: requests,
    timeWindow: windowMs,
    onExceeded: () => {
      tally.refused++
    },
  })
  app.get('/items', async (_request, reply) => {
    count(tally, Number(reply.getHeader('x-ratelimit-remaining')) === requests - 1)
    return { items: [] }
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, tally, [Symbol.asyncDispose]: async () => app.close() }
}

/** With the headers that its own documentation shows. */
export async function flexibleServer({ requests, windowMs }: LimiterOptions): Promise<LimitedServer> {
  const tally: WindowTally = { refused: 0, windows: [] }
  const limiter = new RateLimiterMemory({ points: requests, duration: windowMs / 1000 })
  const headersOf = ({ msBeforeNext, remainingPoints }: RateLimiterRes) => ({
    'content-type': 'application/json',
    'retry-after': `${msBeforeNext / 1000}`,
    'x-ratelimit-limit': `${requests}`,
    'x-ratelimit-remaining': `${remainingPoints}`,
    'x-ratelimit-reset': `${Math.ceil((Date.now() + msBeforeNext) / 1000)}`,
  })
  return listen(async (_request, response) => {
    try {
      const result = await limiter.consume('everybody')
      count(tally, result.isFirstInDuration)
      response.writeHead(200, headersOf(result)).end('{"items":[]}')
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal
      tally.refused++
      response.writeHead(429, headersOf(refusal)).end('{"error":"too many requests"}')
    }
  }, tally)
}

function count(tally: WindowTally, first: boolean): void {
  if (first) tally.windows.push(0)
  tally.windows[tally.windows.length - 1]!++
}

async function listen(listener: RequestListener, tally: WindowTally): Promise<LimitedServer> {
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    tally,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
