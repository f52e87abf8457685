// json-server 0.17, which is not ours, on the loopback interface over an array in memory.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import jsonServer from 'json-server'

export interface JsonServer extends AsyncDisposable {
  readonly url: string
  /** Paths and queries that were asked, in order. */
  readonly asked: string[]
  /** The live data: what a test adds is served by the next request. */
  readonly posts: Record<string, unknown>[]
}

/** Serves `/posts`: `_page` and `_limit` with a Link header, `_start` and `_limit` with a total in `x-total-count`. */
export async function startJsonServer(posts: Record<string, unknown>[]): Promise<JsonServer> {
  const app = jsonServer.create()
  const router = jsonServer.router({ posts })
  const asked: string[] = []
  app.use((request, _response, next) => {
    asked.push(request.url)
    next()
  })
  app.use(router)
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    posts: router.db.getState().posts,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
