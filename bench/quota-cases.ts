// The same pages, by Sluice and by what one writes without it. All of them know the limit, save for those that say otherwise.
import Bottleneck from 'bottleneck'
import PQueue from 'p-queue'
import { openClient } from '../src/config/open-client.ts'

export interface QuotaCase {
  readonly name: string
  readonly what: string
  /** Resolves once all pages are there. */
  readonly run: (origin: string, pages: number, limit: number) => Promise<void>
}

/** Requests at once, for all of them. */
const atOnce = 20

export const quotaCases: readonly QuotaCase[] = [
  {
    name: 'sluice',
    what: 'the limit is declared',
    run: (origin, pages, limit) => bySluice(origin, pages, [{ requests: limit, per: '1s' }]),
  },
  {
    name: 'sluice-told',
    what: 'nothing is declared: the replies tell',
    run: (origin, pages) => bySluice(origin, pages, []),
  },
  {
    name: 'p-queue',
    what: 'intervalCap and interval; a 429 is asked again after Retry-After',
    async run(origin, pages, limit) {
      const queue = new PQueue({ concurrency: atOnce, intervalCap: limit, interval: 1000 })
      await queue.addAll(
        Array.from({ length: pages }, (_, page) => () => fetchPatiently(`${origin}/items?page=${page}`)),
      )
    },
  },
  {
    name: 'bottleneck',
    what: 'a reservoir that is filled each second; a 429 is asked again after Retry-After',
    async run(origin, pages, limit) {
      const limiter = new Bottleneck({
        maxConcurrent: atOnce,
        reservoir: limit,
        reservoirRefreshAmount: limit,
        reservoirRefreshInterval: 1000,
      })
      await Promise.all(
        Array.from({ length: pages }, (_, page) =>
          limiter.schedule(() => fetchPatiently(`${origin}/items?page=${page}`)),
        ),
      )
      await limiter.disconnect()
    },
  },
  {
    name: 'retry-loop',
    what: 'knows no limit: asks, and after a 429 asks again after Retry-After',
    async run(origin, pages) {
      let next = 0
      const worker = async () => {
        for (let page = next++; page < pages; page = next++)
          await fetchPatiently(`${origin}/items?page=${page}`)
      }
      await Promise.all(Array.from({ length: atOnce }, worker))
    },
  },
]

async function bySluice(
  origin: string,
  pages: number,
  quotas: readonly { requests: number; per: string }[],
): Promise<void> {
  await using client = openClient('bench', { baseUrl: origin, quotas: [...quotas], maxConcurrent: atOnce })
  await Promise.all(
    Array.from({ length: pages }, (_, page) =>
      client.request({ method: 'GET', url: '/items', query: { page }, headers: {} }, async (response) => {
        const chunks: Uint8Array[] = []
        for await (const chunk of response.body) chunks.push(chunk)
        JSON.parse(Buffer.concat(chunks).toString())
      }),
    ),
  )
}

async function fetchPatiently(url: string): Promise<unknown> {
  for (;;) {
    const response = await fetch(url)
    if (response.ok) return response.json()
    await response.body?.cancel()
    const seconds = Number(response.headers.get('retry-after') ?? 1)
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  }
}
