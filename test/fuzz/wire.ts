// Raw bytes over a loopback socket against the real transport: the request ends, with a response or an error of Sluice's own.
import { createServer, type Server, type Socket } from 'node:net'
import { isSluiceError } from '../../src/errors.ts'
import { type ClosableTransport, undiciTransport } from '../../src/http/transport.ts'
import type { Chance } from './chance.ts'
import { type FuzzKind, must, type Show } from './kind.ts'
import { mutateText } from './texts.ts'

/** No part of a request may take longer, in milliseconds: a server that says nothing more is given up soon. */
const patience = 250

export const wire: FuzzKind = { name: 'wire', share: 1, run: playWire }

async function playWire(chance: Chance, show: Show): Promise<string> {
  const { transport, serve } = await hall()
  const chunks = chance.list(1, chance.oneOf([1, 2, 10]), () => answerText(chance))
  const ends = chance.oneOf(['end', 'end', 'destroy', 'stay'])
  show('sent', { chunks, ends })
  const { url, done } = serve(chunks, ends, chance.happens(0.5))
  try {
    const response = await transport({
      method: chance.oneOf(['GET', 'GET', 'POST', 'HEAD']),
      url,
      headers: {},
      timeouts: { connect: 1000, headers: patience, body: patience },
    })
    if (chance.happens(0.1)) {
      await response.discard()
      return 'discarded'
    }
    let bytes = 0
    for await (const chunk of response.body) bytes += chunk.length
    must(Number.isInteger(response.status), () => `the status is ${response.status}`)
    return bytes === 0 ? 'empty' : 'read'
  } catch (error) {
    must(
      isSluiceError(error),
      () => `no error of Sluice: ${error instanceof Error ? error.stack : String(error)}`,
    )
    must(error.message.includes('127.0.0.1'), () => `the message names no address: ${error.message}`)
    return error.code
  } finally {
    done()
  }
}

const startLines = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 304 Not Modified',
  'HTTP/1.1 100 Continue',
  'HTTP/1.1 101 Switching Protocols',
  'HTTP/1.1 999 x',
  'HTTP/1.1 -1 x',
  'HTTP/2.0 200 OK',
  'HTTP/1.1 200 \0',
  'ICY 200 OK',
  'SSH-2.0-x',
  '',
]

const headerLines = [
  'content-length: 5',
  'content-length: 5000',
  'content-length: -1',
  'content-length: 99999999999999999999',
  'content-length: 5, 6',
  'transfer-encoding: chunked',
  'transfer-encoding: gzip, chunked',
  'transfer-encoding: identity',
  'connection: close',
  'connection: keep-alive',
  'content-type: application/json',
  'content-encoding: gzip',
  'x: \x01',
  ': x',
  'no colon',
  ' folded: x',
  `x-long: ${'y'.repeat(30_000)}`,
  'set-cookie: a=b',
  'set-cookie: c=d',
  'location: \xff\xfe',
  'upgrade: websocket',
]

const bodies = [
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  'ffffffffffffffffff\r\nx',
  '5;x=y\r\nhello\r\n',
  'zz\r\n',
  '-1\r\n',
  '0\r\n',
  '\r\n',
  '{"a":1}',
]

function answerText(chance: Chance): string {
  const lines = [
    chance.oneOf(chance.happens(0.6) ? ['HTTP/1.1 200 OK'] : startLines),
    ...chance.list(0, 4, () => chance.oneOf(headerLines)),
  ]
  const text = `${lines.join('\r\n')}\r\n\r\n${chance.list(0, 3, () => chance.oneOf(bodies)).join('')}`
  return chance.happens(0.4) ? mutateText(chance, text) : text
}

interface Hall {
  readonly transport: ClosableTransport
  /** Answers the next connections so. */
  serve(chunks: readonly string[], ends: string, slowly: boolean): { url: string; done: () => void }
}

let opened: Promise<Hall> | undefined

/** One server and one transport for all cases of a process. */
function hall(): Promise<Hall> {
  opened ??= openHall()
  return opened
}

async function openHall(): Promise<Hall> {
  let answer: (socket: Socket) => void = (socket) => socket.destroy()
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.once('data', () => answer(socket))
  })
  server.unref()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    transport: undiciTransport(),
    serve(chunks, ends, slowly) {
      answer = (socket) => void send(socket, chunks, ends, slowly)
      return {
        url: `http://127.0.0.1:${port}/`,
        done: () => {
          for (const socket of sockets) socket.destroy()
        },
      }
    },
  }
}

async function send(socket: Socket, chunks: readonly string[], ends: string, slowly: boolean): Promise<void> {
  for (const chunk of chunks) {
    if (socket.destroyed) return
    socket.write(Buffer.from(chunk, 'latin1'))
    if (slowly) await new Promise<void>((resolve) => setImmediate(resolve))
  }
  if (ends === 'end') socket.end()
  if (ends === 'destroy') socket.destroy()
}
