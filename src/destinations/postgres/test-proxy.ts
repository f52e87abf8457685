import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What happens to bytes on their way: they are passed on, or the connection is cut before them. */
export type Verdict = 'pass' | 'cut' | Promise<'pass' | 'cut'>

export interface TestProxy extends AsyncDisposable {
  /** The server's address, by way of the proxy. */
  readonly url: string
  /** Looks at what a client sends. Default: all passes. */
  fromClient: (data: Buffer) => Verdict
  /** Looks at what the server answers. */
  fromServer: (data: Buffer) => Verdict
}

/** A way to a server that can be cut at any byte. */
export async function proxyTo(serverUrl: string): Promise<TestProxy> {
  const target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    const cut = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', cut)
      socket.on('close', cut)
    }
    relay(client, upstream, (data) => proxy.fromClient(data), cut)
    relay(upstream, client, (data) => proxy.fromServer(data), cut)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(serverUrl)
  url.port = String((server.address() as AddressInfo).port)
  const proxy: TestProxy = {
    url: url.href,
    fromClient: () => 'pass',
    fromServer: () => 'pass',
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

function relay(from: Socket, to: Socket, look: (data: Buffer) => Verdict, cut: () => void): void {
  let last: Promise<unknown> = Promise.resolve()
  from.on('data', (data) => {
    last = last.then(async () => {
      if ((await look(data)) === 'cut') cut()
      else if (!to.destroyed) to.write(data)
    })
  })
}
