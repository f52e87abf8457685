// Where a browser comes back to after a login: a port of this machine, for as long as the login takes (RFC 8252 §7.3).
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConfigError } from '../errors.ts'

/** What a browser brought back, and what it is to be shown. */
export interface Redirect {
  readonly params: URLSearchParams
  answer(status: number, title: string, text: string): void
}

export interface LoopbackListener extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/callback` */
  readonly redirectUri: string
}

/**
 * Listens on 127.0.0.1 until it is disposed of.
 * @param port the one to use; `undefined` takes a free one
 * @throws ConfigError where the port is taken
 */
export async function listenOnLoopback(
  port: number | undefined,
  onRedirect: (redirect: Redirect) => void,
): Promise<LoopbackListener> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (request.method !== 'GET' || url.pathname !== '/callback') {
      show(response, 404, 'Not here', 'This address is for the end of a login only.')
      return
    }
    onRedirect({
      params: url.searchParams,
      answer: (status, title, text) => show(response, status, title, text),
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new ConfigError(
              'auth.redirectPort',
              `port ${port} of 127.0.0.1 is taken: free it, or set another one`,
            )
          : error,
      ),
    )
    server.listen(port ?? 0, '127.0.0.1', resolve)
  })
  return {
    redirectUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    async [Symbol.asyncDispose]() {
      // What is being answered is answered to its end; a browser keeps its connection otherwise.
      server.closeIdleConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function show(response: ServerResponse, status: number, title: string, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    connection: 'close',
    // The address holds the code.
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
  })
  response.end(
    `<!doctype html><meta charset="utf-8"><title>${escapeHtml(title)}</title><body style="font:16px system-ui;margin:4rem auto;max-width:32rem"><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>\n`,
  )
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
